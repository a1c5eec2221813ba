"""MessagePack through msgspec; what JSON has no word for (bytes, extensions, NaN) is refused."""

from typing import Any

from django_matt.errors.exceptions import MissingExtra
from django_matt.formats.limits import MAX_VALUES, check, refuse, refuse_nesting, refuse_size
from django_matt.formats.protocol import Format

__all__ = ["MessagePack"]

# The first bytes of arrays and maps; inside texts they mean nothing.
_CONTAINERS = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
# What follows other first bytes: so many bytes of value, or so many bytes of the length of what follows.
_VALUES = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_LENGTHS = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}
_HEADS = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


class MessagePack(Format):
    """Compact and quick; an integer past 64 bits, which MessagePack cannot express, is written as a string."""

    name = "msgpack"
    media_type = "application/vnd.msgpack"
    aliases = ("application/msgpack", "application/x-msgpack")
    charset = None

    def __init__(self) -> None:
        """Raise ``MissingExtra`` without msgspec."""
        super().__init__()
        try:
            from msgspec import msgpack
        except ImportError:
            raise MissingExtra("msgspec", "formats") from None
        self._encode = msgpack.Encoder().encode
        self._decode = msgpack.Decoder().decode

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle no library: it is imported again."""
        return type(self), ()

    def dump(self, data: Any) -> bytes:
        """Write MessagePack."""
        try:
            return self._encode(data)
        except OverflowError:
            return self._encode(_narrowed(data))

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read one MessagePack value; ``charset`` means nothing to a binary format."""
        from msgspec import MsgspecError

        # One byte is a list of 56: count before building. Most bodies are done by the first, quick bound.
        if len(body) - len(body.translate(None, _CONTAINERS)) > MAX_VALUES:
            _count(body)
        try:
            data = self._decode(body)
        except RecursionError:
            refuse_nesting()
        except (MsgspecError, UnicodeDecodeError, ValueError, OverflowError, TypeError) as error:
            refuse(f"MessagePack: {error}")
        check(data, max_values=MAX_VALUES)
        return data


def _count(body: bytes) -> None:
    """Raise ``PayloadTooLarge`` if the body contains more than ``MAX_VALUES`` values, keys counted."""
    at, end = 0, len(body)
    for _ in range(MAX_VALUES):
        if at >= end:
            return
        first = body[at]
        at += 1
        if first in _HEADS:
            at += _HEADS[first]
        elif 0xA0 <= first <= 0xBF:
            at += first - 0xA0
        elif first in _VALUES:
            at += _VALUES[first]
        elif first in _LENGTHS:
            size = _LENGTHS[first]
            at += size + int.from_bytes(body[at : at + size], "big")
        elif 0xC7 <= first <= 0xC9 or 0xD4 <= first <= 0xD8:
            refuse("MessagePack: extensions are not supported")
    if at < end:
        refuse_size()


def _narrowed(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _narrowed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_narrowed(value) for value in data]
    if isinstance(data, int) and not -(2**63) <= data < 2**64:
        return str(data)
    return data
