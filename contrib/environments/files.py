"""The ``.env`` file: reads it with line numbers, changes it without losing anything, and writes it atomically."""

import io
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from django_matt.contrib.environments.errors import Fault

__all__ = ["Entry", "EnvFile", "quote", "read_file"]

BOM = "\ufeff"
PLAIN = re.compile(r"[\w./:@%+,=~-]+", re.ASCII)
ESCAPES = {"\\": "\\\\", '"': '\\"'} | {
    character: f"\\{letter}" for character, letter in zip("\a\b\f\n\r\t\v", "abfnrtv", strict=True)
}
HEAD = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*(?P<equal>=[^\S\r\n]*)?")
VALUE = re.compile(
    r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?:(?!\s+#)[^\r\n])*?(?=\s*$|\s+#)", re.S
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of the file: a variable with its line, or a comment or unreadable text, whose ``name`` is None."""

    text: str
    line: int
    name: str | None
    value: str | None
    unreadable: bool

    def with_value(self, value: str) -> str:
        """Return the text with another value; ``export``, comments and line endings are kept."""
        head = HEAD.match(self.text)
        if head is None:
            raise ValueError(f"line {self.line} sets no variable")
        if not head["equal"]:
            return f"{head[0]}={quote(value)}{self.text[head.end() :]}"
        if self.value == "" and self.text[head.end() : head.end() + 1] == "#":
            # `NAME= # why` is an empty value with a comment.
            start = head.start("equal") + 1
            return f"{self.text[:start]}{quote(value)}{self.text[start:]}"
        found = VALUE.match(self.text, head.end())
        tail = self.text[found.end() if found else head.end() :]
        return f"{head[0]}{quote(value)}{tail}"


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The content of a ``.env`` file, in its order."""

    path: Path
    entries: tuple[Entry, ...] = ()
    bom: bool = False

    @property
    def values(self) -> dict[str, str]:
        """The value of each variable. If two lines have the same name, the last one counts, as in python-dotenv."""
        return {
            entry.name: entry.value
            for entry in self.entries
            if entry.name is not None and entry.value is not None
        }

    @property
    def lines(self) -> dict[str, int]:
        """The line number of each variable."""
        return {entry.name: entry.line for entry in self.entries if entry.name is not None}

    @property
    def text(self) -> str:
        """The text of the file."""
        return "".join(entry.text for entry in self.entries)

    def faults(self) -> list[Fault]:
        """Return the lines that cannot be read, and lines that may not mean what their author thinks."""
        found = []
        first: dict[str, int] = {}
        for entry in self.entries:
            place = f"{self.path.name}, line {entry.line}"
            if entry.unreadable:
                message = "cannot be read; write NAME=value, and close every quote."
                found.append(Fault("unreadable", f"line {entry.line}", message, self.path.name))
            elif entry.name is not None:
                if entry.name in first:
                    message = f"is on line {first[entry.name]} too; the last one counts."
                    found.append(Fault("doubtful", entry.name, message, place))
                first[entry.name] = entry.line
                if entry.value is None:
                    message = "has no `=`, so it is not set."
                    found.append(Fault("doubtful", entry.name, message, place))
                elif "${" in entry.value:
                    message = "contains `${`, which is kept as it is: variables are not expanded."
                    found.append(Fault("doubtful", entry.name, message, place))
        return found

    def changed(self, values: Mapping[str, str]) -> "EnvFile":
        """Return the file with new values for variables that it has; everything else is kept."""
        last = {entry.name: position for position, entry in enumerate(self.entries)}
        parts = [
            entry.with_value(values[entry.name])
            if entry.name is not None and entry.name in values and last[entry.name] == position
            else entry.text
            for position, entry in enumerate(self.entries)
        ]
        return self._checked("".join(parts), values)

    def extended(self, text: str, values: Mapping[str, str], after: str | None = None) -> "EnvFile":
        """Return the file with ``text`` added, which sets ``values``: after the variable ``after``, or at the end."""
        positions = {entry.name: position for position, entry in enumerate(self.entries, 1)}
        position = positions.get(after, len(self.entries)) if after else len(self.entries)
        before = "".join(entry.text for entry in self.entries[:position])
        behind = "".join(entry.text for entry in self.entries[position:])
        newline = "\r\n" if "\r\n" in self.text else "\n"
        if before and not before.endswith(("\n", "\r")):
            before += newline
        return self._checked(before + text.replace("\n", newline) + behind, values)

    def with_variable(self, name: str, value: str, after: str) -> "EnvFile":
        """Return the file with a new variable: instead of the comment ``# NAME=``, else after the variable ``after``."""
        line = f"{name}={quote(value)}"
        comment = re.compile(rf"^#[^\S\r\n]*{re.escape(name)}=[^\r\n]*", re.M)
        parts = [entry.text for entry in self.entries]
        for position, entry in enumerate(self.entries):
            if entry.name is None and not entry.unreadable and comment.search(entry.text):
                parts[position] = comment.sub(lambda _: line, entry.text, count=1)
                return self._checked("".join(parts), {name: value})
        return self.extended(f"{line}\n", {name: value}, after)

    def _checked(self, text: str, values: Mapping[str, str]) -> "EnvFile":
        """Return ``text`` as a file; raise ``ValueError`` if its values are not the old ones with ``values``."""
        after = _parse(self.path, text, self.bom)
        if after.values != {**self.values, **values}:
            raise ValueError(
                f"{self.path} cannot be changed without damaging other lines; change it by hand."
            )
        return after

    def save(self) -> None:
        """Write the file atomically, readable only by its owner. A symbolic link is kept. Raises ``OSError``."""
        target = self.path.resolve()
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise OSError(f"{self.path} is not a regular file")
        # mkstemp makes a file with mode 600. It is in the same folder, so that replacing is one step.
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(((BOM if self.bom else "") + self.text).encode())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def read_file(path: Path) -> EnvFile:
    """Read a file; a missing file is empty. Raises ``OSError``, or ``ValueError`` if the file is not UTF-8."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return EnvFile(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8; save {path.name} in that encoding.") from None
    return _parse(path, text.removeprefix(BOM), text.startswith(BOM))


def quote(value: str) -> str:
    """Return ``value`` as it is written after ``NAME=``: bare, in single quotes, or in double quotes with escapes.

    >>> print(quote("a b"), quote("it's"))
    'a b' 'it\\'s'
    """
    if PLAIN.fullmatch(value):
        return value
    if set(value) & (set(ESCAPES) - {"\\", '"'}):
        return '"' + "".join(ESCAPES.get(character, character) for character in value) + '"'
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'" if value else ""


def _parse(path: Path, text: str, bom: bool) -> EnvFile:
    return EnvFile(path, tuple(_entries(text)), bom)


def _entries(text: str) -> Iterable[Entry]:
    # The parser drops one byte order mark. Give it one, so that a mark in the text is kept.
    for binding in parse_stream(io.StringIO(BOM + text, newline="")):
        original = binding.original.string
        blank = original[: len(original) - len(original.lstrip())]
        line = binding.original.line + len(re.findall(r"\r\n|\n|\r", blank))
        value = binding.value
        if value is not None and "\r" in original:
            # Convert the line endings of Windows, as python-dotenv does when it reads a file; escapes (\r) are kept.
            unified = io.StringIO(re.sub(r"\r\n|\r", "\n", original), newline="")
            value = next(iter(parse_stream(unified))).value
        yield Entry(original, line, binding.key, value, binding.error)
