"""Definitions → the source of Ninja schemas: one text for each class, alias, enum and type variable."""

import re
from collections.abc import Iterable

from django_matt import Schema
from django_matt.contrib.typescript.pulling.annotations import (
    AnnotationWriter,
    field_arguments,
    member_names,
)
from django_matt.contrib.typescript.pulling.constraints import MISSING, refine
from django_matt.contrib.typescript.pulling.definitions import (
    AliasDefinition,
    Definition,
    Definitions,
    EnumDefinition,
    ObjectDefinition,
    without_null,
)
from django_matt.contrib.typescript.pulling.identifiers import class_names, field_names
from django_matt.contrib.typescript.pulling.ordering import order
from django_matt.contrib.typescript.pulling.syntax import (
    Comment,
    Keyword,
    Note,
    Place,
    Property,
    Type,
    Union,
)
from django_matt.contrib.typescript.pulling.writing import (
    called,
    comment,
    docstring,
    literal,
    quote,
)

__all__ = ["write_schemas"]

#: Attributes of every schema, which no field may hide; and prefixes that pydantic keeps for itself.
RESERVED = {name for name in dir(Schema) if not name.startswith("__")}
KEPT = ("model_validate", "model_dump", "resolve_")


class _Reserved:
    """The names that no field may have."""

    def __init__(self, classes: Iterable[str]) -> None:
        self.classes = set(classes)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in RESERVED or name in self.classes or name.startswith(KEPT)
        )


def write_schemas(definitions: Definitions) -> tuple[dict[str, str], dict[str, str], list[Note]]:
    """Return the source of each top-level name in the order of a module, the TypeScript name of each, and notes."""
    writer = _SchemaWriter(definitions)
    texts: dict[str, str] = {}
    for name in writer.order:
        texts |= writer.write(definitions.found[name])
    origins = {python: name for name, python in writer.names.items() if name in definitions.found}
    return texts, origins, writer.notes


class _SchemaWriter:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.names = class_names(definitions.found)
        self.notes: list[Note] = []
        self.variables: dict[str, str] = {}
        self.annotations = AnnotationWriter(definitions, self.names)
        self.annotations.note = self._note
        self.annotations.field_name = lambda name, field: self.fields(name)[field]
        self.order, self.recursive = order(definitions)
        self._reserved = _Reserved(self.names.values())
        self._fields: dict[str, dict[str, str]] = {}
        self._later = set(self.names.values())

    def fields(self, name: str) -> dict[str, str]:
        """Return the Python names of an object's fields, by their names in TypeScript."""
        if name not in self._fields:
            self._fields[name] = field_names(self.definitions.fields_of(name) or (), self._reserved)
        return self._fields[name]

    def write(self, definition: Definition) -> dict[str, str]:
        """Return the texts of a definition: a class, and the type variables that it is the first to need."""
        self.annotations.parameters = {}
        match definition:
            case ObjectDefinition():
                found = self._variables(definition) | {
                    self.names[definition.name]: self._object(definition)
                }
            case EnumDefinition():
                found = {self.names[definition.name]: self._enum(definition)}
            case AliasDefinition():
                found = {self.names[definition.name]: self._alias(definition)}
        self._later.discard(self.names[definition.name])
        return found

    # ---- parts of annotations

    def _annotation(self, of: Type) -> str:
        """Return an annotation, in quotes if it names a class that comes later."""
        text = self.annotations.write(of)
        return quote(text) if self._is_later(text) else text

    def _variables(self, definition: ObjectDefinition) -> dict[str, str]:
        """Return a type variable for each parameter that no class before has with the same bound."""
        found = {}
        for each in definition.parameters:
            bound = self.annotations.write(each.bound) if each.bound is not None else ""
            name = each.name if each.name.isidentifier() else "T"
            arguments = [quote(name), f"bound={quote(bound)}"] if bound else [quote(name)]
            if bound and not self._is_later(bound):
                arguments = [quote(name), f"bound={bound}"]
            text = called(f"{name} = ", "TypeVar", arguments)
            if self.variables.get(name, text) != text or name in self.names.values():
                name = f"{self.names[definition.name]}{name}"
                text = called(f"{name} = ", "TypeVar", [quote(name), *arguments[1:]])
            if name not in self.variables:
                self.variables[name] = text
                found[name] = text + "\n"
            self.annotations.parameters = {**self.annotations.parameters, each.name: name}
        return found

    def _is_later(self, text: str) -> bool:
        return not self._later.isdisjoint(re.findall(r"\w+", _without_texts(text)))

    # ---- definitions

    def _object(self, definition: ObjectDefinition) -> str:
        name = self.names[definition.name]
        bases = [self.annotations.write(definition.base)] if definition.base else ["Schema"]
        if definition.others is not None:
            # Ninja's Schema reads attributes of what it gets, and so loses the keys that it has no field for.
            if definition.base is None:
                bases = ["BaseModel"]
            else:
                self._note(
                    definition.place, f"{name} inherits: its further keys are accepted, and lost"
                )
        if definition.parameters:
            variables = ", ".join(
                self.annotations.parameters[each.name] for each in definition.parameters
            )
            bases.append(f"Generic[{variables}]")
        fields = [self._field(definition.name, each) for each in definition.fields]
        config = self._config(definition)
        if definition.others is not None:
            extra = self._annotation(definition.others)
            fields.append(f"    __pydantic_extra__: dict[str, {extra}] = Field(init=False)\n")
        doc = docstring(_described(definition.comment))
        body = [part for part in (doc, config, "".join(fields)) if part]
        return f"class {name}({', '.join(bases)}):\n" + ("\n".join(body) or "    pass\n")

    def _config(self, definition: ObjectDefinition) -> str:
        names = self.fields(definition.name)
        inherited = self.definitions.fields_of(definition.base.name) if definition.base else None
        arguments = []
        if any(names[each.name] != each.name for each in definition.fields) and not any(
            names[name] != name for name in inherited or ()
        ):
            arguments += ["populate_by_name=True", "serialize_by_alias=True"]
        if definition.others is not None:
            arguments.append('extra="allow"')
        if definition.comment.tag("deprecated") is not None:
            arguments.append('json_schema_extra={"deprecated": True}')
        return called("model_config = ", "ConfigDict", arguments, 4) + "\n" if arguments else ""

    def _field(self, owner: str, each: Property) -> str:
        name = self.fields(owner)[each.name]
        refined = refine(
            each.type, each.comment, self.definitions, lambda text: self._note(each.place, text)
        )
        of = refined.type
        default = None
        if refined.default is not MISSING:
            default = self.annotations.default(of, refined.default)
        elif each.optional:
            default = "None"
            if not without_null(of)[1] and of != Keyword("any"):
                of = Union((*(of.members if isinstance(of, Union) else (of,)), Keyword("null")))
        alias = each.name if name != each.name else None
        arguments = field_arguments(refined, default, alias)
        start = f"{name}: {self._annotation(of)}"
        if arguments and arguments != [f"default={default}"]:
            return called(f"{start} = ", "Field", arguments, 4) + "\n"
        if default is None:
            return f"    {start}\n"
        # A list as a plain default looks as if instances shared it.
        plain = f"Field(default={default})" if default.startswith(("[", "{", "set(")) else default
        return f"    {start} = {plain}\n"

    def _note(self, place: Place, text: str) -> None:
        note = Note(place, text)
        if note not in self.notes:
            self.notes.append(note)

    def _alias(self, definition: AliasDefinition) -> str:
        name = self.names[definition.name]
        refined = refine(
            definition.type,
            definition.comment,
            self.definitions,
            lambda text: self._note(definition.place, text),
        )
        if refined.default is not MISSING:
            self._note(definition.place, "@default of an alias: write it at the property")
        head = comment(refined.description)
        refined.description = ""
        text = self.annotations.write(refined.type)
        arguments = field_arguments(refined, None, None)
        if arguments:
            text = f"Annotated[{text}, Field({', '.join(arguments)})]"
        if definition.name in self.recursive:
            return head + called(f"{name} = ", "TypeAliasType", [quote(name), quote(text)]) + "\n"
        return f"{head}{name} = {text}\n"

    def _enum(self, definition: EnumDefinition) -> str:
        values = [value for _, value in definition.members]
        base = "Enum"
        if all(isinstance(each, str) for each in values):
            base = "StrEnum"
        elif all(type(each) is int for each in values):
            base = "IntEnum"
        names = member_names(definition)
        lines = "".join(
            f"    {names[name]} = {literal(value)}\n" for name, value in definition.members
        )
        doc = docstring(_described(definition.comment))
        return f"class {self.names[definition.name]}({base}):\n{doc}{chr(10) if doc else ''}{lines}"


def _without_texts(annotation: str) -> str:
    """Return an annotation without its literals, in which any word may be."""
    return re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", '""', annotation)


def _described(of: Comment) -> str:
    """Return the text of a docstring: the comment with its tags."""
    tags = [
        f"@{name} {text}".rstrip()
        for name, text in of.tags
        if name not in {"deprecated", "description"}
    ]
    why = of.tag("deprecated")
    parts = [
        of.text,
        of.tag("description") or "",
        "\n".join(tags),
        f"Deprecated: {why}" if why else "",
    ]
    return "\n\n".join(part for part in parts if part)
