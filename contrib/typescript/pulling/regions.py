"""The regions of a Python module, each a top-level class or assignment, and how what was pulled is merged into them."""

import ast
import io
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Literal

__all__ = ["Conflict", "Merge", "Pulled", "Region", "merge", "regions_of", "same"]

Side = Literal["python", "typescript"]


@dataclass(frozen=True, slots=True)
class Region:
    """A named top-level statement with the comment above it: its text, and its lines, from ``start`` to before ``end``."""

    name: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull made of a type: the Python, and a digest of the TypeScript that it comes from."""

    python: str
    typescript: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A region that changed on both sides. ``before`` is None if it was never pulled, the others if it was deleted."""

    name: str
    before: str | None
    edited: str | None
    pulled: str | None

    def show(self, path: str, source: str) -> str:
        """Return the differences of both sides from what was pulled before."""
        if self.before is None:
            lines = [f"{self.name} is in {path} already, and was not pulled."]
            return "\n".join([*lines, *_diff(self.edited, self.pulled, path, source)])
        before = f"{path} (as pulled before)"
        parts = [
            f"{self.name} changed on both sides.",
            *_diff(self.before, self.edited, before, f"{path} (edited)"),
            *_diff(self.before, self.pulled, before, f"{source} (pulled now)"),
        ]
        return "\n".join(parts)


def _diff(old: str | None, new: str | None, old_name: str, new_name: str) -> list[str]:
    before, after = (old or "").splitlines(), (new or "").splitlines()
    return list(unified_diff(before, after, old_name, new_name, lineterm=""))


@dataclass(slots=True)
class Merge:
    """The merged module, what to remember of it, and what could not be merged."""

    source: str = ""
    record: dict[str, Pulled] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Regions that were edited by hand, and stay as they are."""


def regions_of(source: str) -> dict[str, Region]:
    """Return the regions of a module by name. Raises ``SyntaxError``."""
    lines = source.splitlines(keepends=True)
    found = {}
    for node in ast.parse(source).body:
        name = _name_of(node)
        if name is None:
            continue
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(each.lineno for each in decorators)]) - 1
        while start and lines[start - 1].startswith("#"):
            start -= 1
        end = node.end_lineno or node.lineno
        found[name] = Region(name, "".join(lines[start:end]), start, end)
    return found


def _name_of(node: ast.stmt) -> str | None:
    match node:
        case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
            return name
        case ast.Assign([ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
            return name
    # `type X = …`, which Python 3.11 does not know
    alias = getattr(node, "name", None)
    return alias.id if isinstance(alias, ast.Name) else None


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two texts are the same code and comments, however they are formatted."""
    if one is None or other is None or one == other:
        return one == other
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other)) and _comments(
            one
        ) == _comments(other)
    except (SyntaxError, tokenize.TokenError):
        return False


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def merge(
    source: str,
    pulled: Mapping[str, Pulled],
    before: Mapping[str, Pulled],
    prefer: Side | None = None,
) -> Merge:
    """Merge what was pulled now into a module, given what was pulled into it before.

    A region that nobody edited is replaced, one that was edited by hand stays. If both sides changed, ``prefer``
    decides; without it, that is a conflict.
    """
    regions = regions_of(source)
    result = Merge()
    texts: dict[str, str | None] = {}
    for name in [*pulled, *(each for each in before if each not in pulled)]:
        edited = regions[name].text if name in regions else None
        old, new = before.get(name), pulled.get(name)
        text = _choose(name, edited, old, new, prefer=prefer, result=result)
        texts[name] = text
        if new is not None:
            result.record[name] = new
    result.source = _assemble(source, regions, texts, list(pulled))
    return result


def _choose(
    name: str,
    edited: str | None,
    old: Pulled | None,
    new: Pulled | None,
    *,
    prefer: Side | None,
    result: Merge,
) -> str | None:
    """Return the text that a region gets, None for no region."""
    wanted = new.python if new is not None else None
    by_hand = not same(edited, old.python if old is not None else None)
    in_typescript = old is None or new is None or old.typescript != new.typescript
    if not by_hand:
        # Unchanged text stays as it is formatted.
        return edited if same(edited, wanted) else wanted
    if same(edited, wanted):
        return edited
    if old is not None and not in_typescript:
        result.kept.append(name)
        return edited
    if new is None:
        result.kept.append(name)
        return edited
    if prefer is None:
        result.conflicts.append(Conflict(name, old.python if old else None, edited, wanted))
        return edited
    if prefer == "python":
        result.kept.append(name)
        return edited
    return wanted


def _assemble(
    source: str,
    regions: Mapping[str, Region],
    texts: Mapping[str, str | None],
    order: Sequence[str],
) -> str:
    """Return the module with these texts. Regions that were there keep their places, filled in the new order."""
    present = [name for name in order if name in regions and texts[name] is not None]
    slots = sorted((regions[name].start, regions[name].end) for name in present)
    filled = dict(zip(slots, present, strict=True))
    after: dict[int, list[str]] = {}
    last = len(source.splitlines())
    at = slots[0][0] if slots else last
    place = {name: end for (_, end), name in filled.items()}
    for name in order:
        if name in place:
            at = place[name]
        elif texts.get(name) is not None:
            after.setdefault(at, []).append(name)
    removed = {
        (regions[name].start, regions[name].end)
        for name, text in texts.items()
        if text is None and name in regions
    }
    lines = source.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    starts = {start: (end, filled.get((start, end))) for start, end in [*slots, *removed]}
    inserted = {line: [texts[name] or "" for name in names] for line, names in after.items()}
    return _joined(lines, starts, inserted, texts)


def _joined(
    lines: Sequence[str],
    starts: Mapping[int, tuple[int, str | None]],
    after: Mapping[int, Sequence[str]],
    texts: Mapping[str, str | None],
) -> str:
    """Return lines in which regions are replaced or removed, and others are inserted, with two blank lines around."""
    parts: list[str] = []
    gap = False
    number = 0
    while number <= len(lines):
        for text in after.get(number, ()):
            _separate(parts)
            parts.append(text)
            gap = True
        if number == len(lines):
            break
        end, name = starts.get(number, (number + 1, None))
        removed = number in starts and name is None
        text = lines[number] if number not in starts else texts[name] or "" if name else ""
        number = end
        if removed:
            gap = True
        elif not gap or text.strip():
            if gap:
                _separate(parts)
            parts.append(text)
            gap = False
    joined = "".join(parts).rstrip() + "\n"
    return joined if joined.strip() else ""


def _separate(parts: list[str]) -> None:
    """Leave two blank lines at the end of parts that are not empty."""
    while parts and not parts[-1].strip():
        parts.pop()
    if parts:
        parts += ["\n", "\n"]
