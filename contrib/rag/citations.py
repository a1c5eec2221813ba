"""Reads the citations of an answer while it is streamed: a number that no source has is taken out, and counted."""

import re

__all__ = ["CitationReader"]

_LIST = r"(\d{1,6}(?:\s*[,;]\s*\d{1,6})*)"
# As it is asked for, as a footnote of Markdown, and as models were trained to: [1], [^1], 【1】, 【1†source】.
_MARK = re.compile(rf"\[\^?{_LIST}\]|【{_LIST}(?:†[^】\n]{{0,60}})?】")
# The beginning of a mark, or of backticks, at the end of a text: what it is shows later.
_BEGUN = re.compile(r"(?:\[\^?[\d\s,;]{0,40}|【[^】\n]{0,100}|`{1,40})\Z")
_CODE = re.compile(r"(`+)")


class CitationReader:
    """Takes an answer in parts, and returns it in parts without citations of sources that do not exist.

    Citations are returned as ``[1]``, however the model writes them.

    >>> reader = CitationReader(2)
    >>> reader.feed("It is so [1") + reader.feed("][7].") + reader.finish()
    'It is so [1].'
    >>> reader.cited, reader.dropped
    ([1], 1)
    """

    def __init__(self, count: int) -> None:
        """Take how many sources there are."""
        self.count = count
        self.cited: list[int] = []
        """The numbers of the cited sources, in the order in which they were cited first."""
        self.dropped = 0
        """How many citations were taken out."""
        self._rest = ""
        self._code = ""

    def feed(self, text: str) -> str:
        """Take the next part, and return what can be sent."""
        text, self._rest = self._rest + text, ""
        begun = _BEGUN.search(text)
        if begun:
            text, self._rest = text[: begun.start()], text[begun.start() :]
        return self._read(text)

    def finish(self) -> str:
        """Return the rest, which could have been the beginning of a citation."""
        text, self._rest = self._rest, ""
        return self._read(text)

    def _read(self, text: str) -> str:
        parts = []
        for part in _CODE.split(text):
            if part.startswith("`"):
                # Inside of code, [0] is an index. It ends with what it began with.
                if self._code in ("", part):
                    self._code = "" if self._code else part
                parts.append(part)
                continue
            code = ""
            if self._code:
                # Code in a line ends with it: a single backtick must not leave all that follows unchecked.
                end = part.find("\n") if len(self._code) < 3 else -1
                code, part = (part, "") if end < 0 else (part[:end], part[end:])  # noqa: PLW2901
                self._code = self._code if end < 0 else ""
            parts += [code, _MARK.sub(self._check, part)]
        return "".join(parts)

    def _check(self, mark: "re.Match[str]") -> str:
        numbers = [int(each) for each in re.findall(r"\d+", mark[1] or mark[2])]
        kept = [each for each in numbers if 1 <= each <= self.count]
        self.dropped += len(numbers) - len(kept)
        self.cited += [each for each in dict.fromkeys(kept) if each not in self.cited]
        return "".join(f"[{each}]" for each in kept)
