"""The imports of generated modules: sorted as isort does, merged into those of a module that exists."""

import ast
import itertools
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeAlias

from django_matt.generation.merges import lines_of
from django_matt.generation.templates import wrapped

__all__ = ["add_imports", "bound_names", "remove_unused", "sort_imports"]

AnyImport: TypeAlias = ast.Import | ast.ImportFrom


def bound_names(node: AnyImport) -> dict[str, str]:
    """Return the names that an import defines, each with what it is: ``{"Q": "django.db.models.Q"}``."""
    return {_bound(node, alias): _origin(node, alias) for alias in node.names}


def sort_imports(text: str, project: Path) -> str:
    """Return a generated module with its imports in order: the standard library, other packages, the project."""
    tree = ast.parse(text)
    lines = lines_of(text)
    imports = [node for node in tree.body if isinstance(node, AnyImport)]
    docstring = _docstring(tree)
    rest = [node for node in tree.body if node is not docstring and not isinstance(node, AnyImport)]
    head = "".join(lines[: docstring.end_lineno]).rstrip("\n") if docstring else ""
    parts = [part for part in (head, _all_lines(imports, project).rstrip("\n")) if part]
    if not rest:
        return "\n\n".join(parts) + "\n"
    begin = min(each.lineno for each in (rest[0], *getattr(rest[0], "decorator_list", []))) - 1
    is_block = isinstance(rest[0], ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    parts.append("\n" * (1 if is_block and parts else 0) + "".join(lines[begin:]))
    return "\n\n".join(parts)


def add_imports(
    text: str, imports: Sequence[AnyImport], names: Collection[str], project: Path
) -> str:
    """Return a module that imports ``names`` too, each where isort expects it."""
    for node in imports:
        if missing := [alias for alias in node.names if _bound(node, alias) in names]:
            text = _add(text, node, missing, project)
    return text


def remove_unused(text: str, names: Collection[str]) -> str:
    """Return a module without the imports of those names that it does not use."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    lines = lines_of(text)
    for node in reversed(tree.body):
        if isinstance(node, AnyImport) and _has_its_lines(node, tree):
            kept = [
                a for a in node.names if _bound(node, a) not in names or _bound(node, a) in used
            ]
            if len(kept) < len(node.names):
                lines[node.lineno - 1 : node.end_lineno] = [_line(node, kept)] if kept else []
    return "".join(lines)


def _add(text: str, node: AnyImport, missing: list[ast.alias], project: Path) -> str:
    tree = ast.parse(text)
    lines = lines_of(text)
    imports = [each for each in tree.body if isinstance(each, AnyImport)]
    for each in imports:
        if (
            isinstance(node, ast.ImportFrom)
            and isinstance(each, ast.ImportFrom)
            and (each.module, each.level) == (node.module, node.level)
            and all(alias.name != "*" for alias in each.names)
            # A comment would be lost.
            and "#" not in "".join(lines[each.lineno - 1 : each.end_lineno])
            and _has_its_lines(each, tree)
        ):
            lines[each.lineno - 1 : each.end_lineno] = [_line(each, [*each.names, *missing])]
            return "".join(lines)
    key, line = _order(node, project), _line(node, missing)
    docstring = _docstring(tree)
    others = [
        each for each in tree.body if each is not docstring and not isinstance(each, AnyImport)
    ]
    # The imports at the top; those below other statements have their reasons.
    top = [each for each in imports if not others or each.lineno < others[0].lineno]
    smaller = [each for each in top if _order(each, project) < key]
    greater = [each for each in top if _order(each, project) > key]
    if smaller and _order(smaller[-1], project)[0] == key[0]:
        place = smaller[-1].end_lineno or 0
    elif greater and _order(greater[0], project)[0] == key[0]:
        place = greater[0].lineno - 1
    elif smaller:
        place, line = smaller[-1].end_lineno or 0, f"\n{line}"
    elif greater:
        place, line = greater[0].lineno - 1, f"{line}\n"
    else:
        # Below the docstring, or the license and the encoding.
        comments = len(list(itertools.takewhile(lambda each: each.startswith("#"), lines)))
        place = (docstring.end_lineno or 0) if docstring else comments
        end = "" if place == len(lines) or not lines[place].strip() else "\n\n"
        line = f"\n{line}{end}" if place else f"{line}\n\n"
    lines[place:place] = [line]
    return "".join(lines)


def _has_its_lines(node: ast.stmt, tree: ast.Module) -> bool:
    """Return whether no other statement is on the lines of an import: ``import os; os.nice(1)``."""
    return not any(
        each.lineno <= (node.end_lineno or 0) and node.lineno <= (each.end_lineno or 0)
        for each in tree.body
        if each is not node
    )


def _all_lines(imports: Sequence[AnyImport], project: Path) -> str:
    """Return all imports sorted, each module once, with an empty line between sections."""
    nodes: dict[tuple[bool, str], AnyImport] = {}
    names: dict[tuple[bool, str], list[ast.alias]] = {}
    for node in imports:
        name = (node.module or "") if isinstance(node, ast.ImportFrom) else _alias(node.names[0])
        key = isinstance(node, ast.ImportFrom), name
        nodes[key] = node
        names.setdefault(key, []).extend(node.names)
    text, section = "", -1
    for key in sorted(nodes, key=lambda key: _order(nodes[key], project)):
        this = _order(nodes[key], project)[0]
        text += "\n" if section not in {-1, this} else ""
        text += _line(nodes[key], names[key])
        section = this
    return text


def _line(node: AnyImport, aliases: Sequence[ast.alias]) -> str:
    names = sorted(set(map(_alias, aliases)), key=_name_order)
    if isinstance(node, ast.Import):
        return "".join(f"import {name}\n" for name in names)
    start = f"from {'.' * node.level}{node.module or ''} import "
    one = f"{start}{', '.join(names)}\n"
    return one if len(one) <= 89 else wrapped(f"{start}(", names, ")") + "\n"


def _alias(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _bound(node: AnyImport, alias: ast.alias) -> str:
    name = alias.asname or alias.name
    is_package = isinstance(node, ast.Import) and not alias.asname
    return name.partition(".")[0] if is_package else name


def _origin(node: AnyImport, alias: ast.alias) -> str:
    if isinstance(node, ast.Import):
        return alias.name if alias.asname else alias.name.partition(".")[0]
    return f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _docstring(tree: ast.Module) -> ast.stmt | None:
    first = tree.body[0] if tree.body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return first if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _order(node: AnyImport, project: Path) -> tuple[int, int, str]:
    """Return the place of an import: its section, plain imports first, and its name."""
    is_from = isinstance(node, ast.ImportFrom)
    name = (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
    package = name.partition(".")[0]
    if package == "__future__":
        section = 0
    elif isinstance(node, ast.ImportFrom) and node.level:
        section = 4
    elif package in sys.stdlib_module_names:
        section = 1
    else:
        is_own = (project / package).is_dir() or (project / f"{package}.py").is_file()
        section = 3 if is_own else 2
    return section, int(is_from), name.lower()


def _name_order(name: str) -> tuple[int, str]:
    """Return the place of a name: constants before classes before functions, as isort and ruff sort them."""
    plain = name.partition(" ")[0]
    if re.fullmatch(r"[A-Z][A-Z0-9_]+", plain):
        return 0, plain
    return (1, plain) if plain[:1].isupper() else (2, plain)
