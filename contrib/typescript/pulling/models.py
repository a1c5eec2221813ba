"""Definitions → drafts of Django models: a class for each declared object, with relations where objects refer to others."""

import keyword
import re
from collections import Counter
from collections.abc import Collection

from django.db import models

from django_matt.contrib.typescript.pulling.annotations import AnnotationWriter, member_names
from django_matt.contrib.typescript.pulling.columns import TEXTS, Column, column_of
from django_matt.contrib.typescript.pulling.constraints import MISSING, Refined, refine
from django_matt.contrib.typescript.pulling.definitions import (
    Definitions,
    EnumDefinition,
    ObjectDefinition,
    without_null,
)
from django_matt.contrib.typescript.pulling.identifiers import class_names, snake
from django_matt.contrib.typescript.pulling.syntax import Array, Named, Note, Place, Property, Type
from django_matt.contrib.typescript.pulling.writing import called, docstring, literal, quote

__all__ = ["write_models"]

RESERVED = {name for name in dir(models.Model) if not name.startswith("_")} | {"objects", "pk"}


def write_models(definitions: Definitions) -> tuple[dict[str, str], dict[str, str], list[Note]]:
    """Return the source of each class in the order of a module, the TypeScript name of each, and notes."""
    writer = _ModelWriter(definitions)
    texts = {}
    for definition in definitions.found.values():
        if isinstance(definition, EnumDefinition) and writer.is_used(definition):
            texts[writer.names[definition.name]] = writer.write_choices(definition)
    for model in writer.models.values():
        texts[writer.names[model.name]] = writer.write_model(model)
    return (
        texts,
        {python: name for name, python in writer.names.items() if python in texts},
        writer.notes,
    )


class _ModelWriter:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.names = class_names(definitions.found)
        self.annotations = AnnotationWriter(definitions, self.names)
        self.notes: list[Note] = []
        self.models = {
            name: of
            for name, of in definitions.found.items()
            if isinstance(of, ObjectDefinition)
            and name in definitions.sources
            and not of.parameters
        }
        for name, of in definitions.found.items():
            if isinstance(of, ObjectDefinition) and of.parameters and name in definitions.sources:
                self._note(of.place, f"{name} is generic: there is no model of it")
        self._relations = {
            name: {each.name: each for each in self._fields(of)} for name, of in self.models.items()
        }

    def _note(self, place: Place, text: str) -> None:
        note = Note(place, text)
        if note not in self.notes:
            self.notes.append(note)

    def _fields(self, of: ObjectDefinition) -> Collection[Property]:
        """Return the fields of an object with those of its bases: a draft has no inheritance between tables."""
        return (self.definitions.fields_of(of.name) or {}).values()

    def is_used(self, definition: EnumDefinition) -> bool:
        """Tell whether a field of a model has the values of an enum."""
        return any(
            self._enum_of(each.type) is definition
            for model in self.models.values()
            for each in self._fields(model)
        )

    def _enum_of(self, of: Type) -> EnumDefinition | None:
        bare = self.definitions.written_through(without_null(of)[0])
        bare, _ = without_null(bare)
        found = self.definitions.found.get(bare.name) if isinstance(bare, Named) else None
        if not isinstance(found, EnumDefinition):
            return None
        kinds = {type(value) for _, value in found.members}
        return found if kinds in ({str}, {int}) else None

    def write_choices(self, definition: EnumDefinition) -> str:
        """Return a class of choices."""
        base = "TextChoices" if isinstance(definition.members[0][1], str) else "IntegerChoices"
        names = member_names(definition)
        lines = "".join(
            f"    {names[name]} = {literal(value)}\n" for name, value in definition.members
        )
        doc = docstring(definition.comment.text)
        return f"class {self.names[definition.name]}(models.{base}):\n{doc}{chr(10) if doc else ''}{lines}"

    def write_model(self, definition: ObjectDefinition) -> str:
        """Return the class of a model."""
        fields = list(self._fields(definition))
        names = self._field_names(fields)
        relations = Counter(
            target[0] for each in fields if (target := self._target(each)) is not None
        )
        lines = []
        for each in fields:
            line = self._field(definition, each, names, relations)
            if line is not None:
                lines.append(line + "\n")
        if definition.others is not None:
            self._note(
                definition.place,
                f"{definition.name} has further keys: the model has no column for them",
            )
        doc = docstring(definition.comment.text)
        body = "\n".join(part for part in (doc, "".join(lines)) if part)
        return f"class {self.names[definition.name]}(models.Model):\n{body or '    pass' + chr(10)}"

    def _field_names(self, fields: Collection[Property]) -> dict[str, str]:
        """Return the name of each field. Django allows none that ends with an underscore."""
        found: dict[str, str] = {}
        for each in sorted(fields, key=lambda each: snake(each.name) != each.name):
            name = snake(each.name).rstrip("_")
            if keyword.iskeyword(name) or name in RESERVED:
                name = f"{name}_field"
            text, number = name, 1
            while text in found.values():
                number += 1
                text = f"{name}{number}"
            found[each.name] = text
        return found

    def _field(
        self,
        owner: ObjectDefinition,
        each: Property,
        names: dict[str, str],
        relations: Counter[str],
    ) -> str | None:
        """Return the line of a field; None, with a note, for one that needs no column."""
        name = names[each.name]
        refined = refine(each.type, each.comment, self.definitions, lambda _: None)
        if name == "id":
            return self._primary_key(refined)
        stem = re.sub(r"_id$", "", name)
        if stem != name and any(
            names[other.name] == stem and self._target(other) for other in self._fields(owner)
        ):
            self._note(
                each.place, f"{each.name} is the column of {stem}: it has no field of its own"
            )
            return None
        target = self._target(each)
        if target is not None:
            return self._relation(owner, each, name, target, relations[target[0]])
        column = self._column(refined, each)
        return called(f"{name} = ", f"models.{column.kind}", column.write(), 4)

    def _primary_key(self, refined: Refined) -> str | None:
        """Return the line of ``id``; None if it is the one that Django adds."""
        column = column_of(refined, self.definitions, "", lambda _: None)
        if column.kind == "UUIDField":
            arguments = ["primary_key=True", "default=uuid4", "editable=False"]
            return called("id = ", "models.UUIDField", arguments, 4)
        if column.kind in {"CharField", "TextField"}:
            length = column.arguments.get("max_length", "64")
            return called(
                "id = ", "models.CharField", ["primary_key=True", f"max_length={length}"], 4
            )
        return None

    def _target(self, each: Property) -> tuple[str, bool] | None:
        """Return the model that a property refers to, and whether it is a list of them."""
        of = self.definitions.written_through(without_null(each.type)[0])
        several = isinstance(of, Array)
        if isinstance(of, Array):
            of = self.definitions.written_through(of.item)
        return (of.name, several) if isinstance(of, Named) and of.name in self.models else None

    def _relation(
        self,
        owner: ObjectDefinition,
        each: Property,
        name: str,
        target: tuple[str, bool],
        shared: int,
    ) -> str | None:
        other, several = target
        opposite = self._opposite(owner, each, other, several)
        to = quote("self" if other == owner.name else self.names[other])
        arguments = [to]
        if several:
            if opposite is not None and (not opposite[1] or self._comes_before(other, owner.name)):
                self._note(each.place, f"{each.name} is the other side of {other}.{opposite[0]}")
                return None
            arguments.append("blank=True")
        else:
            arguments.append("on_delete=models.PROTECT")
            if each.optional or without_null(each.type)[1]:
                arguments += ["null=True", "blank=True"]
        if opposite is not None:
            related = self._field_names(list(self._relations[other].values()))[opposite[0]]
            arguments.append(f"related_name={quote(related)}")
        elif shared > 1:
            arguments.append(f"related_name={quote(f'{snake(owner.name)}_{name}')}")
        kind = "ManyToManyField" if several else "ForeignKey"
        return called(f"{name} = ", f"models.{kind}", arguments, 4)

    def _opposite(
        self, owner: ObjectDefinition, each: Property, other: str, several: bool
    ) -> tuple[str, bool] | None:
        """Return the property of the other object that this one is the other side of, if there is exactly one."""
        if other == owner.name:
            return None
        there = [
            (one.name, target[1])
            for one in self._relations[other].values()
            if (target := self._target(one)) is not None and target[0] == owner.name
        ]
        here = [one for one in self._fields(owner) if (self._target(one) or ("",))[0] == other]
        if len(there) != 1 or len(here) != 1 or not (several or there[0][1]):
            return None
        return there[0]

    def _comes_before(self, one: str, other: str) -> bool:
        order = list(self.models)
        return order.index(one) < order.index(other)

    def _column(self, refined: Refined, each: Property) -> Column:
        def note(text: str) -> None:
            self._note(each.place, text)

        column = column_of(refined, self.definitions, each.comment.tag("format") or "", note)
        enum = self._enum_of(each.type)
        if enum is not None:
            column.arguments["choices"] = f"{self.names[enum.name]}.choices"
        self._add_nulls(column, refined, each)
        if each.comment.tag("unique") is not None:
            column.arguments["unique"] = "True"
        if refined.description:
            column.arguments["help_text"] = quote(refined.description)
        return column

    def _add_nulls(self, column: Column, refined: Refined, each: Property) -> None:
        """Add null, blank and default: a text that may be missing is empty, one that may be null is null."""
        nullable = without_null(each.type)[1]
        arguments = column.arguments
        if refined.default is not MISSING and refined.default is not None:
            text = self.annotations.default(each.type, refined.default)
            if not isinstance(refined.default, list | dict):
                arguments["default"] = text
        if nullable:
            arguments |= {"null": "True", "blank": "True"}
            arguments.pop("default", None) if column.kind == "JSONField" else None
        elif each.optional and "default" not in arguments:
            arguments["blank"] = "True"
            if column.kind in TEXTS:
                arguments["default"] = '""'
            else:
                arguments["null"] = "True"
        elif column.kind == "JSONField":
            arguments["blank"] = "True"
