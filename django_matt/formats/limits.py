"""What no body of any format may contain, and its errors."""

import math
from itertools import chain
from typing import Any, NoReturn

from django.conf import settings

from django_matt.errors.exceptions import BadRequest, PayloadTooLarge, UnsupportedMediaType
from django_matt.settings import get_settings

__all__ = [
    "MAX_VALUES",
    "check",
    "count_keys",
    "decode",
    "refuse",
    "refuse_duplicate",
    "refuse_nesting",
    "refuse_size",
]

MAX_VALUES = 100_000
"""How many values a YAML, XML, CSV or MessagePack body may contain: a few bytes there become a hundred in memory."""

_HOLDERS = frozenset({dict, list})

# Fixed, so that no header makes Python look for a codec; each is stateless and decodes in linear time.
CHARSETS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "iso-8859-1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}


def refuse(reason: str, *, line: int | None = None, column: int | None = None) -> NoReturn:
    """Raise ``BadRequest`` for a body that cannot be read, with the place where it is known.

    The sentence is Ninja's, which adds the reason in DEBUG only; the problem document always carries it.
    """
    detail = "Cannot parse request body"
    where = "" if line is None else f" at line {line}" + (f" column {column}" if column else "")
    if settings.DEBUG:
        detail += f" ({reason}{where})"
    place: dict[str, Any] = {
        key: value for key, value in (("line", line), ("column", column)) if value is not None
    }
    raise BadRequest(detail, code="malformed_body", reason=f"{reason}{where}", **place)


def refuse_nesting() -> NoReturn:
    """Raise ``BadRequest`` for a body that nests too deep."""
    refuse(f"nested deeper than {get_settings().MAX_NESTING} levels")


def refuse_duplicate(key: str, **place: int) -> NoReturn:
    """Raise ``BadRequest`` for an object that has one key twice (RFC 8259, 4: behaviour unpredictable)."""
    refuse(f"the key {key[:100]!r} occurs twice", **place)


def refuse_size() -> NoReturn:
    """Raise ``PayloadTooLarge`` for a body with too many values."""
    raise PayloadTooLarge(f"The body contains more than {MAX_VALUES:,} values.")


def decode(body: bytes, charset: str | None) -> str:
    """Return the text of a body without a byte order mark; 415 for an unknown charset, 400 for wrong bytes."""
    codec = CHARSETS.get(charset or "utf-8")
    if codec is None:
        raise UnsupportedMediaType(
            "The charset of the request body is not supported.",
            code="unsupported_charset",
            supported=["utf-8", "utf-16", "utf-32", "iso-8859-1"],
        )
    try:
        return body.decode(codec)
    except UnicodeDecodeError as error:
        refuse(f"not valid {charset or 'utf-8'} at byte {error.start}")


def count_keys(data: Any) -> int:
    """Return how many keys the objects of parsed JSON have in all; refuse what nests too deep.

    Level by level, as ``check``, which takes three times as long because it trusts no parser.
    """
    max_nesting = get_settings().MAX_NESTING
    level: list[Any] = [data] if data.__class__ in _HOLDERS else []
    depth = keys = 0
    while level:
        if depth >= max_nesting:
            refuse_nesting()
        held: list[Any] = []
        for value in level:
            if value.__class__ is dict:
                keys += len(value)
                held.append(value.values())
            else:
                held.append(value)
        # The last level, which most of a body's values are in, has no list of its own.
        if _HOLDERS.isdisjoint(map(type, chain.from_iterable(held))):
            return keys
        level = [value for value in chain.from_iterable(held) if value.__class__ in _HOLDERS]
        depth += 1
    return keys


def check(data: Any, *, max_values: int | None = None) -> int:
    """Return how many keys the data's objects have in all; refuse what is not plain JSON data.

    Level by level instead of recursion: the depth of the data costs no stack.
    """
    max_nesting = get_settings().MAX_NESTING
    level, depth, keys, values = [data], 0, 0, 1
    while level:
        deeper: list[Any] = []
        for value in level:
            kind = value.__class__
            if (kind is dict or kind is list) and depth >= max_nesting:
                refuse_nesting()
            if kind is dict:
                keys += len(value)
                for key in value:
                    if key.__class__ is not str:
                        refuse("a key is not a string")
                    if "\0" in key:
                        refuse("a key contains a NUL character")
                deeper.extend(value.values())
            elif kind is list:
                deeper.extend(value)
            elif kind is str:
                if "\0" in value:
                    refuse("a string contains a NUL character")
            elif kind is float:
                if not math.isfinite(value):
                    refuse("a number is not finite")
            elif kind is not int and kind is not bool and value is not None:
                refuse(f"a value of type {kind.__name__} cannot be written as JSON")
        if max_values is not None and (values := values + len(deeper)) > max_values:
            refuse_size()
        level, depth = deeper, depth + 1
    return keys
