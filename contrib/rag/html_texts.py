"""From HTML to text with the headings of Markdown, in time that grows with the length alone, whatever the HTML is."""

import html
import re
from collections.abc import Callable, Iterator

from django_matt.contrib.rag.errors import UnreadableSource

__all__ = ["decode_html", "read_html"]

# What nobody reads, or what is on each page.
_SKIPPED = frozenset({"script", "style", "template", "noscript", "svg", "math", "nav", "iframe"})
_RAW = frozenset({"script", "style", "iframe", "noscript"})
"""Elements whose content is no HTML: it ends at the end tag."""
_BLOCKS = frozenset(
    "address article aside blockquote body br caption dd div dl dt fieldset figcaption figure footer form head header hr html "
    "li main ol option p section select table tbody tfoot thead title tr ul".split()
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:-]{0,40}")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_-]{1,40})""", re.I)
_BEGUN = re.compile(r"<(?=[a-zA-Z/!?])")
_STOP = re.compile(r">|=\s*([\"'])")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_ITEM = ("start", "li")
_MAX_TOKENS = 1_000_000
_LOOKED_AT = 4_096
"""Where HTML may declare its encoding is longer than the 1,024 bytes of the specification in practice."""


def decode_html(content: bytes) -> str | None:
    """Return HTML as text by its byte order mark, as UTF-8, or by the encoding that it declares; ``None`` if none fits."""
    declared = _CHARSET.search(content[:_LOOKED_AT])
    has_mark = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if has_mark else ["utf-8-sig", declared and declared[1].decode()]:
        try:
            return content.decode(encoding) if encoding else None
        except (UnicodeError, LookupError):
            continue
    return None


def read_html(content: str) -> str:
    """Return the text: headings begin with ``#`` as in Markdown, list items with ``-``, and ``pre`` is fenced.

    Raises ``UnreadableSource`` if there are more than a million tags and texts.

    >>> read_html("<h1>Tea</h1><p>Hot &amp; green<script>x()</script></p>")
    '# Tea\\n\\nHot & green\\n'
    """
    lines: list[str] = []
    parts: list[str] = []
    skipped = start = ""
    depth = 0
    is_fenced = False

    def end_line(*, gap: bool = True, then: str = "") -> None:
        nonlocal start
        line = "".join(parts)
        parts.clear()
        if is_fenced:
            lines.append(line.rstrip())
        elif line := _SPACES.sub(" ", line).strip(" |"):
            # A paragraph that begins as a heading of Markdown is none.
            escaped = "\\" if not start and line.startswith("#") else ""
            lines.append(f"{start}{escaped}{line}" + ("\n" if gap else ""))
        start = then

    for number, (kind, value) in enumerate(_tokens(content)):
        if number > _MAX_TOKENS:
            raise UnreadableSource(f"The source has more than {_MAX_TOKENS:,} tags.")
        if kind == "text":
            if skipped:
                continue
            text = _unescape(value)
            if is_fenced:
                *whole, text = text.split("\n")
                for each in whole:
                    parts.append(each)
                    end_line()
            parts.append(text if is_fenced else text.replace("\n", " "))
        elif skipped:
            # The same element inside of itself, as svg may be.
            depth += (kind == "start") - (kind == "end") if value == skipped else 0
            skipped = skipped if depth else ""
        elif value in _SKIPPED:
            skipped, depth = (value, 1) if kind == "start" else ("", 0)
        elif value == "pre":
            if is_fenced != (kind == "start"):
                end_line()
                lines.append("```" if kind == "start" else "```\n")
                is_fenced = kind == "start"
        elif is_fenced:
            if value == "br":
                end_line()
        elif value in _HEADINGS:
            end_line(then=f"{_HEADINGS[value]} " if kind == "start" else "")
        elif value in ("td", "th"):
            parts.append(" | " if kind == "start" else " ")
        elif value in _BLOCKS:
            end_line(gap=value not in ("li", "tr", "br"), then="- " if (kind, value) == _ITEM else "")
    end_line()
    if is_fenced:
        lines.append("```")
    return "\n".join(lines)


def _unescape(text: str) -> str:
    try:
        return html.unescape(text).replace("\0", "")
    except (ValueError, OverflowError):
        # A reference with thousands of digits.
        return text.replace("\0", "")


def _tokens(content: str) -> Iterator[tuple[str, str]]:
    """Yield ``("text" | "start" | "end", text or name)``. Each character is looked at a fixed number of times."""
    lower = content.lower()
    # Lowering may change the length of a text, as of "İ".
    lower = lower if len(lower) == len(content) else content
    absent: set[str] = set()

    def find(what: str, start: int, within: str = content) -> int:
        """Look for a text that may be nowhere: then it is not looked for again."""
        if what in absent:
            return -1
        found = within.find(what, start)
        if found < 0:
            absent.add(what)
        return found

    place = 0
    while begun := _BEGUN.search(content, place):
        begin = begun.start()
        yield "text", content[place:begin]
        if content.startswith("<!--", begin):
            end = find("-->", begin + 4)
            place = end + 3 if end >= 0 else len(content)
            continue
        name = _NAME.match(content, begin + 1)
        end = _tag_end(content, name.end() if name else begin + 1, find)
        # A tag that never ends hides the rest, as in browsers.
        place = end + 1 if end >= 0 else len(content)
        if name is None or end < 0:
            continue
        tag = name[0].lower()
        yield ("end", tag[1:]) if tag[0] == "/" else ("start", tag)
        if tag in _RAW:
            closing = find(f"</{tag}", place, lower)
            place = closing if closing >= 0 else len(content)
    yield "text", content[place:]


def _tag_end(content: str, place: int, find: Callable[[str, int], int]) -> int:
    """Return where the tag ends, after its quoted values; -1 if nowhere."""
    while stop := _STOP.search(content, place):
        place = stop.end()
        if stop[1] is None:
            return stop.start()
        closing = find(stop[1], place)
        place = closing + 1 if closing >= 0 else place
    return -1
