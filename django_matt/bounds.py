"""The bounds that request data must keep, whatever its schema says: those of every database, and of a model's columns.

They are written into a copy of pydantic's core schema. Validators are compiled from that copy, and the OpenAPI document is
generated from it: what is refused and what is documented cannot differ.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
from django.apps import apps
from django.conf import settings
from django.db import connections, router
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import DecimalField, Field, GenericIPAddressField, Model
from django.utils.timezone import get_default_timezone, is_aware, make_naive
from ninja import FilterSchema
from ninja.orm import fields as ninja_fields
from ninja.orm.factory import factory
from pydantic_core import PydanticCustomError

__all__ = ["ArrayTypist", "Rewriter", "lower_maximum", "models_in"]

_INT64 = (-(2**63), 2**63 - 1)
_DURATION = timedelta(microseconds=2**63 - 1)
_MAX_DECIMAL_DIGITS = 1_000
_OPAQUE = frozenset(
    {
        "cls",
        "config",
        "default",
        "default_factory",
        "expected",
        "function",
        "members",
        "metadata",
        "serialization",
    }
)
"""Members of a node that hold the user's data, which may look like a node and is none."""
_NAMED = frozenset({"choices", "fields"})
"""Members whose keys are names of fields or tags, so that a field may be called ``default``."""


class Rewriter:
    """Copies a core schema and adds the bounds.

    With ``only``, nothing but the fields of these classes is bounded: a schema that is read and written then has one
    description, where the document gives one name to both.
    """

    def __init__(self, only: Collection[type[Any]] | None = None) -> None:
        self._only = only
        self._bounds = only is None

    def rewrite(self, node: Any) -> Any:
        """Return a copy of a node, and of what is below it, with the bounds."""
        if isinstance(node, list):
            return [self.rewrite(item) for item in node]
        if isinstance(node, tuple):
            return tuple(self.rewrite(item) for item in node)
        if not isinstance(node, dict):
            return node
        outside = self._bounds
        if self._only is not None and node.get("type") == "model":
            self._bounds = node["cls"] in self._only
        copy = {key: self._member(key, value) for key, value in node.items()}
        if self._bounds:
            kind = copy.get("type")
            if kind == "model":
                self.bound_model(copy)
            elif isinstance(kind, str) and kind in _CHANGES:
                copy = _CHANGES[kind](copy)
        self._bounds = outside
        return copy

    def bound_model(self, node: dict[str, Any]) -> None:
        """Bound the fields of a model's node, whose parts are bounded already."""
        _bound_columns(node)

    def _member(self, key: str, value: Any) -> Any:
        if key in _OPAQUE:
            return value
        if key in _NAMED and isinstance(value, dict):
            return {name: self.rewrite(item) for name, item in value.items()}
        return self.rewrite(value)


def models_in(node: Any) -> set[type[Any]]:
    """Return the classes of the models in a core schema."""
    if isinstance(node, dict):
        found = {node["cls"]} if node.get("type") == "model" else set()
        for key, value in node.items():
            if key in _NAMED and isinstance(value, dict):
                found |= models_in(list(value.values()))
            elif key not in _OPAQUE:
                found |= models_in(value)
        return found
    if isinstance(node, list | tuple):
        return set().union(*map(models_in, node))
    return set()


# Values of any schema


def _bound_int(node: dict[str, Any]) -> dict[str, Any]:
    if "gt" not in node:
        node.setdefault("ge", _INT64[0])
    if "lt" not in node:
        node.setdefault("le", _INT64[1])
    return node


def _refuse_nan(node: dict[str, Any]) -> dict[str, Any]:
    node.setdefault("allow_inf_nan", False)
    return node


def _bound_decimal(node: dict[str, Any]) -> dict[str, Any]:
    node.setdefault("max_digits", _MAX_DECIMAL_DIGITS)
    return node


def _bound_duration(node: dict[str, Any]) -> dict[str, Any]:
    if "gt" not in node:
        node.setdefault("ge", -_DURATION)
    if "lt" not in node:
        node.setdefault("le", _DURATION)
    return node


def _bound_datetime(node: dict[str, Any]) -> dict[str, Any]:
    aware = node.get("tz_constraint", "naive") != "naive"
    return _after(node, _stay_in_utc_years if aware else _localize)


def _stay_in_utc_years(value: datetime) -> datetime:
    if value.tzinfo is not None and value.year in (1, 9999):
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise _out_of_range() from None
    return value


def _localize(value: datetime) -> datetime:
    """Make an aware datetime naive where ``USE_TZ`` is off: Django's datetimes are then naive, in ``TIME_ZONE``."""
    if settings.USE_TZ or not is_aware(value):
        return _stay_in_utc_years(value)
    try:
        return make_naive(value, get_default_timezone())
    except OverflowError:
        raise _out_of_range() from None


def _out_of_range() -> PydanticCustomError:
    return PydanticCustomError(
        "datetime_out_of_range", "Input should be a datetime between the years 1 and 9999 in UTC"
    )


def _bound_link(node: dict[str, Any]) -> dict[str, Any]:
    """Ninja's many-to-many links call ``int(value)``, which raises ``TypeError`` for null and lists: validate the key."""
    function = node["function"]["function"]
    if not getattr(function, "__qualname__", "").startswith("create_m2m_link_type."):
        return node
    key_type = function.__self__.__mro__[1]
    kind = {int: "int", str: "str", float: "float"}.get(key_type, "uuid")
    change = _CHANGES.get(kind)
    return {"type": kind} if change is None else change({"type": kind})


_CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "datetime": _bound_datetime,
    "decimal": _bound_decimal,
    "float": _refuse_nan,
    "function-plain": _bound_link,
    "int": _bound_int,
    "timedelta": _bound_duration,
}


# Values of columns


def _bound_columns(node: dict[str, Any]) -> None:
    """Bound the fields that Ninja made of a model's columns by what these columns can hold."""
    cls = node["cls"]
    fields = node["schema"].get("fields", {})
    if issubclass(cls, FilterSchema):
        for field in fields.values():
            _update(field, "time", _refuse_zone)
    for name, column in _columns(cls).items():
        if name not in fields:
            continue
        if isinstance(column, DecimalField):
            _update(fields[name], "decimal", _within_digits(column))
        elif _is_made(cls, name):
            bound_column(fields[name], column)


def _is_made(cls: Any, name: str) -> bool:
    """Ninja gives what it makes of a column a title. A field that the user declares is as the user says."""
    return cls.model_fields[name].title is not None


def _model_of(cls: type[Any]) -> type[Model] | None:
    """The Django model that a schema class was made from, by ``ModelSchema`` or by ``create_schema``."""
    model = getattr(getattr(cls, "Meta", None), "model", None)
    if isinstance(model, str):
        model = apps.get_model(model)
    if isinstance(model, type) and issubclass(model, Model):
        return model
    for key, made in factory.schemas.items():
        if issubclass(cls, made):
            return key[0]
    return None


def _columns(cls: type[Any]) -> "dict[str, Field[Any, Any]]":
    model = _model_of(cls)
    return {} if model is None else {field.name: field for field in model._meta.concrete_fields}


class ArrayTypist(Rewriter):
    """Copies a core schema and types the items of arrays, for what is written: the column vouches for them."""

    def __init__(self) -> None:
        super().__init__(only=())

    def rewrite(self, node: Any) -> Any:
        """Return a copy of a node, and of what is below it, with the types."""
        copy = super().rewrite(node)
        if isinstance(copy, dict) and copy.get("type") == "model":
            cls, fields = copy["cls"], copy["schema"].get("fields", {})
            for name, column in _columns(cls).items():
                if name not in fields or not _is_made(cls, name):
                    continue
                if _is_array(column):
                    _update(fields[name], "list", _as_array(column, bounded=False))
                elif column.get_internal_type() == "HStoreField":
                    _update(fields[name], "dict", _as_text_map)
        return copy


def bound_column(node: Any, column: "Field[Any, Any]") -> None:
    """Bound a node that stands for a column, and what is in it, by what the column can hold."""
    while column.is_relation:
        column = column.target_field  # type: ignore[attr-defined]
    kind = column.get_internal_type()
    if _is_array(column):
        _update(node, "list", _as_array(column))
    elif kind == "HStoreField":
        _update(node, "dict", _as_text_map)
    elif kind in _INTEGERS:
        least, most = _integer_range(column)
        _update(node, "int", _within(least, most))
    elif isinstance(column, DecimalField):
        _update(node, "decimal", _within_digits(column))
    elif kind == "TimeField":
        _update(node, "time", _refuse_zone)
    elif kind in _TEXTS and column.max_length is not None:
        _update(node, "str", _no_longer_than(column.max_length))


_INTEGERS = frozenset(BaseDatabaseOperations.integer_field_ranges)
_TEXTS = frozenset({"CharField", "FileField", "FilePathField", "SlugField"})

Change = Callable[[dict[str, Any]], None]


def _update(node: Any, kind: str, change: Change) -> None:
    """Change every node of a kind under ``node``, not entering other models, nor what was changed."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            change(node)
        elif node.get("type") != "model":
            for key, value in node.items():
                if key not in _OPAQUE:
                    _update(value, kind, change)
    elif isinstance(node, list | tuple):
        for item in node:
            _update(item, kind, change)


def _integer_range(column: "Field[Any, Any]") -> tuple[int, int]:
    alias = router.db_for_write(column.model)
    least, most = connections[alias].ops.integer_field_range(column.get_internal_type())
    return (_INT64[0] if least is None else least), (_INT64[1] if most is None else most)


def _within(least: int, most: int) -> Change:
    def change(node: dict[str, Any]) -> None:
        if "gt" not in node:
            node["ge"] = max(node.get("ge", least), least)
        if "lt" not in node:
            node["le"] = min(node.get("le", most), most)

    return change


def lower_maximum(node: Any, most: int) -> None:
    """Let the integers of a node be no larger than ``most``; a smaller maximum of their own stays."""
    _update(node, "int", _within(_INT64[0], most))


def _within_digits(column: "DecimalField[Any, Any]") -> Change:
    """SQLite stores more digits than the column has, and cannot read them back."""

    def change(node: dict[str, Any]) -> None:
        node |= {"max_digits": column.max_digits, "decimal_places": column.decimal_places}

    return change


def _no_longer_than(most: int) -> Change:
    def change(node: dict[str, Any]) -> None:
        node.setdefault("max_length", most)

    return change


def _refuse_zone(node: dict[str, Any]) -> None:
    node.setdefault("tz_constraint", "naive")


def _as_text_map(node: dict[str, Any]) -> None:
    """``HStoreField`` stores texts and nulls, and turns what else it is given into text: accept what has one text."""
    text = {"type": "str", "coerce_numbers_to_str": True}
    if node.get("values_schema", _ANY).get("type") == "any":
        node["keys_schema"] = {"type": "str"}
        node["values_schema"] = {"type": "nullable", "schema": text}


_ANY = {"type": "any"}


def _is_array(column: Any) -> bool:
    """Tell an ``ArrayField`` without importing it, which needs psycopg; a range's ``base_field`` is a class."""
    return isinstance(getattr(column, "base_field", None), Field)


def _as_array(column: Any, *, bounded: bool = True) -> Change:
    """Type the items of what Ninja makes of an ``ArrayField``, a bare list, by the field that the column is made of."""

    def change(node: dict[str, Any]) -> None:
        if node.get("items_schema", _ANY).get("type") == "any":
            array = _array(column, bounded)
            node.clear()
            node |= array

    return change


def _array(column: Any, bounded: bool) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "list", "items_schema": _item(column.base_field, bounded)}
    if bounded and column.size is not None:
        node["max_length"] = column.size
    return _after(node, _refuse_ragged) if _is_array(column.base_field) else node


def _refuse_ragged(value: list[Any]) -> list[Any]:
    """PostgreSQL's arrays are rectangular."""
    if len({len(item) for item in value if isinstance(item, list)}) > 1:
        raise PydanticCustomError("array_shape", "Inner lists should have the same length")
    return value


def _item(column: Any, bounded: bool) -> dict[str, Any]:
    if _is_array(column):
        node = _array(column, bounded)
    else:
        python_type: Any = ninja_fields.TYPES.get(column.get_internal_type(), Any)
        node = Rewriter(None if bounded else ()).rewrite(
            pydantic.TypeAdapter(python_type).core_schema
        )
        if bounded:
            bound_column(node, column)
        if isinstance(column, GenericIPAddressField):
            node = _after(node, str)  # the column takes no objects of ``ipaddress``
        if column.choices:
            node = _among(node, [value for value, _ in column.flatchoices] + [""] * column.blank)
    return {"type": "nullable", "schema": node} if column.null else node


def _among(node: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    """Refuse what is none of a column's choices; nothing else in the database would."""
    expected = ", ".join(map(repr, values))

    def check(value: Any) -> Any:
        if value in values:
            return value
        raise PydanticCustomError(
            "enum", "Input should be one of {expected}", {"expected": expected}
        )

    plain = [value for value in values if isinstance(value, str | int)]
    return _after(node, check) | {"metadata": {"pydantic_js_updates": {"enum": plain}}}


def _after(node: dict[str, Any], function: Callable[[Any], Any]) -> dict[str, Any]:
    ref = {"ref": node.pop("ref")} if "ref" in node else {}
    return {
        "type": "function-after",
        "schema": node,
        "function": {"type": "no-info", "function": function},
        **ref,
    }
