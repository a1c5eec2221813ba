"""The ``Accept`` header: read leniently, in linear time, and matched as RFC 9110 (12.5.1) says."""

import re
from collections.abc import Sequence

from django_matt.formats.protocol import Format

__all__ = ["preferred"]

MAX_LENGTH = 4_096
MAX_RANGES = 64

# A comma or a semicolon inside a quoted string separates nothing.
_ITEM = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
_PART = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*"?)+')
_RANGE = re.compile(r"([\w!#$&^.+\-]+|\*)/([\w!#$&^.+\-]+|\*)\Z", re.ASCII)
_QUALITY = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)\Z")
_PROBLEM = "application/problem+"

Range = tuple[str, str, float, bool]


def preferred(accept: str, offered: Sequence[Format]) -> Format | None:
    """Return the offered format that the client likes best, ``None`` if it takes none of them.

    The most specific range that matches a format gives its quality; equal qualities go to what was named rather
    than matched by a wildcard, then to the earlier offer. Items that are no media range are skipped; a header of
    nothing else counts as absent. A browser asks for pages first and would take XML before anything: it gets the
    default where its ``*/*`` allows it.
    """
    ranges = _ranges(accept)
    if not ranges or not offered:
        return offered[0] if offered else None
    best: Format | None = None
    rank = (0.0, 0)
    for made in offered:
        quality, specificity = _quality(made, ranges)
        if quality > 0 and (quality, specificity) > rank:
            best, rank = made, (quality, specificity)
    if best is not None and best.media_type != "text/html":
        page = max((q for kind, sub, q, _ in ranges if (kind, sub) == ("text", "html")), default=-1)
        if page >= rank[0] and _quality(offered[0], ranges)[0] > 0:
            return offered[0]
    return best


def _quality(made: Format, ranges: Sequence[Range]) -> tuple[float, int]:
    names = (made.media_type, *made.aliases)
    found, specificity = 0.0, 0
    for kind, sub, quality, charset in ranges:
        name = f"{kind}/{sub}"
        if name in names:
            match = 4 if charset else 3
        elif name.startswith(_PROBLEM) and name == _PROBLEM + made.name and quality > 0:
            # A client that reads problem documents of a format reads the format.
            match = 3
        elif sub == "*" and kind != "*" and made.media_type.startswith(kind + "/"):
            match = 2
        elif kind == "*" and sub == "*":
            match = 1
        else:
            continue
        if match > specificity or (match == specificity and quality > found):
            found, specificity = quality, match
    return found, specificity


def _ranges(accept: str) -> list[Range]:
    found: list[Range] = []
    for item in _ITEM.findall(accept[:MAX_LENGTH])[:MAX_RANGES]:
        parts = [part.strip() for part in _PART.findall(item)]
        name = _RANGE.match(parts[0].lower()) if parts else None
        if name is None or (name[1] == "*" != name[2]):
            continue
        quality, charset = 1.0, False
        for part in parts[1:]:
            key, _, value = part.partition("=")
            key, value = key.strip().lower(), value.strip().strip('"').lower()
            if key == "q":
                quality = float(value) if _QUALITY.match(value) else -1.0
                break
            if key == "charset":
                charset = True
                if value not in ("utf-8", "utf8", "us-ascii", "*"):
                    quality = -1.0
                    break
        if quality >= 0:
            found.append((name[1], name[2], quality, charset))
    return found
