"""Says in TypeScript how each field of a form is kept while it is edited, filled from an object, and sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.names import camel, pascal
from django_matt.contrib.typescript.places import resolve
from django_matt.contrib.typescript.types import literal, object_key
from django_matt.forms import FieldDescription, FormDescription
from django_matt.generation.orders import GenerationError

__all__ = ["FormField", "Shape", "access", "make_shape", "property_access"]


@dataclass(frozen=True)
class FormField:
    """One field of a form, or of an object inside of it."""

    description: FieldDescription
    shape: "Shape | None" = None
    """The fields of a nested object, or of each row."""
    source: str = ""
    """The property of the object that has its value, if that has another name: ``author`` of ``author_id``."""

    @property
    def name(self) -> str:
        """Its name in the JSON."""
        return self.description.name

    @property
    def widget(self) -> str:
        """What shows it: the name of a part of the template ``field``."""
        each = self.description
        if each.kind == "json" or (each.kind == "object" and self.shape is None):
            return "json"
        if each.kind in ("object", "file") or each.widget == "hidden":
            return each.widget
        if each.relation is not None and each.relation.url:
            return "relation"
        if each.options:
            return "choices" if each.many else "select"
        if each.many:
            return "lines"
        return each.widget if each.widget in ("checkbox", "textarea") else "input"

    @property
    def type(self) -> str:
        """The type of its value while it is edited: a text, as in HTML, wherever a text is entered."""
        if self.shape is not None:
            return f"{self.shape.type}[]" if self.description.many else self.shape.type
        several = self.widget == "choices" or (self.widget == "relation" and self.description.many)
        return {"checkbox": "boolean", "file": "FileList | undefined"}.get(
            self.widget, "string[]" if several else "string"
        )

    @property
    def filled(self) -> str:
        """The expression that reads it ``from`` an object."""
        each, value = self.description, property_access("from", self.name)
        if self.source:
            value = f"{value} ?? {property_access('from', self.source)}"
        if self.shape is not None:
            if each.many:
                return f"listFrom({value}).map((each) => {self.shape.function}Values(objectFrom(each) ?? {{}}))"
            blank = "" if each.required else " ?? {}"
            return f"{self.shape.function}Values(objectFrom({value}){blank})"
        key = literal(each.relation.value) if each.relation else ""
        read = f"keyFrom(each, {key})" if key else "textFrom(each)"
        if self.type == "string[]":
            return f"listFrom({value}).map((each) => {read})"
        found = {
            "checkbox": f"{value} === true",
            "file": "undefined",
            "json": f"jsonFrom({value})",
            "lines": f'listFrom({value}).map(textFrom).join("\\n")',
            "relation": f"keyFrom({value}, {key})",
        }
        return found.get(
            self.widget,
            f"{'localFrom' if each.kind == 'datetime' else 'textFrom'}({value})",
        )

    @property
    def sent(self) -> str:
        """The expression that makes its part of a body of ``values``."""
        each, value = self.description, property_access("values", self.name)
        empty = " ?? null" if each.nullable else ""
        if self.shape is not None:
            if each.many:
                return f"{value}.map({self.shape.function}Body)"
            body = f"{self.shape.function}Body({value})"
            nothing = "null" if each.nullable else "undefined"
            return body if each.required else f"isBlank({value}) ? {nothing} : {body}"
        if self.widget == "checkbox":
            return value
        if self.widget == "file":
            return f"filesOf({value})" if each.many else f"fileOf({value})"
        if self.widget == "json":
            return f"jsonOf({value}){empty}"
        options = [option for option, _ in each.options]
        if options and not all(isinstance(option, str) for option in options):
            convert = f"optionOf({{}}, {literal(options)})"
        elif each.kind in ("integer", "number"):
            convert = "numberOf({})"
        elif each.kind == "datetime" and not each.extra.get("naive"):
            convert = "instantOf({})"
        elif each.many or (
            each.kind == "text"
            and not each.nullable
            and (each.required or isinstance(each.default, str))
        ):
            # If such a text is emptied, the empty text is sent.
            convert = "{}"
        else:
            convert = "textOf({})"
        if each.many:
            values = f"linesOf({value})" if self.widget == "lines" else value
            one = convert.format("each")
            return values if one == "each" else f"{values}.map((each) => {one})"
        return convert.format(value) + empty


@dataclass(frozen=True)
class Shape:
    """The values of a form, or of an object inside of it, and the two functions that convert them."""

    function: str
    """What its functions begin with: ``parcelLines``."""
    fields: list[FormField] = field(default_factory=list)

    @property
    def type(self) -> str:
        """The name of its type."""
        return f"{self.function[:1].upper()}{self.function[1:]}Values"

    @property
    def defaults(self) -> str:
        """What a new object has."""
        found = [
            f"{object_key(each.name)}: {_value(each.description.default)}"
            for each in self.fields
            if each.description.has_default and each.description.default is not None
        ]
        return f"{{ {', '.join(found)} }}" if found else "{}"

    @property
    def lines(self) -> list[dict[str, str]]:
        """Each field as the templates write it."""
        return [
            {
                "key": object_key(each.name),
                "type": each.type,
                "filled": each.filled,
                "sent": each.sent,
            }
            for each in self.fields
        ]

    def walk(self) -> "Iterator[Shape]":
        """Yield the shapes inside, and this one after them."""
        for each in self.fields:
            if each.shape is not None:
                yield from each.shape.walk()
        yield self


def make_shape(
    form: FormDescription,
    function: str,
    *,
    document: Document,
    body: Mapping[str, Any],
    item: Mapping[str, Any],
    in_rows: bool = False,
) -> Shape:
    """Return the shape of a form. ``body`` is the schema of a body with files; ``item`` is that of the object that is edited."""
    files = resolve(document.openapi, body).get("properties", {})
    known = resolve(document.openapi, item).get("properties", {})
    found: list[FormField] = []
    for each in form.fields:
        if set(each.name) & set(".[]"):
            raise GenerationError(
                f"The field {each.name!r} of {form.name} has a name that paths of react-hook-form cannot contain. "
                "Give it another alias; nothing was written."
            )
        described, shape = _with_file(each, files.get(each.name)), None
        if described.form is not None and not (described.many and in_rows):
            shape = make_shape(
                described.form,
                camel(f"{function}_{pascal(each.name)}"),
                document=document,
                body={},
                item=_inner(document, known.get(each.name, {})),
                in_rows=in_rows or described.many,
            )
        source = each.name.removesuffix("_id")
        is_nested = each.relation is not None and each.name not in known and source in known
        found.append(FormField(described, shape, source if is_nested else ""))
    return Shape(function, found)


def property_access(owner: str, name: str) -> str:
    """Return the expression of a property: ``values.name``, or ``values["first-name"]``."""
    return f"{owner}{access(name)}"


def access(name: str) -> str:
    """Return how a property follows its owner."""
    return (
        f".{name}" if object_key(name) == name and not name[:1].isdigit() else f"[{literal(name)}]"
    )


def _with_file(each: FieldDescription, schema: Any) -> FieldDescription:
    """Return a field as a form has it: a file of a body that may be JSON too is null there."""
    if not isinstance(schema, dict):
        return each
    many = schema.get("type") == "array"
    part = schema.get("items", {}) if many else schema
    if part.get("format") != "binary":
        return each
    return replace(each, kind="file", widget="file", many=many, schema={}, options=())


def _inner(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = resolve(document.openapi, schema)
    return schema.get("items", schema) if isinstance(schema, dict) else {}


def _value(default: Any) -> str:
    """Return a default as an expression."""
    if isinstance(default, dict):
        inner = ", ".join(f"{object_key(name)}: {_value(each)}" for name, each in default.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(default, list):
        return f"[{', '.join(map(_value, default))}]"
    return literal(default)
