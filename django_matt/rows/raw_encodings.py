"""Raw encodings: the columns that the compiled row writer can write from what the database returns.

SQLite's drivers return a stored value, PostgreSQL's a text. For many types the JSON follows from it directly: PostgreSQL's
text of a UUID only needs quotes. This module decides for a field and its schema whether that is so, and which step of the
row writer does it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Func
from django.db.models.expressions import Col

from django_matt.serialization.encoder import KINDS, ValueMismatch

__all__ = [
    "Column",
    "Fragments",
    "converted",
    "find_encoding",
    "is_bounded",
    "key_packer",
    "stored",
]

Fragments = list[bytes | None]
_STR, _INT, _FLOAT, _BOOL, _UUID = (KINDS[name] for name in ("str", "int", "float", "bool", "uuid"))
_DATETIME, _DATE, _TIME, _DECIMAL, _CHOICE = (
    KINDS[name] for name in ("datetime", "date", "time", "decimal", "choice")
)
_TEXTS = frozenset({"CharField", "TextField", "SlugField", "FilePathField"})
_INTEGERS = frozenset(
    f"{size}{kind}Field"
    for kind in ("Auto", "Integer")
    for size in ("", "Big", "Small", "Positive", "PositiveBig", "PositiveSmall")
)
# The types (OIDs) of PostgreSQL whose text each step can write.
_TYPES: dict[str, frozenset[int]] = {
    "text": frozenset({25, 1042, 1043}),
    "digits": frozenset({20, 21, 23}),
    "member": frozenset({20, 21, 23, 25, 1042, 1043}),
    "real": frozenset({700, 701}),
    "numeric": frozenset({1700}),
    "flag": frozenset({16}),
    "uuid": frozenset({2950}),
    "date": frozenset({1082}),
    "time": frozenset({1083}),
    "datetime": frozenset({1184}),
}


class _Undeclared(Func):
    """A column without its declared type.

    Django's connection to SQLite converts results by the declared type of their column: a ``date`` becomes an object. An
    expression (``+"table"."column"``) has no declared type, so that the stored text arrives.
    """

    template = "+%(expressions)s"
    arity = 1
    default_alias = "matt_column"


@dataclass(slots=True)
class Column:
    """How one column is selected and written.

    ``select`` turns the column's name into an argument of ``values_list()``. ``code`` is the raw encoding, and ``least``,
    ``most``, ``slow`` and ``known`` belong to its step (``WriteStep``). ``types`` are the PostgreSQL types that it can write.
    ``prepare`` writes Python values instead, for the code ``fragment``.
    """

    prepare: Callable[[list[Any]], Fragments]
    code: str = "fragment"
    least: int = 0
    most: int = -1
    slow: Callable[[Any], bytes] | None = None
    known: dict[Any, bytes] = field(default_factory=dict)
    types: frozenset[int] | None = None
    select: Callable[[str], Any] = str

    def fragments(self, values: list[Any], expression: Any, connection: Any) -> Fragments:
        """Return a column of raw values as JSON, by way of Django's converters, or raise ``ValueMismatch``."""
        return self.prepare(converted(values, expression, connection))


def converted(values: list[Any], expression: Any, connection: Any) -> list[Any]:
    """Convert raw values as Django's own ``values_list()`` does."""
    for convert in (
        *connection.ops.get_db_converters(expression),
        *expression.get_db_converters(connection),
    ):
        values = [convert(value, expression, connection) for value in values]
    return values


def find_encoding(column: Column, field: Any, node: Any, encoder: Any, connection: Any) -> None:
    """Give a column the raw encoding of a field, if there is one. Otherwise the column stays a fragment."""
    if connection.vendor == "sqlite":
        _find_sqlite(column, field, node, encoder, connection)
    else:
        _find_postgres(column, field, node, encoder, connection)
        column.types = _TYPES.get(column.code)


def key_packer(
    field: Any, connection: Any, *, as_text: bool
) -> tuple[Callable[[list[Any]], Any] | None, frozenset[int] | None]:
    """Return how to pass many raw keys as one parameter of a query, and the PostgreSQL types for which that works.

    Returns None for the function if only Django can convert the keys.
    """
    name = stored(field).get_internal_type()
    if name in _INTEGERS:
        types = _TYPES["digits"]
    elif name == "UUIDField":
        types = _TYPES["uuid"]
    elif name in _TEXTS:
        types = _TYPES["text"]
    else:
        return None, None
    if connection.vendor == "sqlite":
        return _as_json, types
    # psycopg adapts the items of a list one by one, in Python. Numbers and UUIDs need no quotes, so that a PostgreSQL array can
    # be written as one text.
    return (list if name in _TEXTS or not as_text else _as_array), types


def _as_array(keys: list[Any]) -> str:
    return f"{{{','.join(keys)}}}"


def _as_json(keys: list[Any]) -> str:
    try:
        packed = orjson.dumps(keys).decode()
    except TypeError:
        raise ValueMismatch("a key that is neither a string nor a number") from None
    if "\\u0000" in packed:
        # SQLite's JSON functions end a text at a NUL, and the key would match another row.
        raise ValueMismatch("a key with a NUL")
    return packed


def stored(field: Any) -> Any:
    """Return the field that says how values are stored: the target of a foreign key, the output of a generated field."""
    while field.remote_field is not None:
        field = field.target_field
    return field.output_field if field.generated else field


def is_bounded(node: Any) -> bool:
    """Tell whether a schema limits a value: its size, its length or its digits."""
    return bool(node.bounds or node.longest >= 0 or node.shortest > 0 or node.finite)


def _find_sqlite(column: Column, field: Any, node: Any, encoder: Any, connection: Any) -> None:
    """Find the raw encoding of a column as SQLite stores it."""
    kind, name = node.kind, field.get_internal_type()
    if _find_shared(column, name, node, encoder, lambda value: value):
        return
    if kind == _INT and name in _INTEGERS and not node.bounds:
        column.code = "int"
    elif kind == _DECIMAL and name == "DecimalField" and field.decimal_places <= 6:
        column.code = "decimal"
        column.least = field.decimal_places
        # SQLite stores a decimal as a float. Up to 15 digits no other decimal has the same float, so the digits can be computed
        # back from it.
        wide = _is_wide(node, field) and not node.bounds
        column.most = 10 ** min(field.max_digits, 15) if wide else 0
        column.slow = _write_parsed(
            lambda value: converted([value], Col("", field), connection)[0], node, encoder
        )
    elif kind == _BOOL and name == "BooleanField":
        column.code, column.select = "bool", _Undeclared
    elif kind == _DATE and name == "DateField":
        column.code, column.select = "date", _Undeclared
        column.slow = _write_parsed(date.fromisoformat, node, encoder)
    elif kind == _TIME and name == "TimeField":
        column.code, column.select = "time", _Undeclared
        column.slow = _write_parsed(time.fromisoformat, node, encoder)
    elif kind == _DATETIME and name == "DateTimeField":
        zone = UTC if settings.USE_TZ else None
        if zone is None or _is_utc(connection):
            # ``least`` tells the writer whether to add the Z of UTC.
            column.code, column.select = "datetime", _Undeclared
            column.least = int(settings.USE_TZ)
            column.slow = _write_parsed(
                lambda value: _naive(value).replace(tzinfo=zone), node, encoder
            )


def _find_postgres(column: Column, field: Any, node: Any, encoder: Any, connection: Any) -> None:
    """Find the raw encoding of a column as PostgreSQL writes it."""
    kind, name = node.kind, field.get_internal_type()
    if _find_shared(column, name, node, encoder, int if name in _INTEGERS else str):
        return
    if kind == _INT and name in _INTEGERS and not node.bounds:
        column.code = "digits"
    elif kind == _FLOAT and name == "FloatField" and not is_bounded(node):
        column.code = "real"
        column.slow = _write_parsed(float, node, encoder)
    elif kind == _DECIMAL and name == "DecimalField":
        column.code = "numeric"
        column.least = field.decimal_places
        column.slow = _write_parsed(Decimal, node, encoder)
        # The writer compares no decimals. It writes those that fit whatever they are; 0 sends every value to ``slow``.
        if node.bounds or not _is_wide(node, field):
            column.most = 0
        elif node.longest >= 0 or node.places >= 0:
            column.most = max(1, field.max_digits - field.decimal_places)
    elif kind == _BOOL and name == "BooleanField":
        column.code = "flag"
    elif kind == _DATE and name == "DateField":
        column.code = "date"
    elif kind == _TIME and name == "TimeField":
        column.code = "time"
    elif kind == _DATETIME and name == "DateTimeField" and _is_utc(connection):
        column.code, column.least = "datetime", 2


def _find_shared(
    column: Column, name: str, node: Any, encoder: Any, parse: Callable[[Any], Any]
) -> bool:
    """Find the raw encoding of the types that both databases return alike; ``parse`` makes a Python value of a raw one."""
    if node.kind == _STR and name in _TEXTS and not node.bounds:
        column.code = "text"
        if node.longest >= 0 or node.shortest > 0:
            # The writer compares a text's length with these.
            column.least = node.shortest
            column.most = node.longest if node.longest >= 0 else 2**62
    elif node.kind == _CHOICE and name in _TEXTS | _INTEGERS:
        column.code = "member"
        column.slow = _remembered(_write_parsed(parse, node, encoder), column.known)
    elif node.kind == _UUID and name == "UUIDField":
        column.code = "uuid"
    return column.code != "fragment"


def _is_utc(connection: Any) -> bool:
    return bool(settings.USE_TZ and connection.timezone is UTC)


def _is_wide(node: Any, field: Any) -> bool:
    """Tell whether every value that the column can store has few enough digits for the schema."""
    most, places = field.max_digits, field.decimal_places
    return bool(
        (node.longest < 0 or node.longest >= most)
        and (node.places < 0 or node.places >= places)
        and (node.longest < 0 or node.longest - max(node.places, 0) >= most - places)
    )


def _naive(text: str) -> datetime:
    """Parse a datetime that SQLite stores, which Django writes without an offset."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is not None:
        raise ValueError("a time zone")
    return value


def _write_parsed(parse: Callable[[Any], Any], node: Any, encoder: Any) -> Callable[[Any], bytes]:
    """Return a function that writes one raw value by way of a Python value and the encoder: the slow path of an encoding."""

    def write(value: Any) -> bytes:
        try:
            written: bytes = encoder.encode(node, parse(value))
        except (encoder.ValueMismatch, ValueError, TypeError, ArithmeticError):
            raise ValueMismatch(node.name) from None
        return written

    return write


def _remembered(write: Callable[[Any], bytes], known: dict[Any, bytes]) -> Callable[[Any], bytes]:
    """Return a function that writes a raw value and adds it to ``known``, from which the row writer takes it next time.

    A choice field has few values, so that ``known`` stays small.
    """

    def remember(value: Any) -> bytes:
        known[value] = written = write(value)
        return written

    return remember
