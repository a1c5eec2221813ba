"""Writes values that Ninja's encoder cannot (sets, bytes, keys that are not text …) as pydantic's JSON mode does."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ninja.responses import NinjaJSONEncoder

from django_matt.serialization.encoders import dumps

__all__ = ["write_dump"]

T = TypeVar("T")

# Types that ``json.dumps`` accepts as a key.
_KEYS = (str, int, float, type(None))
_default = NinjaJSONEncoder().default


def write_dump(dump: Callable[..., Any], write: Callable[[Any], T]) -> T:
    """Write what ``dump()`` returns; values that ``write`` cannot write are taken from pydantic's JSON mode.

    ``dump`` is a ``model_dump``. Everything that Ninja can write stays as Ninja writes it, so that a type looks the same in all
    responses of an API: a datetime next to a set still has milliseconds. If JSON mode cannot write the value either, this raises
    what ``write`` raised, with a note that says why.

    >>> from pydantic import BaseModel
    >>> class Word(BaseModel):
    ...     letters: frozenset[str]
    >>> write_dump(Word(letters={"a"}).model_dump, dumps)
    b'{"letters":["a"]}'
    """
    data = dump()
    try:
        return write(data)
    except (TypeError, ValueError) as error:
        try:
            written = dump(mode="json", fallback=_default)
        except Exception as other:  # noqa: BLE001 - a serializer of the project's own may raise anything
            error.add_note(f"JSON mode of pydantic cannot write it either: {other}{_hint(other)}")
        else:
            return write(_choose(data, written))
        raise


def _choose(data: Any, written: Any) -> Any:
    """Return the data of Python mode, with values from JSON mode where Ninja's encoder would fail."""
    if isinstance(data, dict) and isinstance(written, dict) and len(data) == len(written):
        return {
            key if isinstance(key, _KEYS) else text: _choose(value, other)
            for (key, value), (text, other) in zip(data.items(), written.items(), strict=True)
        }
    if (
        isinstance(data, (list, tuple, deque))
        and isinstance(written, list)
        and len(data) == len(written)
    ):
        return [_choose(value, other) for value, other in zip(data, written, strict=True)]
    if isinstance(data, (set, frozenset)):
        # The two sets may have different orders, so their items cannot be compared in pairs.
        data = list(data)
    try:
        dumps(data)
    except (TypeError, ValueError):
        return written
    return data


def _hint(error: Exception) -> str:
    if "utf-8" in str(error):
        return '. For bytes that are not text: model_config = ConfigDict(ser_json_bytes="base64")'
    return ""
