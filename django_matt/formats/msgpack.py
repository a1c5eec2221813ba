"""MessagePack through msgspec; what JSON has no word for (bytes, extensions, NaN) is refused."""

from typing import Any

from django_matt.errors.exceptions import MissingExtra
from django_matt.formats.limits import MAX_VALUES, check, refuse, refuse_nesting
from django_matt.formats.protocol import Format

__all__ = ["MessagePack"]


class MessagePack(Format):
    """Compact and quick; an integer past 64 bits, which MessagePack cannot hold, is written as text."""

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

    def dump(self, data: Any) -> bytes:
        """Write MessagePack."""
        try:
            return self._encode(data)
        except OverflowError:
            return self._encode(_narrowed(data))

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read one MessagePack value; ``charset`` means nothing to a binary format."""
        from msgspec import MsgspecError

        try:
            data = self._decode(body)
        except RecursionError:
            refuse_nesting()
        except (MsgspecError, UnicodeDecodeError, ValueError, OverflowError, TypeError) as error:
            refuse(f"MessagePack: {error}")
        check(data, max_values=MAX_VALUES)
        return data


def _narrowed(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _narrowed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_narrowed(value) for value in data]
    if isinstance(data, int) and not -(2**63) <= data < 2**64:
        return str(data)
    return data
