"""JSON (RFC 8259), read strictly: finite numbers, one value a key, no NUL, bounded nesting."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from django_matt.formats.limits import check, count_keys, decode, refuse, refuse_duplicate
from django_matt.formats.protocol import Format
from django_matt.settings import get_settings

__all__ = ["JSON"]

_PLACE = re.compile(r"(.*) at line (\d+) column (\d+)$")
_SPACED_KEY = re.compile(rb'"[ \t\r\n]+:')
# One pass in C makes every digit a 0, every E an e and every white space a blank, and drops the plus signs: what is looked
# for is then a plain search, which a pattern takes ten times longer for.
_OUTLINE = bytes.maketrans(b"123456789E\t\r\n", b"000000000e   ")
# A float overflows past 309 digits: an exponent of three digits, or two hundred before it, at the least.
_BIG_EXPONENT = b"e000"
_MANY_DIGITS = b"0" * 200
_UTF8 = {None, "utf-8", "utf8", "us-ascii", "ascii"}


class JSON(Format):
    """The default format."""

    name = "json"
    media_type = "application/json"
    aliases = ("text/json",)
    separator = b","

    def dump(self, data: Any) -> bytes:
        """Write compact JSON; integers of any size, no NaN."""
        return to_json(data, inf_nan_mode="null")

    def frame(self, batches: Iterator[bytes], columns: Sequence[str]) -> Iterator[bytes]:
        """Write an array, which stays open where the batches fail."""
        start = b"["
        for batch in batches:
            yield start + batch
            start = b","
        yield b"]" if start == b"," else b"[]"

    def load(self, body: bytes, charset: str | None = None) -> Any:
        """Read JSON in UTF-8, with or without a byte order mark, or in a named charset."""
        if charset not in _UTF8:
            body = decode(body, charset).encode()
        elif body[:3] == b"\xef\xbb\xbf":
            body = body[3:]
        try:
            data = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            found = _PLACE.match(str(error))
            if found is None:
                refuse(str(error))
            refuse(found[1], line=int(found[2]), column=int(found[3]))
        outline = body.translate(_OUTLINE, b"+")
        opened = body.count(b"{")
        if (
            b"\\u0000" in body
            or _BIG_EXPONENT in outline
            or (len(outline) >= 200 and _MANY_DIGITS in outline)
        ):
            keys = check(data)
        elif opened > (data.__class__ is dict) or body.count(b"[") >= get_settings().MAX_NESTING:
            keys = count_keys(data)
        else:
            keys = len(data) if opened else 0
        named = body.count(b'":')
        # Most clients write no such space.
        if b'" ' in outline:
            named += len(_SPACED_KEY.findall(body))
        if keys != named:
            # Some `":` is inside of a string, or a key appears twice; only a slower reader can tell.
            json.loads(body, object_pairs_hook=_refuse_duplicates)
        return data


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            refuse_duplicate(key)
        seen.add(key)
