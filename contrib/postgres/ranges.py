"""Ranges as ``{"lower", "upper", "bounds"}``: the types of Ninja's schemas for the range fields of PostgreSQL."""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.conf import settings
from django.utils.timezone import is_aware, make_aware
from ninja import Schema
from ninja.orm import register_field
from psycopg.types.range import Range
from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from django_matt.bounds import stay_in_utc_years

__all__ = [
    "BigIntegerRange",
    "DateRange",
    "DateTimeRange",
    "DecimalRange",
    "IntegerRange",
    "register_ranges",
]

Bounds = Literal["[)", "(]", "()", "[]", ""]
_TEXT = re.compile(r"([\[(])([^,]*),([^,]*)([\])])")
_LONGEST = 200
_BOUNDS: Any = Field(
    "[)",
    description="Whether the lower and the upper bound belong to the range; empty for a range that contains nothing.",
)
_INT4, _INT8 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1)


class IntegerRangeValue(Schema):
    """A range of integers of 32 bits; a bound that is null is unlimited."""

    lower: Annotated[int, Field(ge=_INT4[0], le=_INT4[1])] | None = None
    upper: Annotated[int, Field(ge=_INT4[0], le=_INT4[1])] | None = None
    bounds: Bounds = _BOUNDS


class BigIntegerRangeValue(Schema):
    """A range of integers of 64 bits; a bound that is null is unlimited."""

    lower: Annotated[int, Field(ge=_INT8[0], le=_INT8[1])] | None = None
    upper: Annotated[int, Field(ge=_INT8[0], le=_INT8[1])] | None = None
    bounds: Bounds = _BOUNDS


class DecimalRangeValue(Schema):
    """A range of decimals; a bound that is null is unlimited."""

    lower: Decimal | None = None
    upper: Decimal | None = None
    bounds: Bounds = _BOUNDS


class DateRangeValue(Schema):
    """A range of dates; a bound that is null is unlimited."""

    lower: date | None = None
    upper: date | None = None
    bounds: Bounds = _BOUNDS


class DateTimeRangeValue(Schema):
    """A range of datetimes; a bound that is null is unlimited."""

    lower: datetime | None = None
    upper: datetime | None = None
    bounds: Bounds = _BOUNDS


class _RangeOf:
    """Makes psycopg's range, which Django's fields accept, of what a client sends, and writes it as the object.

    A client may also send PostgreSQL's own text, ``[2026-01-01,2026-02-01)``, which fits into a query parameter.
    """

    def __init__(self, value: type[Schema], greatest: Any = None) -> None:
        """Take the schema of the object; ``greatest`` is the largest value whose successor cannot be stored."""
        self._value = value
        self._greatest = greatest

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Return how the value is read and written."""
        # The encoder of responses reads the attributes of the range itself, by the schema inside.
        convert: Any = partial(_to_range, greatest=self._greatest)
        convert.is_written_as_read = True
        inner = handler.generate_schema(self._value)
        return core_schema.no_info_before_validator_function(
            _split_text,
            core_schema.no_info_after_validator_function(
                convert,
                inner,
                serialization=core_schema.plain_serializer_function_ser_schema(
                    _dump, info_arg=True, return_schema=core_schema.any_schema()
                ),
            ),
        )

    def __get_pydantic_json_schema__(self, source: Any, handler: Any) -> Any:
        """Return the object, and in what clients send also the text."""
        found = handler(self._value.__pydantic_core_schema__)
        if handler.mode == "serialization":
            return found
        text = {"type": "string", "pattern": f"^({_TEXT.pattern}|empty)$", "maxLength": _LONGEST}
        return {"anyOf": [found, text]}


def _split_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text == "empty":
        return {"bounds": ""}
    match = _TEXT.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise PydanticCustomError(
            "range_text", "Input should be an object, or a text such as [1,10) or [1,)"
        )
    left, lower, upper, right = match.groups()
    return {"lower": lower or None, "upper": upper or None, "bounds": left + right}


_split_text.is_written_as_read = True  # type: ignore[attr-defined] # as below


def _to_range(value: Any, *, greatest: Any) -> Any:
    """Return psycopg's range of a valid object; raise ``PydanticCustomError`` for bounds that no range has."""
    lower, upper, bounds = _aware(value.lower), _aware(value.upper), value.bounds
    if not bounds:
        if lower is not None or upper is not None:
            raise PydanticCustomError("range_empty", "An empty range has no lower and no upper")
        return Range(empty=True)
    if lower is not None and upper is not None and lower > upper:
        raise PydanticCustomError("range_order", "lower should not be greater than upper")
    # PostgreSQL stores [1,9] as [1,10), and there may be no such successor.
    if greatest is not None and greatest in (
        lower if bounds[0] == "(" else None,
        upper if bounds[1] == "]" else None,
    ):
        raise PydanticCustomError("range_limit", "The range ends beyond the greatest value")
    return Range(lower, upper, bounds)


def _aware(value: Any) -> Any:
    """Return a datetime as Django's own field would store it."""
    if isinstance(value, datetime) and settings.USE_TZ and not is_aware(value):
        return stay_in_utc_years(make_aware(value))
    return value


def _dump(value: Any, info: Any) -> Any:
    """Write the object into responses and JSON. ``dict()`` of a request's body has the range itself, for the model."""
    is_response = "response_status" in (info.context or {})
    if isinstance(value, Range) and (is_response or info.mode == "json"):
        return {"lower": value.lower, "upper": value.upper, "bounds": value.bounds}
    return value


if TYPE_CHECKING:
    IntegerRange = Range[int]
    BigIntegerRange = Range[int]
    DecimalRange = Range[Decimal]
    DateRange = Range[date]
    DateTimeRange = Range[datetime]
else:
    IntegerRange = Annotated[Range, _RangeOf(IntegerRangeValue, _INT4[1])]
    BigIntegerRange = Annotated[Range, _RangeOf(BigIntegerRangeValue, _INT8[1])]
    DecimalRange = Annotated[Range, _RangeOf(DecimalRangeValue)]
    DateRange = Annotated[Range, _RangeOf(DateRangeValue, date.max)]
    DateTimeRange = Annotated[Range, _RangeOf(DateTimeRangeValue)]


def register_ranges() -> None:
    """Give Ninja the types of the range fields, for every ``ModelSchema`` that is defined afterwards."""
    register_field("IntegerRangeField", IntegerRange)
    register_field("BigIntegerRangeField", BigIntegerRange)
    register_field("DecimalRangeField", DecimalRange)
    register_field("DateRangeField", DateRange)
    register_field("DateTimeRangeField", DateTimeRange)
