"""The imports of a Python module: adds what pulled regions need, and removes what they needed before."""

import ast
import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django_matt.contrib.typescript.pulling.identifiers import OURS

__all__ = ["NameTakenError", "add_imports", "names_used"]

#: Modules that export the same objects under these names.
EQUAL = {"ninja", "pydantic", "django_matt", "typing", "typing_extensions"}
WIDTH = 88


class NameTakenError(Exception):
    """The module uses a name that a region needs for something else."""

    def __init__(self, name: str, line: int) -> None:
        """Take the name and the line that binds it."""
        super().__init__(name)
        self.name = name
        self.line = line


@dataclass(slots=True)
class _Import:
    """An import statement at the top of a module. ``names`` is None for ``import x`` and what cannot be changed."""

    module: str
    names: list[tuple[str, str | None]] | None
    start: int
    end: int

    @property
    def key(self) -> tuple[int, bool, str]:
        return _key(self.module, self.names is not None)


def _key(module: str, is_from: bool) -> tuple[int, bool, str]:
    """Return what import statements are sorted by."""
    top = module.partition(".")[0]
    group = 0 if top == "__future__" else 1 if top in sys.stdlib_module_names else 2
    return group + 2 * module.startswith("."), is_from, module


def names_used(source: str) -> set[str]:
    """Return every name that a module uses, those in quoted annotations included. Raises ``SyntaxError``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Constant):
            found |= _words(node.annotation.value)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"TypeVar", "TypeAliasType"}
        ):
            for each in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
                found |= _words(each.value) if isinstance(each, ast.Constant) else set()
    return found


def _words(annotation: object) -> set[str]:
    if not isinstance(annotation, str):
        return set()
    try:
        tree = ast.parse(annotation, mode="eval")
    except SyntaxError:
        return set(re.findall(r"\w+", annotation))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def add_imports(source: str, needed: Collection[str], dropped: Iterable[str] = ()) -> str:
    """Return the module with imports of the names in ``needed``, and without those of ``dropped`` that nothing uses.

    Raises ``NameTakenError`` if the module has another object under a needed name.
    """
    wanted = {name: OURS[name] for name in sorted(needed) if name in OURS}
    bound = _bound(source)
    for name, module in wanted.items():
        if name in bound:
            line, origin = bound[name]
            if origin not in {module or name, *(EQUAL if module in EQUAL else ())}:
                raise NameTakenError(name, line)
    missing: dict[str, list[str]] = {}
    for name, module in wanted.items():
        if name not in bound:
            missing.setdefault(module, []).append(name)
    for name in missing.pop("", []):
        source = _insert(source, f"import {name}\n", _key(name, False))
    for module, names in sorted(missing.items()):
        source = _add(source, module, names)
    unused = {name for name in dropped if name in OURS} - names_used(source)
    return _remove(source, unused) if unused else source


def _bound(source: str) -> dict[str, tuple[int, str]]:
    """Return the line and the origin of each name that a module binds at its top; "" is no import."""
    found: dict[str, tuple[int, str]] = {}
    for node in ast.parse(source).body:
        match node:
            case ast.Import(names):
                found |= {(each.asname or each.name): (node.lineno, each.name) for each in names}
            case ast.ImportFrom(module, names):
                found |= {(each.asname or each.name): (node.lineno, module or "") for each in names}
            case ast.ClassDef(name) | ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                found[name] = (node.lineno, "")
            case ast.Assign([ast.Name(name)]):
                found[name] = (node.lineno, "")
    return found


def _imports(source: str) -> list[_Import]:
    found = []
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        start, end = node.lineno - 1, node.end_lineno or node.lineno
        if isinstance(node, ast.Import):
            found.append(_Import(node.names[0].name, None, start, end))
            continue
        module = "." * node.level + (node.module or "")
        # A comment or a second statement in these lines would be lost.
        plain = not any(mark in line for line in lines[start:end] for mark in "#;*")
        names = [(each.name, each.asname) for each in node.names] if plain else None
        found.append(_Import(module, names, start, end))
    return found


def _add(source: str, module: str, names: list[str]) -> str:
    for each in _imports(source):
        if each.module == module and each.names is not None:
            return _replace(source, each, [*each.names, *((name, None) for name in names)])
    return _insert(source, _written(module, [(name, None) for name in names]), _key(module, True))


def _remove(source: str, unused: Collection[str]) -> str:
    for each in reversed(_imports(source)):
        if each.module in set(OURS.values()) and each.names is not None:
            left = [pair for pair in each.names if pair[1] or pair[0] not in unused]
            if left != each.names:
                source = _replace(source, each, left)
        elif each.names is None and each.module in unused:
            source = _replace(source, each, [])
    return source


def _replace(source: str, old: _Import, names: list[tuple[str, str | None]]) -> str:
    lines = source.splitlines(keepends=True)
    lines[old.start : old.end] = [_written(old.module, names)] if names else []
    return "".join(lines)


def _written(module: str, names: Iterable[tuple[str, str | None]]) -> str:
    """Return an import statement with its names sorted as isort does: constants, classes, the rest."""

    def rank(pair: tuple[str, str | None]) -> tuple[int, str]:
        name = pair[0]
        return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name

    texts = [
        name if alias is None else f"{name} as {alias}"
        for name, alias in sorted(set(names), key=rank)
    ]
    line = f"from {module} import {', '.join(texts)}\n"
    if len(line) <= WIDTH + 1:
        return line
    return f"from {module} import (\n{''.join(f'    {text},' + chr(10) for text in texts)})\n"


def _insert(source: str, line: str, key: tuple[int, bool, str]) -> str:
    """Insert an import statement where isort would have it, with a blank line between groups."""
    lines = source.splitlines(keepends=True)
    found = _imports(source)
    before = [each for each in found if each.key < key]
    after = [each for each in found if each.key > key]
    if after and after[0].key[0] == key[0] and (not before or before[-1].key[0] != key[0]):
        at, text = after[0].start, line
    elif before:
        at = before[-1].end
        text = line if before[-1].key[0] == key[0] else f"\n{line}"
        if after and after[0].start == at and after[0].key[0] != key[0]:
            text += "\n"
    elif after:
        at, text = after[0].start, f"{line}\n"
    else:
        at = _after_docstring(source)
        rest = "".join(lines[at:]).strip()
        text = ("\n" if at else "") + line + ("\n\n" if rest else "")
        while rest and at < len(lines) and not lines[at].strip():
            del lines[at]
    lines.insert(at, text)
    return "".join(lines)


def _after_docstring(source: str) -> int:
    body = ast.parse(source).body
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.end_lineno or first.lineno
    lines = source.splitlines()
    at = 0
    while at < len(lines) and lines[at].startswith("#"):
        at += 1
    return at if at < len(lines) and not lines[at].strip() else 0
