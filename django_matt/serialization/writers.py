"""Columns of raw values into what orjson writes as Ninja's JSON: one writer a column, for the backend and the field.

A writer checks and converts a whole column at once. Where a backend's raw form is known it is written directly, else
Django's own converters make the Python value first. What would not pass validation as it stands raises ``Fallback``.
"""

import inspect
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connections
from django.db.models import Func, TextField
from django.db.models.fields.files import (
    FieldFile,
    FileDescriptor,
    FileField,
    ImageFieldFile,
    ImageFileDescriptor,
)
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.functions import Cast
from django.db.models.query_utils import DeferredAttribute

from django_matt.serialization.core_schemas import Closed
from django_matt.serialization.encoder import KINDS, Fallback, decimal_value

__all__ = ["Writer", "writer_of"]

_ZONED = re.compile(
    "(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,6})?[+]00\n)*"
).fullmatch
Write = Callable[[Any], list[Any]]
_DESCRIPTORS = frozenset(
    {DeferredAttribute, ForeignKeyDeferredAttribute, FileDescriptor, ImageFileDescriptor}
)
_STR, _INT, _FLOAT, _BOOL = (KINDS[name] for name in ("str", "int", "float", "bool"))
_DATETIME, _DATE, _DECIMAL, _UUID = (
    KINDS[name] for name in ("datetime", "date", "decimal", "uuid")
)
_CHOICE = KINDS["choice"]
# What a column of a kind holds, that validation leaves as it is.
_HELD: dict[int, set[type]] = {
    _STR: {str},
    _INT: {int},
    _FLOAT: {float},
    _BOOL: {bool},
    _DATETIME: {datetime},
    _DATE: {date},
    _DECIMAL: {Decimal},
    _UUID: {UUID},
}
_HEX = re.compile("[0-9a-f]*").fullmatch
# Moments as Django stores them, one a line; those of whole seconds have no fraction.
_MOMENTS = re.compile(
    "(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.](?!000000)[0-9]{6})?\n)*"
).fullmatch


class _Bare(Func):
    """A column as SQLite holds it: an expression has no declared type, by which the connection would parse it."""

    template = "+%(expressions)s"
    arity = 1
    default_alias = "matt_column"


class _Text(Cast):
    """A moment as PostgreSQL writes it, which the driver would parse into an object in Python."""

    default_alias = "matt_column"

    def __init__(self, name: str) -> None:
        super().__init__(name, TextField())


class Writer:
    """How one column is selected and written."""

    def __init__(
        self, shape: Write, raw: Write | None = None, select: Callable[[str], Any] = str
    ) -> None:
        """``raw`` writes what the driver gives; without it ``shape`` writes what Django makes of that.

        ``select`` makes of a column's name what ``values_list`` takes.
        """
        self.shape = shape
        self.raw = raw
        self.select = select

    def write(self, values: Any, expression: Any, connection: Any) -> list[Any]:
        """Return the column as orjson will write it, or raise ``Fallback``."""
        if self.raw is not None:
            return self.raw(values)
        return self.shape(converted(values, expression, connection))


def converted(values: Any, expression: Any, connection: Any) -> Any:
    """Return a column as Django's own ``values_list`` gives it."""
    for convert in (
        *connection.ops.get_db_converters(expression),
        *expression.get_db_converters(connection),
    ):
        values = [convert(value, expression, connection) for value in values]
    return values


def writer_of(model: Any, field: Any, node: Any, using: str, encoder: Any) -> Writer:
    """Return the writer of a model's field, or of an annotation (None), for a node; raise ``Closed``."""
    shape = _shape_of(node, encoder)
    if field is None:
        return Writer(shape)
    if type(inspect.getattr_static(model, field.attname, None)) not in _DESCRIPTORS:
        raise Closed(f"{field.name} is read through a descriptor of the project's own")
    while field.remote_field is not None:
        field = field.target_field
    if not type(field).__module__.startswith("django.db.models.fields"):
        raise Closed(f"{field.name}: {type(field).__name__} is a field of the project's own")
    if isinstance(field, FileField):
        return _file_writer(field, node, shape)
    connection = connections[using]
    if connection.vendor == "sqlite":
        return _sqlite_writer(field, node, shape, connection)
    moment = node.kind == _DATETIME and field.get_internal_type() == "DateTimeField"
    if moment and settings.USE_TZ and connection.timezone is UTC:
        return Writer(shape, _checked(node, {str}, _zoned), _Text)
    return Writer(shape)


def _file_writer(field: Any, node: Any, shape: Write) -> Writer:
    if field.attr_class not in (FieldFile, ImageFieldFile):
        raise Closed(f"{field.name}: {field.attr_class.__name__} is a file of the project's own")

    def urls(values: Any) -> list[Any]:
        try:
            found = [field.attr_class(None, field, name).url if name else None for name in values]
        except Exception:  # noqa: BLE001 - Ninja's own path meets it again and says what is wrong
            raise Fallback("a file without a URL") from None
        return shape(found)

    return Writer(shape, urls)


def _sqlite_writer(field: Any, node: Any, shape: Write, connection: Any) -> Writer:
    kind, name = node.kind, field.get_internal_type()
    raw: Write | None = None
    if kind == _BOOL and name == "BooleanField":
        raw = _booleans
    elif kind == _DATE and name == "DateField":
        raw = _dates
    elif kind == _UUID and name == "UUIDField":
        return Writer(shape, _checked(node, {str}, _uuids))
    elif kind == _DATETIME and name == "DateTimeField":
        if not settings.USE_TZ:
            raw = _moments("")
        elif connection.timezone is UTC:
            raw = _moments("Z")
    elif kind == _DECIMAL and name == "DecimalField" and field.decimal_places <= 6:
        return Writer(shape, _checked(node, {float, int}, _decimals(field, node, connection)))
    held: set[type] = {int} if raw is _booleans else {str}
    return Writer(shape) if raw is None else Writer(shape, _checked(node, held, raw), _Bare)


def _checked(node: Any, held: set[type], write: Write) -> Write:
    """Let a column through to ``write`` if it holds nothing but values of these types, or None where that may be."""
    nullable = node.nullable

    def check(values: Any) -> list[Any]:
        kinds = set(map(type, values))
        if kinds <= held:
            return write(values)
        if not (nullable and kinds - held == {type(None)}):
            raise Fallback(node.name)
        written = iter(write([value for value in values if value is not None]))
        return [None if value is None else next(written) for value in values]

    return check


def _booleans(values: Any) -> list[Any]:
    if not set(values) <= {0, 1}:
        raise Fallback("no boolean")
    return [value == 1 for value in values]


def _dates(values: Any) -> list[Any]:
    return _parsed(date.fromisoformat, values)


def _parsed(parse: Callable[[str], Any], values: Any) -> list[Any]:
    """Parse as Django's ``parse_date`` and ``parse_datetime`` do first."""
    try:
        return list(map(parse, values))
    except ValueError:
        raise Fallback("no date") from None


def _moments(end: str) -> Write:
    def write(values: Any) -> list[Any]:
        moments = _parsed(datetime.fromisoformat, values)
        if _MOMENTS("\n".join((*values, ""))):
            return [f"{value[:10]}T{value[11:23]}{end}" for value in values]
        if any(moment.tzinfo is not None for moment in moments):
            raise Fallback("a time zone")
        return [
            (moment.isoformat("T", "milliseconds") if moment.microsecond else moment.isoformat())
            + end
            for moment in moments
        ]

    return write


def _zoned(values: Any) -> list[Any]:
    """Write PostgreSQL's moments, in whose fractions no zero ends."""
    if not _ZONED("\n".join((*values, ""))):
        raise Fallback("a moment of another form")
    return [
        f"{v[:10]}T{v[11:19]}.{v[20:-3]:0<3.3}Z" if len(v) > 22 else f"{v[:10]}T{v[11:19]}Z"
        for v in values
    ]


def _uuids(values: Any) -> list[Any]:
    if not (set(map(len, values)) <= {32} and _HEX("".join(values))):
        raise Fallback("no UUID")
    return [f"{v[:8]}-{v[8:12]}-{v[12:16]}-{v[16:20]}-{v[20:]}" for v in values]


def _decimals(field: Any, node: Any, connection: Any) -> Write:
    """Write reals as Django's converter does: 15 digits, then the places of the column."""
    places = field.decimal_places
    wide = node.longest < 0 or node.longest >= field.max_digits
    wide &= node.places < 0 or node.places >= places
    wide &= node.longest < 0 or node.longest - max(node.places, 0) >= field.max_digits - places
    most = 10 ** min(field.max_digits - places, 15 - places)
    # A decimal of 15 digits is the only one of its length that its float stands for, so nothing is rounded twice.
    limit = most if wide and not node.bounds else 0
    form = f"{{:.{places}f}}".format

    def write(values: Any) -> list[Any]:
        texts = list(map(form, values))
        if not values or (
            -limit < min(values) and max(values) < limit and [*map(float, texts)] == [*values]
        ):
            return texts
        made = converted(values, field.cached_col, connection)
        return [decimal_value(node, value) for value in made]

    return write


def _shape_of(node: Any, encoder: Any) -> Write:
    """Return what writes a column of Python values."""
    kind = node.kind
    if kind == _CHOICE:
        return (
            _checked(node, {str}, _choices(node, encoder))
            if _is_text(node)
            else _each(node, encoder)
        )
    held = _HELD.get(kind)
    if held is None:
        return _each(node, encoder)
    plain: dict[int, Write] = {
        _DATETIME: _aware,
        _DECIMAL: lambda values: [decimal_value(node, value) for value in values],
    }
    write = plain.get(kind, list)
    bounded = node.bounds or node.longest >= 0 or node.shortest > 0 or node.finite
    if bounded and kind != _DECIMAL:
        return _each(node, encoder)
    return _checked(node, held, write)


def _is_text(node: Any) -> bool:
    return {kind for kind, _ in node.raw_members} == {str}


def _choices(node: Any, encoder: Any) -> Write:
    def write(values: Any) -> list[Any]:
        each = _each(node, encoder)
        distinct = list(set(values))
        known = dict(zip(distinct, each(distinct), strict=True))
        return [known[value] for value in values]

    return write


def _aware(values: Any) -> list[Any]:
    """Write moments: whole seconds are orjson's as they stand, others have their milliseconds cut."""
    written: list[Any] = []
    for value in values:
        if value.tzinfo is None or value.tzinfo is UTC:
            if not value.microsecond:
                written.append(value)
            else:
                end = "" if value.tzinfo is None else "Z"
                written.append(value.isoformat("T", "milliseconds")[:23] + end)
        else:
            text = value.isoformat()
            text = text[:23] + text[26:] if value.microsecond else text
            written.append(text[:-6] + "Z" if text.endswith("+00:00") else text)
    return written


def _each(node: Any, encoder: Any) -> Write:
    """Write value by value, by the encoder."""

    def write(values: Any) -> list[Any]:
        try:
            return [
                None
                if value is None and node.nullable
                else orjson.Fragment(encoder.encode(node, value))
                for value in values
            ]
        except encoder.Fallback:
            raise Fallback(node.name) from None

    return write
