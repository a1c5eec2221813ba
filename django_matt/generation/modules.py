"""Merges definitions into a Python module, and leaves every other line of it as it is."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django_matt.generation.imports import add_imports, bound_names, remove_unused, sort_imports
from django_matt.generation.merges import Choice, Conflict, lines_of, merge
from django_matt.generation.orders import GenerationError
from django_matt.generation.templates import wrapped

__all__ = ["Merged", "merge_module"]

LISTS = frozenset({"urlpatterns"})
"""Lists that the sources of several models share: their items are added to those that are there."""


@dataclass(slots=True)
class Merged:
    """A module after a merge."""

    text: str
    conflicts: list[tuple[str, Conflict]] = field(default_factory=list)
    """Each with the name of its definition; the line is that of the file."""
    gone: list[str] = field(default_factory=list)
    """Definitions that were generated before and that the person has deleted or renamed. They are not written again."""
    recorded: dict[str, str] = field(default_factory=dict)
    """What was generated, to merge with next time."""


def merge_module(
    text: str,
    generated: str,
    before: Mapping[str, str],
    *,
    path: str,
    project: Path,
    choice: Choice = "refuse",
) -> Merged:
    """Return a module with the definitions of a generated one.

    ``before`` is what was recorded when they were generated last. Raises ``GenerationError`` for a module that cannot be
    parsed, and for a name that the module uses for something else.
    """
    new = _Module(generated, path)
    recorded = {name: new.source(name) for name in new.definitions}
    recorded |= {f"import {name}": origin for name, origin in new.imported.items()}
    if new.clash:
        raise GenerationError(
            f"{path} would need two things with the name {new.clash}. Rename the model, or write its code by hand."
        )
    if not text.strip():
        return Merged(sort_imports(generated, project) if generated else "", recorded=recorded)
    old = _Module(text, path)
    _check_names(old, new, before, path)
    merged = Merged(text, recorded=recorded)
    lines = list(old.lines)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for begin, end, replacement in sorted(_changes(old, new, before, merged, choice), reverse=True):
        lines[begin:end] = [replacement]
    merged.text = "".join(lines)
    is_first = any(
        name not in old.definitions and name not in merged.gone for name in new.definitions
    )
    wanted = {
        name
        for name in new.imported
        if name not in old.imported and (is_first or f"import {name}" not in before)
    }
    merged.text = add_imports(merged.text, new.imports, wanted, project)
    dropped = {
        key.removeprefix("import ") for key in before if key.startswith("import ")
    } - new.imported.keys()
    merged.text = remove_unused(merged.text, dropped)
    return merged


class _Module:
    """A parsed module."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.lines = lines_of(text)
        self.definitions: dict[str, ast.stmt] = {}
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.imported: dict[str, str] = {}
        self.clash = ""
        """A name that two of its imports define."""
        for node in _parse(text, path).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.append(node)
                for bound, origin in bound_names(node).items():
                    if self.imported.setdefault(bound, origin) != origin:
                        self.clash = bound
            elif name := _name_of(node):
                self.definitions.setdefault(name, node)

        self.clash = next((name for name in self.definitions if name in self.imported), self.clash)

    def span(self, name: str) -> tuple[int, int]:
        """Return the index of the first line of a definition, with its decorators, and that after the last line."""
        node = self.definitions[name]
        decorators = getattr(node, "decorator_list", [])
        return min(each.lineno for each in (node, *decorators)) - 1, node.end_lineno or node.lineno

    def source(self, name: str) -> str:
        """Return the text of a definition."""
        begin, end = self.span(name)
        return "".join(self.lines[begin:end]).rstrip("\n") + "\n"


def _parse(text: str, path: str) -> ast.Module:
    try:
        return ast.parse(text)
    except ValueError:
        # Python 3.11 raises it for a null byte, and later ones a SyntaxError.
        raise GenerationError(
            f"{path} has a null byte. Remove it and run the command again; nothing was written."
        ) from None
    except SyntaxError as error:
        raise GenerationError(
            f"{path}:{error.lineno}:{error.offset}: {error.msg}. Fix it and run the command again; nothing was written."
        ) from None


def _name_of(node: ast.stmt) -> str | None:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _check_names(old: _Module, new: _Module, before: Mapping[str, str], path: str) -> None:
    for name in new.definitions:
        if name in old.imported:
            raise GenerationError(
                f"{path} already imports the name {name}. Import it under another name, and run the command again."
            )
        is_other = name in old.definitions and name not in before and name not in LISTS
        if is_other and old.source(name) != new.source(name):
            raise GenerationError(
                f"{path} already has {name}, which was not generated. Rename it or delete it, and run the command again."
            )
    for name, origin in new.imported.items():
        if old.imported.get(name, origin) != origin or name in old.definitions:
            raise GenerationError(
                f"{path} already uses the name {name} for something else than {origin}. "
                "Rename it, and run the command again."
            )


def _changes(
    old: _Module, new: _Module, before: Mapping[str, str], merged: Merged, choice: Choice
) -> Iterator[tuple[int, int, str]]:
    """Yield what to put between two lines of the old module."""
    waiting: list[str] = []
    is_gone = any(name in before and name in old.definitions for name in new.definitions)
    for name in new.definitions:
        if name in old.definitions:
            begin, end = old.span(name)
            yield begin, begin, "".join(f"{new.source(each)}\n\n" for each in waiting)
            waiting = []
            if name in LISTS:
                yield from _items(old, new, before, name)
                continue
            text, conflicts = merge(
                before.get(name, old.source(name)), old.source(name), new.source(name), choice
            )
            merged.conflicts += [
                (name, Conflict(begin + each.line, each.edited, each.generated))
                for each in conflicts
            ]
            yield begin, end, text
        elif name in before and is_gone:
            merged.gone.append(name)
        else:
            waiting.append(name)
    if waiting:
        end = len(old.lines)
        while end and not old.lines[end - 1].strip():
            end -= 1
        added = "\n\n".join(new.source(each) for each in waiting)
        yield end, len(old.lines), f"\n\n{added}"


def _items(
    old: _Module, new: _Module, before: Mapping[str, str], name: str
) -> Iterator[tuple[int, int, str]]:
    """Yield the items of a shared list that neither the module has nor an earlier run has written."""
    has = {ast.dump(item) for node in ast.walk(ast.parse(old.text)) for item in _items_of(node)}
    written = ast.parse(before.get(name, ""))
    has |= {ast.dump(item) for node in ast.walk(written) for item in _items_of(node)}
    value = getattr(old.definitions[name], "value", None)
    if not isinstance(value, ast.List):
        raise GenerationError(
            f"{old.path}: {name} is not written as a list, so that no items can be added to it. Make it a list first."
        )
    added = getattr(new.definitions[name], "value", None)
    items = [
        ast.get_source_segment(new.text, item) or ""
        for item in (_items_of(added) if added else ())
        if ast.dump(item) not in has
    ]
    end = old.span(name)[1]
    if items and value.elts and old.lines[end - 1].strip() == "]":
        last = value.elts[-1]
        line = old.lines[(last.end_lineno or 1) - 1]
        if line.rstrip().endswith(","):
            yield end - 1, end - 1, "".join(f"    {item},\n" for item in items)
            return
    if items:
        yield end, end, wrapped(f"{name} += [", items, "]") + "\n"


def _items_of(node: ast.AST) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List) else []
