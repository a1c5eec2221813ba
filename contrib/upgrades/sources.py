"""The Python files of a project, and the edits that codemods make in their text."""

import ast
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from django_matt.cli.repositories import run_git

__all__ = ["Change", "Edit", "Note", "Source", "find_files", "read", "write"]

_MAX_DEPTH = 200
"""libcst walks a tree by recursion, which Python limits."""
N = TypeVar("N", bound=cst.CSTNode)
_NOT_OURS = {"node_modules", "site-packages", "venv", "env", "build", "dist", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Note:
    """What a person has to look at: a line of a file (from 1; 0 for the whole file), and a sentence."""

    path: Path
    line: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Text that takes the place of the characters from ``start`` to ``end`` of a file."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A file, and its bytes before and after; ``before`` is None for a new file."""

    path: Path
    before: bytes | None
    after: bytes


@dataclass(slots=True)
class Source:
    """A Python file that codemods edit, one after the other."""

    path: Path
    before: bytes
    encoding: str
    text: str
    notes: list[Note] = field(default_factory=list)
    _wrapper: MetadataWrapper | None = None
    _lines: tuple[str, list[int]] | None = None
    _nodes: tuple[cst.Module, dict[type[cst.CSTNode], list[cst.CSTNode]]] | None = None

    @property
    def wrapper(self) -> MetadataWrapper:
        """The syntax tree of the text as it is now, with libcst's metadata."""
        if self._wrapper is None:
            self._wrapper = MetadataWrapper(cst.parse_module(self.text), unsafe_skip_copy=True)
        return self._wrapper

    @property
    def tree(self) -> cst.Module:
        """The syntax tree of the text as it is now."""
        return self.wrapper.module

    @property
    def newline(self) -> str:
        """The line ending of the file."""
        return self.tree.default_newline

    @property
    def change(self) -> Change | None:
        """What is to be written; None if no codemod changed anything."""
        after = self.text.encode(self.encoding)
        return None if after == self.before else Change(self.path, self.before, after)

    def all(self, kind: type[N]) -> list[N]:
        """Return the nodes of a kind in ``tree``, in their order. The tree is walked once for all kinds."""
        if self._nodes is None or self._nodes[0] is not self.tree:
            found: dict[type[cst.CSTNode], list[cst.CSTNode]] = {}
            left: list[cst.CSTNode] = [self.tree]
            while left:
                node = left.pop()
                found.setdefault(type(node), []).append(node)
                left += reversed(node.children)
            self._nodes = (self.tree, found)
        return cast("list[N]", self._nodes[1].get(kind, []))

    def range_of(self, node: cst.CSTNode) -> CodeRange:
        """Return the lines (from 1) and columns of a node of ``tree``."""
        return self.wrapper.resolve(PositionProvider)[node]

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return where a node of ``tree`` begins and ends in ``text``."""
        place = self.range_of(node)
        lines = self._starts()
        return (
            lines[place.start.line - 1] + place.start.column,
            lines[place.end.line - 1] + place.end.column,
        )

    def code(self, node: cst.CSTNode) -> str:
        """Return the text of a node of ``tree``."""
        start, end = self.span(node)
        return self.text[start:end]

    def before_on_line(self, node: cst.CSTNode) -> str:
        """Return what is before a node on its line: the indent, if the node begins the line."""
        start, _ = self.span(node)
        line = max(self.text.rfind("\n", 0, start), self.text.rfind("\r", 0, start)) + 1
        return self.text[line:start]

    def note(self, node: cst.CSTNode, text: str) -> None:
        """Report something about a node to the person who runs the codemod."""
        self.notes.append(Note(self.path, self.range_of(node).start.line, text))

    def apply(self, edits: Iterable[Edit]) -> None:
        """Make edits that do not overlap. A file that Python could not read after them is left as it is, with a note."""
        text, end = self.text, len(self.text)
        for edit in sorted(set(edits), reverse=True):
            if edit.end > end:
                raise ValueError(f"{self.path}: two edits overlap at character {edit.end}")
            text, end = text[: edit.start] + edit.text + text[edit.end :], edit.start
        try:
            text.encode(self.encoding)
            tree = cst.parse_module(text)
        except (cst.ParserSyntaxError, UnicodeEncodeError) as error:
            self.notes.append(
                Note(self.path, 0, f"left as it is, because the result is no Python: {error}")
            )
            return
        self.text, self._wrapper = text, MetadataWrapper(tree, unsafe_skip_copy=True)

    def _starts(self) -> list[int]:
        """Return where each line begins."""
        if self._lines is None or self._lines[0] != self.text:
            # As Python counts lines; str.splitlines() would also end one at a form feed.
            starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", self.text))]
            self._lines = (self.text, starts)
        return self._lines[1]


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the Python files among ``paths`` and below its folders, sorted, without those that git ignores.

    Links are left out: their target is in the project, and is found there, or it is not the project's. Without git, folders
    such as ``.venv`` and ``node_modules`` are left out.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(_below(path))
        elif path.suffix == ".py":
            found.add(path)
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _below(folder: Path) -> Iterator[Path]:
    wanted = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    listed = run_git(folder, *wanted, check=False) if shutil.which("git") else None
    if listed is not None:
        yield from (folder / name for name in listed.split("\0") if name.endswith(".py"))
        return
    for top, folders, names in os.walk(folder):
        folders[:] = [
            each
            for each in folders
            if each not in _NOT_OURS
            and not each.startswith(".")
            and not Path(top, each, "pyvenv.cfg").exists()
        ]
        yield from (Path(top, name) for name in names if name.endswith(".py"))


def read(paths: Iterable[Path], words: Iterable[str]) -> tuple[list[Source], list[Note]]:
    """Read the files that contain one of ``words``; return them, and a note for each that cannot be parsed."""
    wanted = [word.encode() for word in words]
    sources: list[Source] = []
    notes: list[Note] = []
    for path in paths:
        try:
            data = path.read_bytes()
            if not any(word in data for word in wanted):
                continue
            # Python's parser first: libcst's ends the process where code is nested thousands of times.
            with warnings.catch_warnings(action="ignore"):
                if _depth(ast.parse(data)) > _MAX_DEPTH:
                    raise ValueError("its code is nested too deeply")
            tree = cst.parse_module(data)
            if tree.bytes != data:
                raise ValueError("it would not be written as it was read")
            text = data.decode(tree.encoding)
        except (SyntaxError, cst.ParserSyntaxError) as error:
            line = error.lineno or 0 if isinstance(error, SyntaxError) else error.raw_line
            notes.append(Note(path, line, "not changed: Python cannot read this line."))
        except (OSError, ValueError, LookupError, RecursionError, MemoryError) as error:
            notes.append(Note(path, 0, f"not changed: {error}."))
        else:
            sources.append(Source(path, data, tree.encoding, text))
    return sources, notes


def _depth(tree: ast.AST) -> int:
    """Return how deep a syntax tree is."""
    depth, level = 0, [tree]
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def write(changes: Iterable[Change]) -> None:
    """Write the files. Each is replaced as a whole, so that an interruption leaves no file half written."""
    for change in changes:
        mode = change.path.stat().st_mode if change.before is not None else 0o644
        handle, name = tempfile.mkstemp(dir=change.path.parent, prefix=f".{change.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(change.after)
            Path(name).chmod(mode)
            Path(name).replace(change.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
