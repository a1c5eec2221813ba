"""Reads a TypeScript file with tree-sitter: declarations as plain data, and what else is in the file as notes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django_matt.contrib.typescript.pulling.comments import read_comment
from django_matt.contrib.typescript.pulling.literals import text_of
from django_matt.contrib.typescript.pulling.parsed_types import TypeReader
from django_matt.contrib.typescript.pulling.syntax import (
    Comment,
    Constant,
    Declaration,
    Enumeration,
    Import,
    Intersection,
    Module,
    Note,
    Parameter,
    Scalar,
    SourceError,
    Union,
)
from django_matt.errors.exceptions import MissingExtra

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["parse"]

#: What a statement at the top of a file is called in a note.
STATEMENTS = {
    "function_declaration": "a function",
    "function_signature": "a function",
    "generator_function_declaration": "a function",
    "lexical_declaration": "a variable that is not a constant object or array",
    "variable_declaration": "a variable",
    "internal_module": "a namespace",
    "module": "a module",
    "import_alias": "an import alias",
    "expression_statement": "a statement",
}
WRAPPERS = {"export_statement", "ambient_declaration"}


def parse(source: bytes, path: Path, name: str) -> Module:
    """Return what a file declares; ``name`` is what notes call it.

    Raises:
        MissingExtra: tree-sitter is not installed.
        SourceError: a syntax error, with its line and column.
    """
    try:
        import tree_sitter
        import tree_sitter_typescript
    except ImportError as error:
        raise MissingExtra(error.name or "tree-sitter", "typescript") from None
    language = (
        tree_sitter_typescript.language_tsx()
        if path.suffix == ".tsx"
        else tree_sitter_typescript.language_typescript()
    )
    tree = tree_sitter.Parser(tree_sitter.Language(language)).parse(source)
    if tree.root_node.has_error:
        raise _fault_of(tree.root_node, TypeReader(name, source))
    return _Reader(path, TypeReader(name, source)).read(tree.root_node)


def _fault_of(root: "Node", reader: TypeReader) -> SourceError:
    """Return the first fault of a tree. Iterative, since the tree may be as deep as the file is long."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_missing:
            return SourceError(reader.place(node), f"syntax error: {node.type!r} is missing")
        if node.type == "ERROR":
            inner = next((each for each in node.children if each.has_error), None)
            if inner is not None and inner.start_byte > node.start_byte:
                pending.append(inner)
                continue
            text = reader.text(node).split("\n", 1)[0].strip()
            shown = f" near {text[:40]!r}" if text else ""
            return SourceError(reader.place(node), f"syntax error{shown}")
        pending += [each for each in reversed(node.children) if each.has_error or each.is_missing]
    return SourceError(reader.place(root), "syntax error")


class _Reader:
    """Reads the statements of one file."""

    def __init__(self, path: Path, types: TypeReader) -> None:
        self.module = Module(path)
        self.types = types
        types.notes = self.module.notes

    def read(self, root: "Node") -> Module:
        comment = Comment()
        for node in root.named_children:
            if node.type == "comment":
                comment = read_comment(self.types.text(node))
                continue
            self._read_statement(node, comment)
            comment = Comment()
        return self.module

    def _note(self, node: "Node", text: str) -> None:
        self.module.notes.append(Note(self.types.place(node), text))

    def _read_statement(self, node: "Node", comment: Comment) -> None:
        """Read a statement; inside of ``export`` and ``declare`` too."""
        at = node
        while node.type in WRAPPERS:
            inner = node.child_by_field_name("declaration") or next(
                (each for each in node.named_children if each.type != "decorator"), None
            )
            if node.type == "export_statement" and node.child_by_field_name("source") is not None:
                self._read_import(node)
                return
            if inner is None or inner.type in {"export_clause", "identifier"}:
                return  # `export { A }`: whether a type is exported makes no difference here
            node = inner
        if node.type == "expression_statement" and node.named_children[0].type == "internal_module":
            node = node.named_children[0]
        match node.type:
            case "interface_declaration":
                self._read_interface(node, comment)
            case "type_alias_declaration":
                self._declare(node, comment, self.types.read(self.types.field(node, "value")))
            case "enum_declaration":
                self._read_enum(node, comment)
            case "class_declaration" | "abstract_class_declaration":
                self._read_class(node, comment)
            case "lexical_declaration":
                self._read_constants(node, comment)
            case "import_statement":
                self._read_import(node)
            case "empty_statement":
                pass
            case kind:
                called = STATEMENTS.get(kind, "a statement")
                self._note(at, f"{called} is not a type: not carried over")

    def _declare(self, node: "Node", comment: Comment, of: object, **more: bool) -> None:
        name = self.types.field(node, "name")
        self.module.declarations.append(
            Declaration(
                self.types.text(name),
                of,  # type: ignore[arg-type]
                tuple(self._parameters(node)),
                comment,
                self.types.place(name),
                **more,
            )
        )

    def _parameters(self, node: "Node") -> Iterator[Parameter]:
        listed = node.child_by_field_name("type_parameters")
        for each in listed.named_children if listed is not None else ():
            if each.type != "type_parameter":
                continue
            bound, default = (
                each.child_by_field_name("constraint"),
                each.child_by_field_name("value"),
            )
            yield Parameter(
                self.types.text(self.types.field(each, "name")),
                None if bound is None else self.types.read(bound.named_children[0]),
                None if default is None else self.types.read(default.named_children[0]),
            )

    def _read_interface(self, node: "Node", comment: Comment) -> None:
        bases = [
            self.types.read(base)
            for each in node.named_children
            if each.type == "extends_type_clause"
            for base in each.named_children
        ]
        members = self.types.read_members(self.types.field(node, "body"))
        of = Intersection((*bases, members), self.types.place(node)) if bases else members
        self._declare(node, comment, of, is_interface=True)

    def _read_class(self, node: "Node", comment: Comment) -> None:
        bases = []
        heritage = next(
            (each for each in node.named_children if each.type == "class_heritage"), None
        )
        for clause in heritage.named_children if heritage is not None else ():
            if clause.type == "extends_clause":
                value = self.types.field(clause, "value")
                arguments = clause.child_by_field_name("type_arguments")
                bases.append(self.types.read_base(value, arguments))
        members = self.types.read_members(self.types.field(node, "body"))
        of = Intersection((*bases, members), self.types.place(node)) if bases else members
        self._declare(node, comment, of)

    def _read_enum(self, node: "Node", comment: Comment) -> None:
        members: list[tuple[str, Scalar]] = []
        following: int | float | None = 0
        for each in self.types.field(node, "body").named_children:
            if each.type == "comment":
                continue
            name, value = each, None
            if each.type == "enum_assignment":
                name = self.types.field(each, "name")
                value = self.types.value_of(self.types.field(each, "value"))
                if value is None:
                    self._note(each, "an enum member that is computed: not carried over")
                    continue
            elif following is None:
                self._note(each, "an enum member without a value after a text: not carried over")
                continue
            given = following if value is None else value
            assert given is not None  # noqa: S101 - for type checkers: both cases have continued
            following = None if isinstance(given, str) else given + 1
            members.append((self.types.property_name(name), given))
        self._declare(node, comment, Enumeration(tuple(members)))

    def _read_constants(self, node: "Node", comment: Comment) -> None:
        """Read ``const X = { … } as const`` and ``const X = [ … ] as const``."""
        for each in node.named_children:
            if each.type != "variable_declarator":
                continue
            value = each.child_by_field_name("value")
            while value is not None and value.type == "satisfies_expression":
                value = value.named_children[0]
            frozen = (
                value is not None
                and value.type == "as_expression"
                and any(child.type == "const" for child in value.children)
            )
            of = self._constant(value.named_children[0]) if frozen and value is not None else None
            if of is None:
                self._note(
                    each, f"{STATEMENTS['lexical_declaration']} is not a type: not carried over"
                )
            else:
                self._declare(each, comment, of, is_value=True)

    def _constant(self, node: "Node") -> Enumeration | Union | None:
        """Return what a constant object or array has; None if a value in it is computed."""
        if node.type == "array":
            values = [
                self.types.value_of(each) for each in node.named_children if each.type != "comment"
            ]
            if None in values:
                return None
            return Union(tuple(Constant(value) for value in values if value is not None))
        if node.type != "object":
            return None
        members = []
        for pair in node.named_children:
            if pair.type == "comment":
                continue
            value = (
                self.types.value_of(self.types.field(pair, "value"))
                if pair.type == "pair"
                else None
            )
            if value is None:
                return None
            members.append((self.types.property_name(self.types.field(pair, "key")), value))
        return Enumeration(tuple(members))

    def _read_import(self, node: "Node") -> None:
        source = node.child_by_field_name("source")
        if source is None:
            self._note(
                node, "this import is not followed: name the types, as in `import { A } from`"
            )
            return
        names: list[tuple[str, str]] = []
        everything = node.type == "export_statement"
        pending = list(node.named_children)
        while pending:
            each = pending.pop()
            if each.type in {"import_specifier", "export_specifier"}:
                everything = False
                name = self.types.field(each, "name")
                alias = each.child_by_field_name("alias") or name
                names.append((self.types.text(name), self.types.text(alias)))
            elif each.type == "namespace_import":
                self._note(each, "a namespace import is not followed: import its types by name")
                return
            elif each.type in {"import_clause", "named_imports", "export_clause"}:
                everything = everything and each.type != "export_clause"
                pending += each.named_children
            elif each.type == "identifier":
                self._note(each, "a default import is not followed: import the type by name")
        path = text_of(self.types.text(source))
        if everything or names:
            self.module.imports.append(
                Import(
                    path,
                    None if everything else tuple(names),
                    self.types.place(node),
                    is_export=node.type == "export_statement",
                )
            )
