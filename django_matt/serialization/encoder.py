# cython: language_level=3, annotation_typing=False
"""Writes values as JSON by the nodes of a plan. The same source is plain Python and, with ``_encoder_c.pxd``, compiled.

It checks that pydantic would accept a value unchanged, and makes data of it that orjson writes as Ninja's encoder would. A
value that pydantic would change or refuse raises ``ValueMismatch``: pydantic then does it.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from inspect import getattr_static
from ipaddress import ip_address
from math import isfinite
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Manager, Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.utils.duration import duration_iso_string
from ninja.responses import NinjaJSONEncoder

# The digest of this file and its pxd; a test names the right one, and compares it with the compiled module's.
FINGERPRINT = "025450f37523e8c7"
COMPILED = __name__.endswith("_c")

_STR, _INT, _FLOAT, _BOOL, _DATETIME, _DECIMAL, _UUID, _DATE, _TIME, _TIMEDELTA = range(1, 11)
_CHOICE, _LIST, _DICT, _MODEL, _ANY, _LINK, _IP = range(11, 18)

KINDS = {
    "str": _STR,
    "int": _INT,
    "float": _FLOAT,
    "bool": _BOOL,
    "datetime": _DATETIME,
    "decimal": _DECIMAL,
    "uuid": _UUID,
    "date": _DATE,
    "time": _TIME,
    "timedelta": _TIMEDELTA,
    "choice": _CHOICE,
    "list": _LIST,
    "dict": _DICT,
    "model": _MODEL,
    "any": _ANY,
    "link": _LINK,
    "ip": _IP,
}
MISSING: Any = object()
# Compiled functions have no recursion limit of the interpreter. pydantic itself stops at 255.
_DEEPEST = 200
_ACCESSES = 256
_OPTIONS = orjson.OPT_UTC_Z
_write = orjson.dumps
_utc = UTC
# Digits to paste: several times faster than formatting them when compiled.
_two = [f"{number:02d}" for number in range(60)]
_three = [f"{number:03d}" for number in range(1000)]
_default = NinjaJSONEncoder().default


class ValueMismatch(Exception):  # noqa: N818 - it is a way out, not an error
    """The encoder cannot write this value as it is; pydantic must validate it.

    ``reads`` is what was read before that, in order: an object, a key, the value, then the next object.
    """

    reads: list[Any] = []


class Node:
    """What the encoder knows of one value in a response: its kind, its limits, and the nodes inside it."""

    def __init__(self, kind: str, name: str) -> None:
        """Make a node without limits. ``name`` says in messages and descriptions what the value is."""
        self.kind = KINDS[kind]
        self.name = name
        self.nullable = False
        self.shortest = 0
        self.longest = -1
        self.places = -1
        self.bounds: tuple[Callable[[Any], bool], ...] = ()
        self.finite = False
        self.members: dict[Any, Any] = {}
        self.raw_members: dict[Any, Any] = {}
        self.item: Any = None
        self.fields: list[Any] = []
        self.model: Any = None
        self.getter = False
        self.skip_none = False
        self.skip_unset = False
        self.accesses: dict[Any, Any] = {}
        # The object with every key in order, if all are always written: a copy of it is filled faster than a new dict grows.
        self.blank: dict[str, Any] = {}

    def copy(self) -> "Node":
        """Return a node that shares the nodes inside it, and may have limits of its own."""
        node = Node("any", self.name)
        node.kind = self.kind
        node.nullable = self.nullable
        node.shortest = self.shortest
        node.longest = self.longest
        node.places = self.places
        node.bounds = self.bounds
        node.finite = self.finite
        node.members = self.members
        node.raw_members = self.raw_members
        node.item = self.item
        node.fields = self.fields
        node.model = self.model
        node.getter = self.getter
        node.skip_none = self.skip_none
        node.skip_unset = self.skip_unset
        node.accesses = self.accesses
        node.blank = self.blank
        return node


class Field:
    """One field of a model node: where its value is read, under which key it is written."""

    def __init__(
        self, name: str, key: str, wire: str, node: Any, default: Any, *, other: str = ""
    ) -> None:
        """``key`` is read from objects and dicts, ``other`` if it is missing; ``wire`` is the key in JSON.

        ``default`` may be ``MISSING``.
        """
        self.name = name
        self.key = key
        self.other = other
        self.wire = wire
        self.node = node
        self.default = default
        # Ninja looks up a missing attribute with Django's template Variable, to which "a.b", "_a" or "1" means something else.
        self.simple_key = _is_simple_key(key) and (not other or _is_simple_key(other))


def _is_simple_key(key: str) -> bool:
    return key.isidentifier() and not key.startswith("_") and not _is_number(key)


def _is_number(key: str) -> bool:
    try:
        float(key)
    except ValueError:
        return False
    return True


def datetime_value(value: Any) -> Any:
    """Return what orjson writes as Django's encoder writes a datetime: ISO 8601, milliseconds cut off, ``Z`` for UTC."""
    zone = value.tzinfo
    if zone is None or zone is _utc:
        micro = value.microsecond
        if micro == 0:
            return value
        year = value.year
        month = value.month
        day = value.day
        hour = value.hour
        minute = value.minute
        second = value.second
        micro //= 1000
        end = "" if zone is None else "Z"
        start = f"{year:04d}-{_two[month]}-{_two[day]}T{_two[hour]}"
        return f"{start}:{_two[minute]}:{_two[second]}.{_three[micro]}{end}"
    return zoned_text(value)


def zoned_text(value: Any) -> str:
    """Return the text of a datetime in a time zone other than UTC, or of an object that only looks like it."""
    text: str = value.isoformat()
    if value.microsecond:
        text = text[:23] + text[26:]
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def time_value(value: Any) -> str:
    """Return the text of a time: ISO 8601, milliseconds cut off."""
    text: str = value.isoformat()
    return text[:12] if value.microsecond else text


def learn(node: Node, kind: Any) -> Any:
    """Decide once for a class how its instances are read: from ``__dict__`` or by attribute, for each field of a node."""
    called = any("__call__" in base.__dict__ for base in kind.__mro__)
    if called or issubclass(kind, (type, Manager, QuerySet, FieldFile)):
        raise ValueMismatch("a callable")
    own = kind.__getattribute__ is object.__getattribute__ and kind.__dictoffset__ != 0
    direct = [own and not is_computed(kind, field.key) for field in node.fields]
    # Reading runs code (a property, a query), except for a to-one relation, which the instance keeps: to read it again is free.
    runs_code = [
        not isinstance(
            getattr_static(kind, field.key, None),
            (ForwardManyToOneDescriptor, ReverseOneToOneDescriptor),
        )
        for field in node.fields
    ]
    access = (direct, own and any(direct), not hasattr(kind, "__getitem__"), runs_code)
    if len(node.accesses) >= _ACCESSES:
        node.accesses.clear()
    node.accesses[kind] = access
    return access


def is_computed(kind: Any, key: Any) -> bool:
    """Tell whether a class has a property, or another data descriptor, that comes before the instance's ``__dict__``."""
    for base in kind.__mro__:
        if key in base.__dict__:
            found = type(base.__dict__[key])
            return hasattr(found, "__set__") or hasattr(found, "__delete__")
    return False


def convert(value: Any) -> Any:
    """Convert a value read from an attribute as ``DjangoGetter`` does, but do not call it if it is callable."""
    if isinstance(value, Manager):
        return list(value.all())
    if isinstance(value, QuerySet):
        return list(value)
    if callable(value):
        raise ValueMismatch("a callable")
    if isinstance(value, FieldFile):
        return value.url if value else None
    return value


class Shaper:
    """Makes data of values that orjson writes as Ninja's JSON. ``trusted`` values come from a validated instance."""

    def __init__(self, trusted: bool = False) -> None:
        """Trusted values must be of the exact classes that their schemas name."""
        self.trusted = trusted
        # What properties and querysets gave so far. After a ValueMismatch pydantic takes it from here, so that nothing runs twice.
        self.reads: list[Any] = []

    def shape(self, node: Node, value: Any, depth: int) -> Any:  # noqa: C901 - one branch a kind
        """Return the data of a value, or raise ``ValueMismatch`` if pydantic would not return the value unchanged."""
        kind = node.kind
        if value is None:
            if node.nullable:
                return None
        elif kind == _STR:
            if type(value) is str:
                if node.longest >= 0 or node.shortest > 0:
                    check_length(node, len(value))
                return value
        elif kind == _INT:
            if type(value) is int:
                if node.bounds:
                    check_bounds(node, value)
                return value  # past 64 bits orjson refuses, and the next tier writes it
        elif kind == _BOOL:
            if type(value) is bool:
                return value
        elif kind == _DATETIME:
            if type(value) is datetime:
                return datetime_value(value)
        elif kind == _DECIMAL:
            if type(value) is Decimal:
                return decimal_value(node, value)
        elif kind == _FLOAT:
            if type(value) is int and -9007199254740992 <= value <= 9007199254740992:
                value = float(value)
            if type(value) is Decimal and not self.trusted and value.is_finite():
                value = float(value)
            if type(value) is float and (not node.finite or isfinite(value)):
                if node.bounds:
                    check_bounds(node, value)
                return value
        elif kind == _UUID:
            if type(value) is UUID:
                return value
        elif kind == _MODEL:
            return self.model(node, value, depth)
        elif kind == _LIST:
            return self.items(node, value, depth)
        elif kind == _DATE:
            if type(value) is date:
                return value
        elif kind == _TIME:
            if type(value) is time and value.tzinfo is None:
                return time_value(value)
        elif kind == _TIMEDELTA:
            if type(value) is timedelta:
                return duration_iso_string(value)
        elif kind == _CHOICE:
            return self.choice(node, value)
        elif kind == _DICT:
            return self.mapping(node, value, depth)
        elif kind == _ANY:
            return to_jsonable(value, depth, False)
        elif kind == _LINK:
            if isinstance(value, Model):
                return to_jsonable(read(value, "pk"), depth, False)
        elif kind == _IP and type(value) is str:
            try:
                return str(ip_address(value))
            except ValueError:
                pass
        raise ValueMismatch(node.name)

    def choice(self, node: Node, value: Any) -> Any:
        """Return the data of a member of an enum or a literal."""
        kind = type(value)
        found = MISSING
        if kind is node.model:
            found = node.members.get(value, MISSING)
        elif (kind is str or kind is int or kind is bool) and not (
            self.trusted and node.model is not None
        ):
            found = node.raw_members.get((kind, value), MISSING)
        if found is MISSING:
            raise ValueMismatch(node.name)
        return found

    def items(self, node: Node, values: Any, depth: int) -> list[Any]:
        """Return the data of an array."""
        kind = type(values)
        if depth > _DEEPEST or (kind is not list and kind is not tuple):
            raise ValueMismatch(node.name)
        if node.longest >= 0 or node.shortest > 0:
            check_length(node, len(values))
        item = node.item
        if item.kind == _MODEL and not item.nullable:
            return [self.model(item, value, depth + 1) for value in values]
        return [self.shape(item, value, depth + 1) for value in values]

    def mapping(self, node: Node, values: Any, depth: int) -> dict[str, Any]:
        """Return the data of an object with arbitrary keys."""
        if depth > _DEEPEST or type(values) is not dict:
            raise ValueMismatch(node.name)
        if node.longest >= 0 or node.shortest > 0:
            check_length(node, len(values))
        item = node.item
        shaped = {}
        for key, value in values.items():
            if type(key) is not str:
                raise ValueMismatch("a key")
            shaped[key] = self.shape(item, value, depth + 1)
        return shaped

    def model(self, node: Node, value: Any, depth: int) -> dict[str, Any]:  # noqa: C901, PLR0915 - the innermost loop
        """Return the data of an object whose keys are the fields of a schema."""
        kind = type(value)
        direct = None
        runs_code: Any = None
        no_getitem = True
        attributes: Any = None
        if depth > _DEEPEST:
            raise ValueMismatch(node.name)
        if (
            kind is not dict
            and (self.trusted or not node.getter)
            and (kind is not node.model or node.skip_unset)
        ):
            raise ValueMismatch(
                node.name
            )  # another class is dumped in its own way, and so is what was never set
        if kind is dict:
            if self.trusted:
                raise ValueMismatch(node.name)
            attributes = value
        else:
            access = node.accesses.get(kind)
            if access is None:
                access = learn(node, kind)
            direct, has_dict, no_getitem, runs_code = access
            if has_dict:
                attributes = value.__dict__
        shaped = node.blank.copy()
        for index, field in enumerate(node.fields):
            found = MISSING
            has_run = False
            # Read the value: from the dict or __dict__ if it is there, else as an attribute, else under its other key, else
            # the default.
            if direct is None or direct[index]:
                found = attributes.get(field.key, MISSING)
            if found is MISSING:
                if direct is not None:
                    found = read(value, field.key)
                    has_run = runs_code[index] and found is not MISSING
                if found is MISSING:
                    if self.trusted or not (direct is None or (no_getitem and field.simple_key)):
                        raise ValueMismatch(field.name)
                    if field.other:
                        found = (
                            attributes.get(field.other, MISSING)
                            if direct is None
                            else read(value, field.other)
                        )
                if found is MISSING:
                    found = field.default
                    if found is MISSING:
                        raise ValueMismatch(field.name)
                    if node.skip_unset:
                        continue
            below = field.node
            if type(found) is not str and found is not None:
                if below.kind == _LIST:
                    if type(found) is not list:
                        found = settle(found)
                elif below.kind == _STR or below.kind == _ANY:  # noqa: PLR1714 - C ints when compiled
                    found = settle(found)
            if has_run:
                # Three entries instead of a tuple: so many tuples would make the garbage collector run.
                self.reads.append(value)
                self.reads.append(field.key)
                self.reads.append(found)
            if found is None and node.skip_none and below.nullable:
                continue
            shaped[field.wire] = self.shape(below, found, depth + 1)
        return shaped


def check_length(node: Node, length: int) -> None:
    """Raise ``ValueMismatch`` if a length is outside of the node's limits."""
    if length < node.shortest or (node.longest >= 0 and length > node.longest):
        raise ValueMismatch("a length")


def check_bounds(node: Node, value: Any) -> None:
    """Raise ``ValueMismatch`` if a number is outside of the node's limits."""
    for holds in node.bounds:
        if not holds(value):
            raise ValueMismatch("a bound")


def decimal_value(node: Node, value: Any) -> str:
    """Return the text of a decimal, or raise ``ValueMismatch`` if it may have too many digits.

    Digits can be counted in several ways (``0.10``, ``1E+2``). A decimal of which they disagree is left to pydantic.
    """
    if not value.is_finite():
        raise ValueMismatch("not a number")
    text = str(value)
    if node.longest >= 0 or node.places >= 0:
        if "E" in text:
            raise ValueMismatch("an exponent")
        point = text.find(".")
        places = 0 if point < 0 else len(text) - point - 1
        digits = len(text) if point < 0 else point
        if text[0] == "-":
            digits -= 1
        if places > 0 and digits == 1 and (text[0] == "0" or text[:2] == "-0"):
            digits = 0
        if node.places >= 0 and places > node.places:
            raise ValueMismatch("decimal places")
        if node.longest >= 0:
            most = node.longest - (node.places if node.places > 0 else 0)
            if digits > most or digits + places > node.longest:
                raise ValueMismatch("decimal digits")
    if node.bounds:
        check_bounds(node, value)
    return text


def to_jsonable(value: Any, depth: int, lenient: bool) -> Any:
    """Return data that orjson can write.

    ``lenient`` accepts everything that ``NinjaJSONEncoder`` accepts; otherwise only what pydantic leaves unchanged.
    """
    kind = type(value)
    if (
        value is None
        or kind is str
        or kind is bool
        or kind is float
        or kind is UUID
        or kind is date
    ):
        return value
    if kind is int:
        return value
    if depth > _DEEPEST:
        raise ValueMismatch("depth")
    if kind is dict:
        return members(value, depth + 1, lenient)
    if kind is list or kind is tuple:
        return [to_jsonable(item, depth + 1, lenient) for item in value]
    if kind is datetime:
        return datetime_value(value)
    if kind is Decimal:
        return str(value)
    if kind is timedelta:
        return duration_iso_string(value)
    if not lenient:
        raise ValueMismatch("no plain data")
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(int.__repr__(value))
    if isinstance(value, float):
        return float(float.__repr__(value))
    if isinstance(value, dict):
        return members(value, depth + 1, lenient)
    if isinstance(value, (list, tuple)):
        return [to_jsonable(item, depth + 1, lenient) for item in value]
    return to_jsonable(_default(value), depth + 1, lenient)


def members(values: Any, depth: int, lenient: bool) -> dict[str, Any]:
    """Return the data of a dictionary, with keys as ``json.dumps`` writes them."""
    shaped = {}
    for key, value in values.items():
        if type(key) is not str:
            if not lenient:
                raise ValueMismatch("a key")
            key = key_text(key)  # noqa: PLW2901 - one name for one thing
        shaped[key] = to_jsonable(value, depth, lenient)
    return shaped


def key_text(key: Any) -> str:
    """Return a key as the text that ``json.dumps`` makes of it."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, float):
        return json.dumps(float(key))
    if key is True:
        return "true"
    if key is False:
        return "false"
    if key is None:
        return "null"
    if isinstance(key, int):
        return int.__repr__(key)
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def read(value: Any, key: Any) -> Any:
    """Read an attribute. Returns ``MISSING`` if there is none, and raises ``ValueMismatch`` if reading it fails."""
    try:
        return getattr(value, key, MISSING)
    except Exception:  # noqa: BLE001 - Ninja's own path reads it again and says what is wrong
        raise ValueMismatch("an attribute that raises") from None


def settle(value: Any) -> Any:
    """Convert a value read from an attribute, or raise ``ValueMismatch`` if that fails: pydantic's tier then raises the error."""
    try:
        return convert(value)
    except ValueMismatch:
        raise
    except Exception:  # noqa: BLE001 - the same
        raise ValueMismatch("a value that raises") from None


def encode(node: Any, value: Any, trusted: bool = False) -> bytes:
    """Encode a value by its node as JSON, or raise ``ValueMismatch``."""
    if not trusted:
        value = settle(value)
    shaper = Shaper(trusted)
    try:
        shaped = shaper.shape(node, value, 0)
        try:
            return _write(shaped, None, _OPTIONS)
        except orjson.JSONEncodeError:
            raise ValueMismatch("a lone surrogate") from None
    except ValueMismatch as error:
        error.reads = shaper.reads
        raise


def dumps(data: Any) -> bytes:
    """Encode any data as Ninja's JSON. NaN and the infinities become ``null``, lone surrogates stay escapes.

    >>> dumps({"at": datetime(2024, 1, 1, 12, 30), 1: [Decimal("0.10"), float("nan")]})
    b'{"at":"2024-01-01T12:30:00","1":["0.10",null]}'
    """
    try:
        return _write(to_jsonable(data, 0, True), None, _OPTIONS)
    except (ValueMismatch, orjson.JSONEncodeError):
        # Too deep, circular, or not Unicode: the standard library raises the right error, or writes it.
        text = json.dumps(data, cls=NinjaJSONEncoder)
        data = json.loads(text, parse_constant=_no_constant)
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


def _no_constant(name: str) -> None:
    return None
