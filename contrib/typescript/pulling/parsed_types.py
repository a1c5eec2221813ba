"""Reads the types of a TypeScript syntax tree."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django_matt.contrib.typescript.pulling.comments import read_comment
from django_matt.contrib.typescript.pulling.literals import number_of, text_of
from django_matt.contrib.typescript.pulling.syntax import (
    Array,
    Comment,
    Commented,
    Constant,
    Element,
    Indexed,
    Intersection,
    KeyOf,
    Keyword,
    Mapping,
    Members,
    Named,
    Note,
    Place,
    Property,
    Scalar,
    Tuple,
    Type,
    Union,
    Unsupported,
    ValuesOf,
    parts_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["TypeReader"]

#: Deeper types are not read: each level takes frames of Python's stack.
MAX_DEPTH = 60
#: Counting the characters before a column takes time that grows with it; minified files have only long lines.
MAX_COLUMN = 2000
#: Where a comment before a type is about this type alone.
AROUND = {
    "parenthesized_type",
    "tuple_type",
    "type_annotation",
    "opting_type_annotation",
    "type_arguments",
    "rest_type",
}
#: What a type that Python has no equal for is called in a note.
UNSUPPORTED = {
    "conditional_type": "a conditional type",
    "template_literal_type": "a template literal type",
    "function_type": "a function type",
    "constructor_type": "a constructor type",
    "infer_type": "an inferred type",
    "type_query": "typeof",
    "this_type": "this",
    "lookup_type": "an indexed access type",
    "nested_type_identifier": "a type of a namespace",
    "nested_identifier": "a type of a namespace",
    "member_expression": "an imported type",
    "call_expression": "an imported type",
    "flow_maybe_type": "a type of Flow",
    "existential_type": "a type of Flow",
}
#: What a member that is not data is called in a note.
METHODS = {
    "method_signature": "a method",
    "method_definition": "a method",
    "abstract_method_signature": "a method",
    "call_signature": "a call signature",
    "construct_signature": "a constructor",
    "class_static_block": "a static block",
}


class TypeReader:
    """Reads the nodes of one file; what is not carried over becomes one of its ``notes``."""

    def __init__(self, name: str, source: bytes) -> None:
        """Take the name of the file in notes, and its bytes in UTF-8."""
        self.name = name
        self.source = source
        self.notes: list[Note] = []
        self._depth = 0

    def place(self, node: "Node") -> Place:
        """Return where a node begins; columns count characters."""
        row, column = node.start_point
        if column <= MAX_COLUMN:
            prefix = self.source[node.start_byte - column : node.start_byte]
            column = len(prefix.decode("utf-8", "replace"))
        return Place(self.name, row + 1, column + 1)

    def text(self, node: "Node") -> str:
        """Return the text of a node."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    @staticmethod
    def field(node: "Node", name: str) -> "Node":
        """Return a part of a node that the grammar requires."""
        found = node.child_by_field_name(name)
        if found is None:
            raise LookupError(f"{node.type} has no {name}")
        return found

    def property_name(self, node: "Node") -> str:
        """Return the name of a property, without quotes."""
        if node.type == "string":
            return self._string(node)
        if node.type == "number":
            return str(number_of(self.text(node)))
        return self.text(node)

    def value_of(self, node: "Node") -> Scalar | None:
        """Return the value of a literal expression, or None if it has none that is known here."""
        match node.type:
            case "string":
                return self._string(node)
            case "number":
                return self._number(node)
            case "true" | "false":
                return node.type == "true"
            case "unary_expression":
                value = self._number(node.named_children[0])
                sign = self.text(node)[0]
                return (
                    None if value is None or sign not in "+-" else -value if sign == "-" else value
                )
            case "parenthesized_expression" | "as_expression" | "satisfies_expression":
                return self.value_of(node.named_children[0])
            case "template_string" if "${" not in (text := self.text(node)):
                return text_of(text)
        return None

    def _string(self, node: "Node") -> str:
        try:
            return text_of(self.text(node))
        except UnicodeDecodeError:
            self._note(node, "half of a surrogate pair: replaced by �")
            return "�"

    def _number(self, node: "Node") -> int | float | None:
        try:
            return number_of(self.text(node))
        except ValueError:
            return None

    def _note(self, node: "Node", text: str) -> None:
        self.notes.append(Note(self.place(node), text))

    def read(self, node: "Node") -> Type:
        """Return a type as data."""
        if self._depth >= MAX_DEPTH:
            return Unsupported(
                f"a type that is nested more than {MAX_DEPTH} levels deep", self.place(node)
            )
        self._depth += 1
        try:
            of, comment = self._read(node), self._comment_before(node)
        finally:
            self._depth -= 1
        return Commented(of, comment, self.place(node)) if comment.tags else of

    def _comment_before(self, node: "Node") -> Comment:
        before = node.prev_named_sibling
        if before is None or before.type != "comment" or node.parent is None:
            return Comment()
        return read_comment(self.text(before)) if node.parent.type in AROUND else Comment()

    def _read(self, node: "Node") -> Type:
        match node.type:
            case "parenthesized_type" | "readonly_type":
                return self.read(self._children(node)[0])
            case "predefined_type":
                return Keyword(self.text(node))
            case "type_identifier" | "identifier":
                return Named(self.text(node), (), self.place(node))
            case "generic_type":
                return self._generic(node)
            case "literal_type":
                return self._literal(node)
            case "array_type":
                return Array(self.read(self._children(node)[0]))
            case "tuple_type":
                return Tuple(tuple(map(self._element, self._children(node))), self.place(node))
            case "union_type":
                return Union(tuple(map(self.read, self._operands(node))))
            case "intersection_type":
                return Intersection(tuple(map(self.read, self._operands(node))), self.place(node))
            case "object_type":
                return self.read_members(node)
            case "index_type_query":
                return KeyOf(self._key_source(self._children(node)[0]), self.place(node))
            case "lookup_type":
                return self._lookup(node)
            case "nested_type_identifier":
                return self._member(node)
        return self._unsupported(node)

    def _unsupported(self, node: "Node") -> Unsupported:
        what = UNSUPPORTED.get(node.type, f"`{self.text(node)[:40]}`")
        return Unsupported(what, self.place(node))

    @staticmethod
    def _children(node: "Node") -> "list[Node]":
        return [each for each in node.named_children if each.type != "comment"]

    def _operands(self, node: "Node") -> "list[Node]":
        """Return the members of ``A | B | C``, which the grammar nests to the left, without recursion."""
        found, at = [], node
        while at.type == node.type:
            *left, right = self._children(at)
            found.append(right)
            if not left:  # `| A`, as the first line of a list
                break
            at = left[0]
        else:
            found.append(at)
        return found[::-1]

    def _generic(self, node: "Node") -> Type:
        name = self.field(node, "name")
        if name.type != "type_identifier":
            return self._unsupported(name)
        return self.read_base(name, self.field(node, "type_arguments"))

    def read_base(self, name: "Node", arguments: "Node | None") -> Type:
        """Return a reference to a type by its name and the node of its arguments."""
        if name.type not in {"type_identifier", "identifier"}:
            return self._unsupported(name)
        given = () if arguments is None else tuple(map(self.read, self._children(arguments)))
        return Named(self.text(name), given, self.place(name))

    def _literal(self, node: "Node") -> Type:
        inner = self._children(node)[0]
        if inner.type in {"null", "undefined"}:
            return Keyword(inner.type)
        value = self.value_of(inner)
        return self._unsupported(inner) if value is None else Constant(value)

    def _element(self, node: "Node") -> Element:
        match node.type:
            case "optional_type":
                return Element(self.read(self._children(node)[0]), optional=True)
            case "rest_type":
                return Element(self.read(self._children(node)[0]), rest=True)
            case "required_parameter" | "optional_parameter":
                name = node.child_by_field_name("name") or node.child_by_field_name("pattern")
                of = self.read(self._children(self.field(node, "type"))[0])
                rest = name is not None and name.type == "rest_pattern"
                return Element(of, node.type == "optional_parameter", rest)
        return Element(self.read(node))

    def _key_source(self, node: "Node") -> Type:
        """Return what ``keyof`` has the keys of: a type, or with ``typeof`` a constant."""
        inner = (
            self._children(node)[0] if node.type in {"parenthesized_type", "type_query"} else node
        )
        if node.type == "type_query" and inner.type == "identifier":
            return ValuesOf(self.text(inner), self.place(inner))
        return self.read(node)

    def _member(self, node: "Node") -> Type:
        """Return ``Kind.Circle`` as the type of a member of an enum."""
        module = self.field(node, "module")
        if module.type != "identifier":
            return self._unsupported(node)
        key = Constant(self.text(self.field(node, "name")))
        return Indexed(Named(self.text(module), (), self.place(module)), key, self.place(node))

    def _lookup(self, node: "Node") -> Type:
        of, key = self._children(node)
        inner = self._children(of)[0] if of.type == "parenthesized_type" else of
        if inner.type == "type_query":
            named = self._children(inner)[0]
            keys = {f"keyof typeof {self.text(named)}", "number"}
            if named.type == "identifier" and " ".join(self.text(key).split()) in keys:
                return ValuesOf(self.text(named), self.place(node))
            return self._unsupported(node)
        return Indexed(self.read(of), self.read(key), self.place(node))

    def read_members(self, body: "Node") -> Type:
        """Return an object type; its methods become notes."""
        properties: list[Property] = []
        others: Mapping | None = None
        comment = Comment()
        for node in body.named_children:
            if node.type == "comment":
                comment = read_comment(self.text(node))
                continue
            if node.type in {"property_signature", "public_field_definition"}:
                properties += self._property(node, comment)
            elif node.type == "index_signature":
                clause = next(
                    (each for each in node.named_children if each.type == "mapped_type_clause"),
                    None,
                )
                if clause is not None:
                    return self._mapped(node, clause)
                others = Mapping(
                    self.read(self.field(node, "index_type")),
                    self.read(self._children(self.field(node, "type"))[0]),
                )
            else:
                what = METHODS.get(node.type, "a member that is not data")
                self._note(node, f"{what}: not carried over")
            comment = Comment()
        return Members(tuple(properties), others, self.place(body))

    def _mapped(self, node: "Node", clause: "Node") -> Type:
        """Return ``{ [key in Keys]: T }``, which is a record if ``T`` is the same for each key."""
        name = self.text(self.field(clause, "name"))
        keys = self.read(self.field(clause, "type"))
        annotation = self.field(node, "type")
        value = self.read(self._children(annotation)[0])
        uses_key = any(isinstance(part, Named) and part.name == name for part in parts_of(value))
        if uses_key or clause.child_by_field_name("alias") is not None or isinstance(keys, KeyOf):
            return Unsupported("a mapped type", self.place(node))
        if annotation.type == "opting_type_annotation":
            return Members((), Mapping(keys, value), self.place(node))
        return Named("Record", (keys, value), self.place(node))

    def _property(self, node: "Node", comment: Comment) -> Iterator[Property]:
        name, annotation = self.field(node, "name"), node.child_by_field_name("type")
        words = {
            self.text(each)
            for each in node.children
            if each.type in {"accessibility_modifier", "static"}
        }
        hidden = words - {"public"}
        if name.type in {"private_property_identifier", "computed_property_name"} or hidden:
            what = (
                "a computed name"
                if name.type == "computed_property_name"
                else "a member that is not public"
            )
            self._note(node, f"{what}: not carried over")
            return
        if annotation is None:
            self._note(node, f"{self.text(name)} has no type: it accepts any value")
            of: Type = Keyword("any")
        else:
            of = self.read(self._children(annotation)[0])
        if isinstance(of, Commented):
            comment = Comment(comment.text or of.comment.text, comment.tags + of.comment.tags)
            of = of.type
        optional = any(each.type == "?" for each in node.children)
        yield Property(self.property_name(name), of, optional, comment, self.place(name))
