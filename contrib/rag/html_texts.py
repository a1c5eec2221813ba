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
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "head",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "option",
        "p",
        "section",
        "select",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "title",
        "tr",
        "ul",
    ]
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:-]{0,40}")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_-]{1,40})""", re.I)
_BEGUN = re.compile(r"<(?=[a-zA-Z/!?])")
_STOP = re.compile(r">|=\s*([\"'])")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
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
    writer = _Writer()
    skipped, depth = "", 0
    for number, (kind, value) in enumerate(_tokens(content)):
        if number > _MAX_TOKENS:
            raise UnreadableSource(f"The source has more than {_MAX_TOKENS:,} tags.")
        if skipped:
            # The same element inside of itself, as svg may be.
            if kind != "text" and value == skipped:
                depth += 1 if kind == "start" else -1
            skipped = skipped if depth else ""
        elif kind == "text":
            writer.write(_unescape(value))
        elif value in _SKIPPED:
            skipped, depth = (value, 1) if kind == "start" else ("", 0)
        else:
            writer.tag(value, is_start=kind == "start")
    return writer.finish()


class _Writer:
    """Makes lines of texts and tags."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._parts: list[str] = []
        self._start = ""
        self._is_fenced = False

    def write(self, text: str) -> None:
        if not self._is_fenced:
            self._parts.append(text.replace("\n", " "))
            return
        *whole, rest = text.split("\n")
        for each in whole:
            self._parts.append(each)
            self._end_line()
        self._parts.append(rest)

    def tag(self, name: str, *, is_start: bool) -> None:
        if name == "pre":
            if self._is_fenced != is_start:
                self._end_line()
                self._lines.append("```" if is_start else "```\n")
                self._is_fenced = is_start
        elif self._is_fenced:
            if name == "br":
                self._end_line()
        elif name in _HEADINGS:
            self._end_line(then=f"{_HEADINGS[name]} " if is_start else "")
        elif name in ("td", "th"):
            self._parts.append(" | " if is_start else " ")
        elif name in _BLOCKS:
            begin = "- " if is_start and name == "li" else ""
            self._end_line(gap=name not in ("li", "tr", "br"), then=begin)

    def finish(self) -> str:
        self._end_line()
        if self._is_fenced:
            self._lines.append("```")
        return "\n".join(self._lines)

    def _end_line(self, *, gap: bool = True, then: str = "") -> None:
        line = "".join(self._parts)
        self._parts.clear()
        if self._is_fenced:
            self._lines.append(line.rstrip())
        elif line := _SPACES.sub(" ", line).strip(" |"):
            # A paragraph that begins as a heading of Markdown is none.
            escaped = "\\" if not self._start and line.startswith("#") else ""
            self._lines.append(f"{self._start}{escaped}{line}" + ("\n" if gap else ""))
        self._start = then


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
