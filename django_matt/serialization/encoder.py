# cython: language_level=3, annotation_typing=False
"""Values to JSON bytes by the nodes of a plan: one source, plain here, compiled with ``_encoder_c.pxd``."""

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from json.encoder import encode_basestring as quote
from math import isfinite
from typing import Any
from uuid import UUID

from django.db.models import Manager, QuerySet
from django.db.models.fields.files import FieldFile
from django.utils.duration import duration_iso_string
from ninja.responses import NinjaJSONEncoder

# The digest of this file and its pxd; a test names the right one, and compares it with the compiled module's.
FINGERPRINT = "0"
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
# A compiled function has no interpreter that counts its frames; pydantic itself stops at 255.
_DEEPEST = 200
_ACCESSES = 256
_default = NinjaJSONEncoder().default


class Fallback(Exception):  # noqa: N818 - it is a way out, not an error
    """The value is none that its schema would take as it stands: pydantic must judge it."""


class Node:
    """What the encoder knows of one value: its kind, its limits, and the nodes below it."""

    def __init__(self, kind: str, name: str) -> None:
        """Make a node without limits; ``name`` is the kind in words for ``describe``."""
        self.kind = KINDS[kind]
        self.name = name
        self.nullable = False
        self.shortest = 0
        self.longest = -1
        self.places = -1
        self.bounds: tuple[Callable[[Any], bool], ...] = ()
        self.finite = False
        self.texts: dict[Any, str] = {}
        self.raw_texts: dict[Any, str] = {}
        self.item: Any = None
        self.fields: list[Any] = []
        self.model: Any = None
        self.getter = False
        self.skip_none = False
        self.skip_unset = False
        self.accesses: dict[Any, Any] = {}

    def copy(self) -> "Node":
        """Return a node that shares what is below and may differ in its own limits."""
        node = Node("any", self.name)
        node.kind = self.kind
        node.nullable = self.nullable
        node.shortest = self.shortest
        node.longest = self.longest
        node.places = self.places
        node.bounds = self.bounds
        node.finite = self.finite
        node.texts = self.texts
        node.raw_texts = self.raw_texts
        node.item = self.item
        node.fields = self.fields
        node.model = self.model
        node.getter = self.getter
        node.skip_none = self.skip_none
        node.skip_unset = self.skip_unset
        node.accesses = self.accesses
        return node


class Field:
    """One field of a model node: where its value is read, under which key it is written."""

    def __init__(self, name: str, key: str, wire: str, node: Any, default: Any) -> None:
        """``key`` is read from objects and dicts, ``wire`` is written; ``default`` may be ``MISSING``."""
        self.name = name
        self.key = key
        self.wire = wire
        self.node = node
        self.default = default
        self.head = "{" + quote(wire) + ":"
        self.tail = "," + quote(wire) + ":"
        # Other keys mean more than one attribute to Django's template Variable, which Ninja asks for what is missing.
        self.plain = key.isidentifier() and not key.startswith("_") and not _is_number(key)


def _is_number(key: str) -> bool:
    try:
        float(key)
    except ValueError:
        return False
    return True


def float_text(value):
    """Write a float; NaN and the infinities, which JSON does not know, as ``null``."""
    if isfinite(value):
        return float.__repr__(value)
    return "null"


def datetime_text(value):
    """Write ISO 8601 with milliseconds cut, ``Z`` for UTC, as Django's encoder does."""
    text = value.isoformat()
    if value.microsecond:
        text = text[:23] + text[26:]
    if text.endswith("+00:00"):
        text = text[:-6] + "Z"
    return '"' + text + '"'


def time_text(value):
    """Write ISO 8601 with milliseconds cut."""
    text = value.isoformat()
    if value.microsecond:
        text = text[:12]
    return '"' + text + '"'


def learn(node, kind):
    """Decide once for a class which fields of a node its instances keep in ``__dict__``; None: never encode it."""
    access = None
    called = any("__call__" in base.__dict__ for base in kind.__mro__)
    if not (called or issubclass(kind, (type, Manager, QuerySet, FieldFile))):
        own = kind.__getattribute__ is object.__getattribute__ and kind.__dictoffset__ != 0
        direct = [own and not _is_computed(kind, field.key) for field in node.fields]
        access = (direct, own and any(direct), not hasattr(kind, "__getitem__"))
    if len(node.accesses) >= _ACCESSES:
        node.accesses.clear()
    node.accesses[kind] = access
    return access


def _is_computed(kind, key):
    for base in kind.__mro__:
        if key in base.__dict__:
            found = type(base.__dict__[key])
            return hasattr(found, "__set__") or hasattr(found, "__delete__")
    return False


def convert(value):
    """Do with a value read from an attribute what ``DjangoGetter`` does, unless that is to call it."""
    if isinstance(value, Manager):
        return list(value.all())
    if isinstance(value, QuerySet):
        return list(value)
    if callable(value):
        raise Fallback("a callable")
    if isinstance(value, FieldFile):
        return value.url if value else None
    return value


class Writer:
    """The pieces of one JSON document; ``trusted`` values come from a validated instance and keep to their classes."""

    def __init__(self, trusted: bool = False) -> None:
        """Start an empty document."""
        self.parts: list[str] = []
        self.trusted = trusted

    def write(self, node, value, depth):
        """Append a value, or raise ``Fallback`` where pydantic's validation would not be the identity."""
        parts = self.parts
        kind = node.kind
        if value is None:
            if not node.nullable:
                raise Fallback("None")
            parts.append("null")
        elif kind == _STR:
            if type(value) is not str:
                raise Fallback("not a str")
            if node.longest >= 0 or node.shortest > 0:
                self.measure(node, len(value))
            parts.append(quote(value))
        elif kind == _INT:
            if type(value) is not int:
                raise Fallback("not an int")
            if node.bounds:
                self.bound(node, value)
            parts.append(str(value))
        elif kind == _BOOL:
            if value is True:
                parts.append("true")
            elif value is False:
                parts.append("false")
            else:
                raise Fallback("not a bool")
        elif kind == _DATETIME:
            if type(value) is not datetime:
                raise Fallback("not a datetime")
            parts.append(datetime_text(value))
        elif kind == _DECIMAL:
            self.decimal(node, value)
        elif kind == _FLOAT:
            if type(value) is int and -9007199254740992 <= value <= 9007199254740992:
                value = float(value)
            if type(value) is not float or (node.finite and not isfinite(value)):
                raise Fallback("not a float")
            if node.bounds:
                self.bound(node, value)
            parts.append(float_text(value))
        elif kind == _UUID:
            if type(value) is not UUID:
                raise Fallback("not a UUID")
            parts.append('"' + str(value) + '"')
        elif kind == _MODEL:
            self.model(node, value, depth)
        elif kind == _LIST:
            self.items(node, value, depth)
        elif kind == _DATE:
            if type(value) is not date:
                raise Fallback("not a date")
            parts.append('"' + value.isoformat() + '"')
        elif kind == _TIME:
            if type(value) is not time or value.tzinfo is not None:
                raise Fallback("not a naive time")
            parts.append(time_text(value))
        elif kind == _TIMEDELTA:
            if type(value) is not timedelta:
                raise Fallback("not a timedelta")
            parts.append('"' + duration_iso_string(value) + '"')
        elif kind == _CHOICE:
            self.choice(node, value)
        elif kind == _DICT:
            self.mapping(node, value, depth)
        elif kind == _ANY:
            self.data(value, depth, False)
        elif kind == _LINK:
            if depth > _DEEPEST or type(value) in (str, int, float, dict, list, UUID):
                raise Fallback("a key, not an object")
            self.data(read(value, "pk"), depth, False)
        else:
            if type(value) is not str:
                raise Fallback("not an address as text")
            try:
                parts.append('"' + str(ip_address(value)) + '"')
            except ValueError:
                raise Fallback("not an address") from None

    def measure(self, node, length):
        """Hold a length against the node's."""
        if length < node.shortest or (node.longest >= 0 and length > node.longest):
            raise Fallback("a length")

    def bound(self, node, value):
        """Hold a number against the node's bounds."""
        for holds in node.bounds:
            if not holds(value):
                raise Fallback("a bound")

    def decimal(self, node, value):
        """Append a decimal of so few digits that any way of counting them agrees."""
        if type(value) is not Decimal or not value.is_finite():
            raise Fallback("not a decimal")
        text = str(value)
        if node.longest >= 0 or node.places >= 0:
            if "E" in text:
                raise Fallback("an exponent")
            whole, _, fraction = text.partition(".")
            digits = len(whole) - (1 if whole[0] == "-" else 0)
            if digits == 1 and whole[-1] == "0":
                digits = 0
            places = len(fraction)
            if node.places >= 0 and places > node.places:
                raise Fallback("decimal places")
            if node.longest >= 0:
                most = node.longest - (node.places if node.places > 0 else 0)
                if digits > most or digits + places > node.longest:
                    raise Fallback("decimal digits")
        if node.bounds:
            self.bound(node, value)
        self.parts.append('"' + text + '"')

    def choice(self, node, value):
        """Append a member of an enum or a literal, which were written when the plan was made."""
        kind = type(value)
        text = None
        if kind is node.model:
            text = node.texts.get(value)
        elif (kind is str or kind is int or kind is bool) and not (self.trusted and node.model is not None):
            text = node.raw_texts.get((kind, value))
        if text is None:
            raise Fallback("no member")
        self.parts.append(text)

    def items(self, node, values, depth):
        """Append an array."""
        kind = type(values)
        if kind is not list and kind is not tuple:
            raise Fallback("not a list")
        if depth > _DEEPEST:
            raise Fallback("depth")
        if node.longest >= 0 or node.shortest > 0:
            self.measure(node, len(values))
        parts = self.parts
        item = node.item
        parts.append("[")
        first = True
        for value in values:
            if first:
                first = False
            else:
                parts.append(",")
            self.write(item, value, depth + 1)
        parts.append("]")

    def mapping(self, node, values, depth):
        """Append an object whose keys are data."""
        if type(values) is not dict or depth > _DEEPEST:
            raise Fallback("not a dict")
        if node.longest >= 0 or node.shortest > 0:
            self.measure(node, len(values))
        parts = self.parts
        before = "{"
        for key, value in values.items():
            if type(key) is not str:
                raise Fallback("not a str as key")
            parts.append(before)
            parts.append(quote(key))
            parts.append(":")
            self.write(node.item, value, depth + 1)
            before = ","
        parts.append("{}" if before == "{" else "}")

    def model(self, node, value, depth):
        """Append an object whose keys are the fields of a model."""
        if depth > _DEEPEST:
            raise Fallback("depth")
        kind = type(value)
        direct = None
        plainly = True
        held = None
        if kind is dict:
            if self.trusted:
                raise Fallback("a dict for an instance")
            held = value
        else:
            if (self.trusted or not node.getter) and kind is not node.model:
                raise Fallback("another class")
            access = node.accesses.get(kind, MISSING)
            if access is MISSING:
                access = learn(node, kind)
            if access is None:
                raise Fallback("a callable object")
            direct = access[0]
            plainly = access[2]
            if access[1]:
                held = value.__dict__
        parts = self.parts
        index = -1
        first = True
        for field in node.fields:
            index += 1
            found = MISSING
            if direct is None or direct[index]:
                found = held.get(field.key, MISSING)
            if found is MISSING:
                if direct is not None:
                    found = read(value, field.key)
                if found is MISSING:
                    found = field.default
                    if found is MISSING or self.trusted or not (direct is None or (plainly and field.plain)):
                        raise Fallback("a missing value")
                    if node.skip_unset:
                        continue
            below = field.node
            if found is not None and type(found) is not str:
                if below.kind == _LIST:
                    if type(found) is not list:
                        found = settle(found)
                elif below.kind == _STR or below.kind == _ANY:
                    found = settle(found)
            if found is None and node.skip_none and below.nullable:
                continue
            if first:
                parts.append(field.head)
                first = False
            else:
                parts.append(field.tail)
            self.write(below, found, depth + 1)
        parts.append("{}" if first else "}")

    def data(self, value, depth, lenient):
        """Append plain data; ``lenient`` takes what ``NinjaJSONEncoder`` takes, else only what pydantic leaves alone."""
        parts = self.parts
        kind = type(value)
        if kind is str:
            parts.append(quote(value))
        elif value is None:
            parts.append("null")
        elif value is True:
            parts.append("true")
        elif value is False:
            parts.append("false")
        elif kind is int:
            parts.append(str(value))
        elif kind is float:
            parts.append(float_text(value))
        elif kind is dict:
            self.members(value, depth, lenient)
        elif kind is list or kind is tuple:
            self.sequence(value, depth, lenient)
        elif kind is datetime:
            parts.append(datetime_text(value))
        elif kind is Decimal or kind is UUID:
            parts.append('"' + str(value) + '"')
        elif kind is date:
            parts.append('"' + value.isoformat() + '"')
        elif kind is timedelta:
            parts.append('"' + duration_iso_string(value) + '"')
        elif not lenient:
            raise Fallback("no plain data")
        elif isinstance(value, str):
            parts.append(quote(str.__str__(value)))
        elif isinstance(value, int):
            parts.append(int.__repr__(value))
        elif isinstance(value, float):
            parts.append(float_text(value))
        elif isinstance(value, dict):
            self.members(value, depth, lenient)
        elif isinstance(value, (list, tuple)):
            self.sequence(value, depth, lenient)
        else:
            if depth > _DEEPEST:
                raise Fallback("depth")
            self.data(_default(value), depth + 1, lenient)

    def sequence(self, values, depth, lenient):
        """Append an array of plain data."""
        if depth > _DEEPEST:
            raise Fallback("depth")
        parts = self.parts
        before = "["
        for value in values:
            parts.append(before)
            self.data(value, depth + 1, lenient)
            before = ","
        parts.append("[]" if before == "[" else "]")

    def members(self, values, depth, lenient):
        """Append an object of plain data, its keys as ``json.dumps`` writes them."""
        if depth > _DEEPEST:
            raise Fallback("depth")
        parts = self.parts
        before = "{"
        for key, value in values.items():
            parts.append(before)
            if type(key) is str:
                parts.append(quote(key))
            elif lenient:
                parts.append(quote(key_text(key)))
            else:
                raise Fallback("not a str as key")
            parts.append(":")
            self.data(value, depth + 1, lenient)
            before = ","
        parts.append("{}" if before == "{" else "}")


def key_text(key):
    """Return the text of a key as ``json.dumps`` makes it."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, float):
        return json.dumps(key) if key == key else "NaN"
    if key is True:
        return "true"
    if key is False:
        return "false"
    if key is None:
        return "null"
    if isinstance(key, int):
        return int.__repr__(key)
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def read(value, key):
    """Read an attribute; ``MISSING`` where there is none, ``Fallback`` where reading it fails."""
    try:
        return getattr(value, key)
    except AttributeError:
        return MISSING
    except Exception:  # noqa: BLE001 - Ninja's own path reads it again and says what is wrong
        raise Fallback("an attribute that raises") from None


def settle(value):
    """Convert a value read from an attribute; what fails there fails again, and is reported, on Ninja's own path."""
    try:
        return convert(value)
    except Fallback:
        raise
    except Exception:  # noqa: BLE001 - the same
        raise Fallback("a value that raises") from None


def encode(node: Any, value: Any, trusted: bool = False) -> bytes:
    """Encode a value by its node, or raise ``Fallback``."""
    writer = Writer(trusted)
    if not trusted:
        value = settle(value)
    writer.write(node, value, 0)
    try:
        return "".join(writer.parts).encode()
    except UnicodeEncodeError:
        raise Fallback("a lone surrogate") from None


def dumps(data: Any) -> bytes:
    """Encode any data as Ninja's JSON; NaN and the infinities become ``null``, lone surrogates stay escapes.

    >>> dumps({"at": datetime(2024, 1, 1, 12, 30), 1: [Decimal("0.10"), float("nan")]})
    b'{"at":"2024-01-01T12:30:00","1":["0.10",null]}'
    """
    writer = Writer()
    try:
        writer.data(data, 0, True)
    except Fallback:
        # Too deep for us, or endless: the standard library says which, and writes what it can.
        text = json.dumps(data, cls=NinjaJSONEncoder)
        return json.dumps(json.loads(text, parse_constant=_no_constant), ensure_ascii=False).encode(
            "utf-8", "backslashreplace"
        )
    return "".join(writer.parts).encode("utf-8", "backslashreplace")


def _no_constant(name: str) -> None:
    return None
