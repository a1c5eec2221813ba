"""What drafts need to know of a project: its classes, what each of them extends, and where names come from."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import libcst as cst
import libcst.matchers as m
from libcst.helpers import get_full_name_for_node
from libcst.metadata import ImportAssignment, QualifiedNameProvider, ScopeProvider

from django_matt.contrib.upgrades.sources import Note, Source

__all__ = ["Class", "Draft", "Project", "code", "draft_path", "strings"]


def draft_path(path: Path) -> Path:
    """Return where the draft of a file is written: ``views_draft.py`` beside ``views.py``."""
    return path.with_name(f"{path.stem}_draft.py")


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the project."""

    name: str
    node: cst.ClassDef
    source: Source
    bases: tuple[str, ...]
    """The full names of its bases, as far as imports tell: ``rest_framework.viewsets.ModelViewSet``."""

    def value(self, name: str) -> cst.BaseExpression | None:
        """Return what the class assigns to an attribute; None without an assignment."""
        for line in self.node.body.body:
            for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(each, cst.Assign) and m.matches(each.targets[0].target, m.Name(name)):
                    return each.value
        return None

    def text(self, name: str) -> str:
        """Return the code of what the class assigns to an attribute; empty without an assignment."""
        value = self.value(name)
        return "" if value is None else code(value)

    def assignments(self) -> Iterator[tuple[str, cst.BaseExpression]]:
        """Yield each attribute that the class assigns, with its value."""
        for line in self.node.body.body:
            for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(each, cst.Assign) and isinstance(each.targets[0].target, cst.Name):
                    yield each.targets[0].target.value, each.value

    def methods(self) -> dict[str, cst.FunctionDef]:
        """Return the methods by name."""
        return {e.name.value: e for e in self.node.body.body if isinstance(e, cst.FunctionDef)}

    def inner(self, name: str) -> "Class | None":
        """Return a class inside of this one, such as ``Meta``."""
        for each in self.node.body.body:
            if isinstance(each, cst.ClassDef) and each.name.value == name:
                return Class(name, each, self.source, ())
        return None

    def note(self, text: str, node: cst.CSTNode | None = None) -> Note:
        """Return a note about the class, or about a node in it."""
        line = self.source.range_of(node or self.node.name).start.line
        return Note(self.source.path, line, f"{self.name}: {text}")


def code(node: cst.CSTNode) -> str:
    """Return the code of a node, on one line if it is an expression."""
    text = cst.Module([]).code_for_node(node).strip()
    if "\n" in text and isinstance(node, cst.BaseExpression):
        # Comments cannot be kept on one line.
        return ast.unparse(ast.parse(f"({text})", mode="eval"))
    return text


def strings(value: cst.BaseExpression | None) -> list[str]:
    """Return the texts in a list or tuple."""
    found = m.findall(value, m.SimpleString()) if value is not None else []
    return [str(cast("cst.SimpleString", each).evaluated_value) for each in found]


class Project:
    """The classes of a project, by name."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.models: Project | None = None
        """The models, which are in files of their own."""
        self.classes: dict[str, Class] = {}
        self._names: list[object] = []
        for source in sources:
            names = source.wrapper.resolve(QualifiedNameProvider)
            self._names.append(names)
            for node in source.tree.body:
                if isinstance(node, cst.ClassDef):
                    bases = tuple(_full(base.value, names) for base in node.bases)
                    self.classes.setdefault(
                        node.name.value, Class(node.name.value, node, source, bases)
                    )

    def extends(self, each: Class, seen: frozenset[str] = frozenset()) -> set[str]:
        """Return the names that a class extends of REST framework: ``viewsets.ModelViewSet``, also by its own bases."""
        found: set[str] = set()
        for base in each.bases:
            if base.startswith("rest_framework."):
                found.add(base.removeprefix("rest_framework."))
            parent = self.classes.get(base.rpartition(".")[2])
            if parent and parent is not each and parent.name not in seen:
                found |= self.extends(parent, seen | {each.name})
        return found

    def full_name(self, node: cst.BaseExpression) -> str:
        """Return the full name of what a name or an attribute of any file means; empty for other expressions.

        The text of a string is a full name already.
        """
        if isinstance(node, cst.SimpleString):
            return str(node.evaluated_value)
        if not isinstance(node, cst.Name | cst.Attribute):
            return ""
        found = (_full(node, names) for names in self._names)
        plain = get_full_name_for_node(node) or ""
        return next((name for name in found if name != plain), plain)

    def lineage(self, each: Class) -> list[Class]:
        """Return a class of the project with its bases in the project, the class itself last."""
        found: list[Class] = []
        for base in reversed(each.bases):
            parent = self.classes.get(base.rpartition(".")[2])
            if parent and parent is not each and each.name not in parent.bases:
                found += [one for one in self.lineage(parent) if one not in found]
        return [*found, each]

    def methods(self, each: Class) -> dict[str, tuple[Class, cst.FunctionDef]]:
        """Return the methods of a class and of its bases in the project, each with the class that has it."""
        return {
            name: (one, method)
            for one in self.lineage(each)
            for name, method in one.methods().items()
        }

    def foreign(self, each: Class) -> list[str]:
        """Return the bases of a class that are neither of the project nor of REST framework."""
        return [
            base
            for one in self.lineage(each)
            for base in one.bases
            if base != "object"
            and not base.startswith("rest_framework.")
            and base.rpartition(".")[2] not in self.classes
        ]

    def inherited(self, each: Class, name: str) -> cst.BaseExpression | None:
        """Return what a class or its bases in the project assign to an attribute."""
        found = (one.value(name) for one in reversed(self.lineage(each)))
        return next((value for value in found if value is not None), None)


def _full(node: cst.BaseExpression, names: object) -> str:
    known = cast("dict[cst.CSTNode, object]", names).get(node, set())
    found = known() if callable(known) else known
    first = next(iter(cast("set[object]", found)), None)
    return str(getattr(first, "name", "")) or get_full_name_for_node(node) or ""


@dataclass(slots=True)
class Draft:
    """One file that is drafted: its imports and its parts, and what was left out."""

    source: Source
    imports: set[str] = field(default_factory=set)
    matt: set[str] = field(default_factory=set)
    """The names that it imports from ``django_matt``."""
    parts: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Where the draft is written."""
        return draft_path(self.source.path)

    def use(self, text: str) -> str:
        """Import what the names in a piece of the source's code need, and return the piece."""
        try:
            tree = cst.parse_module(text)
        except cst.ParserSyntaxError:
            return text
        names = {cast("cst.Name", each).value for each in m.findall(tree, m.Name())}
        scope = self.source.wrapper.resolve(ScopeProvider)[self.source.tree]
        for name in sorted(names) if scope is not None else ():
            for assignment in scope.assignments[name] if scope is not None else ():
                if isinstance(assignment, ImportAssignment):
                    line = _import_of(cast("cst.Import", assignment.node), name)
                    if name != "permissions" or "rest_framework" not in line:
                        self.imports.add(line)
                elif assignment.name not in self.drafted():
                    self.imports.add(f"from {self.module()} import {name}")
        return text

    def drafted(self) -> set[str]:
        """Return the names that the draft defines."""
        words = [part.split("class ", 1)[1] for part in self.parts if "class " in part]
        return {word.partition("(")[0].partition(":")[0] for word in words}

    def module(self, path: Path | None = None) -> str:
        """Return the module of a file, the draft's source by default, as the draft imports it."""
        other = path or self.source.path
        if other.parent == self.source.path.parent:
            return f".{other.stem}" if (other.parent / "__init__.py").exists() else other.stem
        # Each folder of a package has an __init__.py; the one above the topmost is on Python's path.
        parts = [other.stem]
        folder = other.parent
        while (folder / "__init__.py").exists():
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts)

    def refer(self, each: Class, name: str) -> str:
        """Return a name of the draft of another class, imported if it is drafted in another file."""
        if each.source is not self.source:
            self.imports.add(f"from {self.module(draft_path(each.source.path))} import {name}")
        return name

    def write(self) -> str:
        """Return the text of the draft."""
        head = f'"""A draft from {self.source.path.name} by `matt adopt`. Read each line, and test it, before you use it."""'
        if self.matt:
            self.imports.add(f"from django_matt import {', '.join(sorted(self.matt))}")
        future = sorted(each for each in self.imports if "__future__" in each)
        lines = sorted(self.imports - set(future), key=lambda line: line.split()[1].lstrip("."))
        return (
            "\n\n".join([head, "\n".join(future + lines), *(f"\n{part}" for part in self.parts)])
            + "\n"
        )


def _import_of(node: cst.Import | cst.ImportFrom, name: str) -> str:
    """Return the import of one name of a statement."""
    aliases = [] if isinstance(node.names, cst.ImportStar) else node.names
    for alias in aliases:
        local = cast("cst.Name", alias.asname.name).value if alias.asname else ""
        if (local or alias.evaluated_name.partition(".")[0]) != name:
            continue
        asname = f" as {local}" if local else ""
        if isinstance(node, cst.Import):
            return f"import {alias.evaluated_name}{asname}"
        name_of = get_full_name_for_node(node.module) if node.module else None
        module = "." * len(node.relative) + (name_of or "")
        return f"from {module} import {alias.evaluated_name}{asname}"
    return code(node)
