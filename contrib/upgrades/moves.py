"""Moves names: the imports of a name that has another module or another name, and every use of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import libcst as cst
import libcst.matchers as m
from libcst.helpers import get_full_name_for_node
from libcst.metadata import (
    ImportAssignment,
    QualifiedNameProvider,
    QualifiedNameSource,
    ScopeProvider,
)

from django_matt.contrib.upgrades.sources import Edit, Source

__all__ = ["Moves", "imports_of", "move_names"]


@dataclass(frozen=True, slots=True)
class Moves:
    """Where names go: ``{"ninja.NinjaAPI": "django_matt.MattAPI"}``.

    ``along`` has the names of a module that its new module exports too, as the same objects. If an import has only names that
    move and names that may come along, its module is renamed, and no second import is added.
    """

    names: Mapping[str, str]
    along: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def words(self) -> tuple[str, ...]:
        """The last part of each name: a file without any of them has nothing to move."""
        return tuple(sorted({name.rpartition(".")[2] for name in self.names}))


def imports_of(source: Source) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the dotted module of each ``from … import`` of a file, with leading dots, and the names; ``("*",)`` for all."""
    for node in source.all(cst.ImportFrom):
        names = tuple(alias.evaluated_name for alias in _aliases(node)) or ("*",)
        yield "." * len(node.relative) + _module(node), names


def move_names(source: Source, moves: Moves, kept: Iterable[str] = ()) -> None:
    """Move names in a file.

    ``kept`` are names that other files import from this one. They go on as the names of what has moved
    (``from django_matt import MattAPI as NinjaAPI``). A string that names a moved name is noted, and not changed, if it is
    not an annotation.
    """
    if any(word in source.text for word in moves.words):
        source.apply(_Mover(source, moves, frozenset(kept)).edits())


def _module(node: cst.ImportFrom) -> str:
    return (get_full_name_for_node(node.module) or "") if node.module else ""


def _aliases(node: cst.ImportFrom) -> Sequence[cst.ImportAlias]:
    return () if isinstance(node.names, cst.ImportStar) else node.names


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _first(node: Any) -> Any:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node


class _Mover:
    def __init__(self, source: Source, moves: Moves, kept: frozenset[str]) -> None:
        self.source, self.moves = source, moves
        tree = source.tree
        self.scopes = {s for s in source.wrapper.resolve(ScopeProvider).values() if s is not None}
        self.froms = [node for node in source.all(cst.ImportFrom) if not node.relative]
        self.kept = kept | frozenset(self._in_all())
        self.bound = {each.name for scope in self.scopes for each in scope.assignments}
        self.kept |= frozenset(self._in_assignments())
        top = {
            id(s)
            for line in tree.body
            if isinstance(line, cst.SimpleStatementLine)
            for s in line.body
        }
        # What the file imports at its top under its own name.
        self.present = {
            f"{_module(node)}.{alias.evaluated_name}"
            for node in self.froms
            for alias in _aliases(node)
            if id(node) in top and alias.asname is None
        }
        self.renamed: dict[str, str] = {}
        self.imports: dict[int, tuple[cst.CSTNode, list[tuple[str, str]]]] = {}
        """The statements before which imports are added, and the targets with their names here."""

    def edits(self) -> list[Edit]:
        """Return all edits of the file."""
        found = [edit for node in self.froms for edit in self._move_import(node)]
        found += self._move_attributes()
        found += [edit for node in self.froms for edit in self._move_star(node)]
        found += self._move_strings()
        return found

    def _in_all(self) -> Iterator[str]:
        """Yield the names in ``__all__``."""
        name = m.Name("__all__")
        lists = [*self.source.all(cst.Assign), *self.source.all(cst.AugAssign)]
        shape = m.Assign(targets=[m.AssignTarget(target=name)]) | m.AugAssign(target=name)
        for node in [each for each in lists if m.matches(each, shape)]:
            for text in cast("Sequence[cst.SimpleString]", m.findall(node, m.SimpleString())):
                yield str(text.evaluated_value)

    def _in_assignments(self) -> Iterator[str]:
        """Yield the imported names that have another value too, as ``NinjaAPI = None`` after ``except ImportError``."""
        for scope in self.scopes:
            for name in {each.name for each in scope.assignments}:
                imports = {isinstance(each, ImportAssignment) for each in scope.assignments[name]}
                if len(imports) == 2:
                    yield name

    def _local(self, old: str, target: str) -> str:
        """Return the name that a moved name has in this file from now on."""
        new = _last(target)
        is_taken = new in self.bound and target not in self.present and old != new
        return old if old in self.kept or is_taken else new

    # -- from ninja import NinjaAPI --------------------------------------------------------------------------------------

    def _move_import(self, node: cst.ImportFrom) -> Iterator[Edit]:
        module = _module(node)
        targets = {
            id(alias): target
            for alias in _aliases(node)
            if (target := self.moves.names.get(f"{module}.{alias.evaluated_name}"))
        }
        if not targets:
            return
        written: dict[int, tuple[str, str]] = {}
        for alias in _aliases(node):
            if id(alias) not in targets:
                continue
            old, target = alias.evaluated_name, targets[id(alias)]
            if alias.asname is not None:
                local = cast("cst.Name", alias.asname.name).value
            else:
                local = self._local(old, target)
                if local != old:
                    self.renamed[old] = local
                    yield from self._rename(node, old, local)
            written[id(alias)] = (target, local)
        rest = [alias for alias in _aliases(node) if id(alias) not in targets]
        modules = {target.rpartition(".")[0] for target in targets.values()}
        along = self.moves.along.get(module, frozenset())
        if len(modules) == 1 and all(alias.evaluated_name in along for alias in rest):
            yield Edit(*self.source.span(cast("cst.CSTNode", node.module)), modules.pop())
            for alias in _aliases(node):
                if id(alias) in written:
                    yield Edit(*self.source.span(alias), _alias(*written[id(alias)]))
            return
        imports = list(written.values())
        if not rest:
            yield Edit(*self.source.span(node), self._separator(node).join(_lines(imports)))
            return
        removed, comments = self._remove(node, [a for a in _aliases(node) if id(a) in written])
        yield from removed
        yield self._before(node, imports, comments)

    def _rename(self, node: cst.CSTNode, old: str, new: str) -> Iterator[Edit]:
        for scope in self.scopes:
            for assignment in scope.assignments[old]:
                if isinstance(assignment, ImportAssignment) and assignment.node is node:
                    yield from self._rename_accesses(assignment.references, old, new)

    def _rename_accesses(self, accesses: Iterable[Any], old: str, new: str) -> Iterator[Edit]:
        for access in accesses:
            name = _first(access.node)
            # The names of an annotation that is a string are not in the file.
            if isinstance(name, cst.Name) and name.value == old and self._is_here(name):
                yield Edit(*self.source.span(name), new)

    def _is_here(self, name: cst.Name) -> bool:
        try:
            return self.source.code(name) == name.value
        except KeyError:
            return False

    def _remove(
        self, node: cst.ImportFrom, removed: list[cst.ImportAlias]
    ) -> tuple[list[Edit], list[str]]:
        """Return the edits that take names out of an import, and the comments behind them."""
        source, aliases = self.source, list(_aliases(node))
        edits: list[Edit] = []
        comments: list[str] = []
        for alias in removed:
            start, end = source.span(alias)
            line = source.text.rfind("\n", 0, start) + 1
            after = re.compile(r"\s*?,?[ \t]*(#[^\r\n]*)?(\r\n|\n|\r)").match(source.text, end)
            if node.lpar is None or source.text[line:start].strip() or not after:
                break
            edits.append(Edit(line, after.end(), ""))
            comments += [after[1]] if after[1] else []
        else:
            return edits, comments
        start, end = source.span(aliases[0])[0], source.span(aliases[-1])[1]
        if "#" in source.text[start:end]:
            source.note(
                node, "The comments between these names were moved to the end of the import."
            )
            comments = re.findall(r"#[^\r\n]*", source.text[start:end])
        names = ", ".join(source.code(alias) for alias in aliases if alias not in removed)
        return [Edit(start, end, names)], comments

    # -- import ninja_extra as ne ----------------------------------------------------------------------------------------

    def _move_attributes(self) -> Iterator[Edit]:
        replaced: dict[int, str] = {}
        # By id, since a name may have two imports, in the branches of a condition.
        uses: dict[int, tuple[cst.Attribute, str]] = {}
        ends = set(self.moves.words)
        nodes = [node for node in self.source.all(cst.Attribute) if node.attr.value in ends]
        qualified: Any = self.source.wrapper.resolve(QualifiedNameProvider) if nodes else {}
        for node in nodes:
            names: Any = qualified.get(node, set())
            found: Any = names() if callable(names) else names
            for name in found:
                if name.source is QualifiedNameSource.IMPORT and name.name in self.moves.names:
                    uses[id(node)] = (node, self.moves.names[name.name])
        additions: dict[int, tuple[Any, list[tuple[str, str]]]] = {}
        for node, target in uses.values():
            first = _first(node)
            assignments = [
                each
                for scope in self.scopes
                # `import ninja.main` is an assignment of that dotted name.
                for each in scope.assignments
                if isinstance(each, ImportAssignment)
                and any(_first(access.node) is first for access in each.references)
            ]
            if not assignments:
                self.source.note(node, f"This is {target} now; its import was not found.")
                continue
            is_taken = _last(target) in self.bound and target not in self.present
            local = f"Moved{_last(target)}" if is_taken else _last(target)
            replaced[id(first)] = local
            yield Edit(*self.source.span(node), local)
            for assignment in assignments:
                _, wanted = additions.setdefault(id(assignment.node), (assignment, []))
                if (target, local) not in wanted:
                    wanted.append((target, local))
        for assignment, wanted in additions.values():
            node = assignment.node
            missing = [(t, n) for t, n in wanted if t not in self.present or n != _last(t)]
            is_unused = all(id(_first(a.node)) in replaced for a in assignment.references)
            if is_unused and len(node.names) == 1 and assignment.name not in self.kept and missing:
                yield Edit(*self.source.span(node), self._separator(node).join(_lines(missing)))
            elif missing:
                yield self._before(node, missing)

    # -- from ninja_extra import * ---------------------------------------------------------------------------------------

    def _move_star(self, node: cst.ImportFrom) -> Iterator[Edit]:
        if not isinstance(node.names, cst.ImportStar):
            return
        for full, target in self.moves.names.items():
            module, _, old = full.rpartition(".")
            if module != _module(node) or old in self.bound:
                continue
            accesses = {a for s in self.scopes for a in s.accesses[old] if not a.referents}
            if not accesses and old not in self.kept:
                continue
            local = self._local(old, target)
            if local == old:
                # The star would bind the name again if it came second.
                line = _lines([(target, local)])[0]
                yield Edit(
                    self.source.span(node)[1],
                    self.source.span(node)[1],
                    self._separator(node) + line,
                )
                continue
            self.renamed[old] = local
            yield from self._rename_accesses(accesses, old, local)
            if target not in self.present:
                yield self._before(node, [(target, local)])

    # -- text ------------------------------------------------------------------------------------------------------------

    def _move_strings(self) -> Iterator[Edit]:
        source = self.source
        annotations = {
            id(text)
            for node in source.all(cst.Annotation)
            for text in m.findall(node, m.SimpleString())
        }
        docstrings = {id(node.value) for node in source.all(cst.Expr)}
        for text in source.all(cst.SimpleString):
            if id(text) in annotations:
                value = text.value
                for old, new in self.renamed.items():
                    value = re.sub(rf"(?<![\w.]){old}\b", new, value)
                if value != text.value:
                    yield Edit(*source.span(text), value)
                continue
            for name, target in self.moves.names.items():
                if (
                    re.search(rf"(?<![\w.]){re.escape(name)}\b", text.value)
                    and id(text) not in docstrings
                ):
                    source.note(
                        text, f"A string names {name}, which is {target} now. It was not changed."
                    )

    def _before(
        self, node: cst.CSTNode, imports: list[tuple[str, str]], comments: Sequence[str] = ()
    ) -> Edit:
        start, _ = self.source.span(node)
        between = self._separator(node)
        text = between.join(_lines(imports))
        if comments and between != "; ":
            text += "  " + "  ".join(comments)
        return Edit(start, start, text + between)

    def _separator(self, node: cst.CSTNode) -> str:
        """Return what separates a new statement from this one: a line with the same indent, or ``; ``."""
        indent = self.source.before_on_line(node)
        return "; " if indent.strip() else self.source.newline + indent


def _alias(target: str, local: str) -> str:
    return local if local == _last(target) else f"{_last(target)} as {local}"


def _lines(imports: list[tuple[str, str]]) -> list[str]:
    """Return one import for each module."""
    modules: dict[str, list[str]] = {}
    for target, local in imports:
        names = modules.setdefault(target.rpartition(".")[0], [])
        if _alias(target, local) not in names:
            names.append(_alias(target, local))
    return [f"from {module} import {', '.join(names)}" for module, names in modules.items()]
