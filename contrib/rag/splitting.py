"""From bytes to chunks: texts are decoded, cut at their headings, and then by size with an overlap."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django_matt.contrib.rag.errors import UnreadableSource
from django_matt.errors.exceptions import MissingExtra

__all__ = [
    "BYTES_PER_TOKEN",
    "PAGE_END",
    "Piece",
    "clean_text",
    "count_tokens",
    "decode_text",
    "digest_of",
    "split_text",
]

BYTES_PER_TOKEN = 4
"""An estimate that needs no tokenizer: a little low for English, near for most other languages."""

PAGE_END = "\f"
"""What separates the pages of a PDF in its text."""

_WINDOW = 16_000
"""How many characters are split at once: the splitter's time grows with the square of a line's length."""

_MAX_HEADING = 300
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
# What a text has none of, and a binary file some in its first kilobytes.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and where it was."""

    start: int
    heading: str
    text: str

    @property
    def digest(self) -> str:
        """The digest of what is embedded."""
        return digest_of(self.heading, self.text)


def digest_of(*parts: str) -> str:
    """Return a hash of texts."""
    made = sha256()
    for part in parts:
        data = part.encode()
        made.update(len(data).to_bytes(8) + data)
    return made.hexdigest()


def count_tokens(text: str) -> int:
    """Estimate how many tokens a text has.

    >>> count_tokens("retrieval")
    3
    """
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def decode_text(content: str | bytes, *, limit: int) -> str:
    """Return a text with line feeds and without NUL; raise ``UnreadableSource`` with what is wrong with it.

    Bytes must be UTF-8, or UTF-16 with a byte order mark.
    """
    if len(content) > limit:
        raise UnreadableSource(
            f"The source has more than {limit:,} bytes.", code="source_too_large"
        )
    if isinstance(content, bytes):
        is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        try:
            content = content.decode("utf-16" if is_utf16 else "utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableSource("The source is not UTF-8 text.") from None
    elif not content.isprintable():
        try:
            content.encode()
        except UnicodeEncodeError:
            raise UnreadableSource("The source has halves of surrogate pairs.") from None
    if _CONTROLS.search(content):
        raise UnreadableSource("The source is binary: it has control characters.")
    return clean_text(content)


def clean_text(content: str, *, none: str = "The source is empty.") -> str:
    """Return a text with line feeds; raise ``UnreadableSource`` if there is nothing in it."""
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise UnreadableSource(none)
    return text


def split_text(text: str, *, kind: str, tokens: int, overlap: int) -> list[Piece]:
    """Split a text into pieces of at most ``tokens`` tokens; the pieces of one section overlap by about ``overlap``.

    With the kinds ``markdown`` and ``html``, no piece crosses a heading, and each has the headings that it is below. With
    ``pdf``, no piece crosses a page, and its heading is that such as ``Page 7``.
    """
    kind = "markdown" if kind == "html" else kind
    splitters = _make_splitters(kind, tokens, overlap)
    sections = iter([(0, "", text)])
    if kind == "markdown":
        sections = _sections(text)
    elif kind == "pdf":
        sections = _pages(text)
    return [
        Piece(start + offset + found, heading, part)
        for start, heading, section in sections
        for offset, window in _windows(section)
        for found, part in splitters.chunk_indices(window)
    ]


def _make_splitters(kind: str, tokens: int, overlap: int) -> Any:
    try:
        from semantic_text_splitter import MarkdownSplitter, TextSplitter
    except ImportError as error:
        raise MissingExtra("semantic-text-splitter", "rag") from error
    splitter = MarkdownSplitter if kind == "markdown" else TextSplitter
    return splitter.from_callback(count_tokens, tokens, overlap=overlap)


def _sections(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the sections of Markdown: position, headings, and the text below the heading."""
    path: list[tuple[int, str]] = []
    start = position = 0
    fence = ""
    for line in text.splitlines(keepends=True):
        content = line.rstrip("\n")
        found = None
        if mark := _FENCE.match(content):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence):
                fence = ""
        elif not fence:
            found = _HEADING.match(content)
        if found:
            yield start, _join(path), text[start:position]
            level = len(found[1])
            path = [each for each in path if each[0] < level]
            path.append((level, _heading(found[2])[:_MAX_HEADING]))
            start = position + len(line)
        position += len(line)
    yield start, _join(path), text[start:]


def _pages(text: str) -> Iterator[tuple[int, str, str]]:
    start = 0
    for number, page in enumerate(text.split(PAGE_END), start=1):
        yield start, f"Page {number}", page
        start += len(page) + len(PAGE_END)


def _heading(text: str) -> str:
    """Return a heading without its closing signs, in linear time: a line may have a million of spaces."""
    name = text.strip(" \t")
    opened = name.rstrip("#")
    # They are part of the name in "C#".
    return opened.rstrip(" \t") if not opened or opened[-1] in " \t" else name


def _join(path: list[tuple[int, str]]) -> str:
    return " > ".join(name for _, name in path if name)[:_MAX_HEADING]


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """Cut a long text where a line or a word ends."""
    start = 0
    while len(text) - start > _WINDOW:
        end = start + _WINDOW
        for sign in ("\n\n", "\n", " "):
            found = text.rfind(sign, start + _WINDOW // 2, end)
            if found > 0:
                end = found + len(sign)
                break
        yield start, text[start:end]
        start = end
    if start < len(text):
        yield start, text[start:]
