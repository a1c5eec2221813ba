"""One naming of all the schemas in a document, so that no two of them overwrite each other."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Literal

from ninja.openapi.schema import REF_TEMPLATE
from ninja.orm.fields import AnyObject
from ninja.schema import NinjaGenerateJsonSchema
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from django_matt.bounds import models_in
from django_matt.column_bounds import ArrayTypist, ColumnRewriter

__all__ = ["SchemaBook", "names_in"]

Mode = Literal["validation", "serialization"]
Model = type[BaseModel]

_REF_PREFIX = REF_TEMPLATE.format(model="")


class SchemaBook:
    """The JSON schemas of every model an API reads or writes, generated in one go.

    pydantic then names them: ``Item``; ``Item-Input`` and ``Item-Output`` where what is read and what is written
    differ; ``shop__schemas__Item`` where two classes share a name. A schema that is also written by alias, and
    differs then, is ``Item-Aliased``.
    """

    def __init__(self, read: Iterable[Model], written: Iterable[tuple[Model, bool]]) -> None:
        """Take the models that are read, and those that are written with whether that is by alias."""
        read, written = list(read), list(written)
        pages = [(model, "validation", True) for model in read]
        pages += [(model, "serialization", by_alias) for model, by_alias in written]
        self.definitions: dict[str, JsonSchemaValue] = {}
        self._pages: dict[tuple[Model, Mode, bool], JsonSchemaValue] = {}
        for by_alias in sorted({by_alias for _, by_alias in written}) or [False]:
            self._add(pages, by_alias)

    def page(self, model: Model, mode: Mode, by_alias: bool = True) -> JsonSchemaValue:
        """Return a copy of the model's own schema; what it refers to is in ``definitions``."""
        return deepcopy(self._pages[model, mode, by_alias or mode == "validation"])

    def reachable(self, document: Any) -> dict[str, JsonSchemaValue]:
        """Return the definitions that the document refers to, directly or through another, sorted by name."""
        found: set[str] = set()
        waiting = list(names_in(document))
        while waiting:
            name = waiting.pop()
            if name not in found and name in self.definitions:
                found.add(name)
                waiting.extend(names_in(self.definitions[name]))
        return {name: deepcopy(self.definitions[name]) for name in sorted(found)}

    def _add(self, pages: list[tuple[Any, Any, bool]], by_alias: bool) -> None:
        # Every page goes into both runs, so that one class gets one name in both.
        unique = list(dict.fromkeys((model, mode) for model, mode, _ in pages))
        read: set[type] = set()
        for model, mode in unique:
            if mode == "validation":
                read |= models_in(_core_schema(model))
        inputs = [(model, mode, _bounded(model, mode, read)) for model, mode in unique]
        generator = _Generator(ref_template=REF_TEMPLATE)
        generator.by_alias = by_alias
        generator.inlined = {ref for *_, core in inputs if (ref := _ref(core)) is not None}
        schemas, definitions = generator.generate_definitions(inputs)
        same = _same_both_ways(definitions)
        found = {same.get(name, name): _renamed(body, same) for name, body in definitions.items()}
        renames = _differing(self.definitions, found)
        for name, definition in found.items():
            self.definitions.setdefault(renames.get(name, name), _renamed(definition, renames))
        for model, mode, aliased in pages:
            key = (model, mode, aliased)
            if key not in self._pages and (mode == "validation" or aliased == by_alias):
                schema = schemas[model, mode]
                self._pages[key] = _renamed(_renamed(generator.sort(schema), same), renames)


class _Generator(NinjaGenerateJsonSchema):
    """Ninja's generator, which reads by alias, writes as told, and knows that a JSONField takes any JSON."""

    inlined: set[str]

    @property
    def by_alias(self) -> bool:
        return self.mode == "validation" or self._write_by_alias

    @by_alias.setter
    def by_alias(self, value: bool) -> None:
        self._write_by_alias = value

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        """Say what a decimal's digits allow, of both forms in which it is read: a number and a text."""
        result = super().decimal_schema(schema)
        digits, places = schema.get("max_digits"), schema.get("decimal_places")
        if self.mode == "validation" and digits is not None and places is not None:
            number, text = result["anyOf"]
            number.setdefault("exclusiveMaximum", 10 ** (digits - places))
            number.setdefault("exclusiveMinimum", -(10 ** (digits - places)))
            pattern = rf"^[+-]?0*\d{{0,{digits - places}}}(\.\d{{0,{places}}}0*)?$"
            text.setdefault("pattern", pattern)
        return result

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        if schema.get("ref") in self.inlined:
            # Ninja's own wrappers (BodyParams …) must take no name from a user's class.
            schema = {key: value for key, value in schema.items() if key != "ref"}
        if schema["type"] == "function-plain":
            function = schema["function"]["function"]
            if getattr(function, "__func__", None) is AnyObject.validate.__func__:  # type: ignore[attr-defined]
                return {}
        return super().generate_inner(schema)


def names_in(document: Any) -> Iterator[str]:
    """Yield the name of every component schema that the document refers to."""
    if isinstance(document, dict):
        ref = document.get("$ref")
        if isinstance(ref, str) and ref.startswith(_REF_PREFIX):
            yield ref.removeprefix(_REF_PREFIX)
        for value in document.values():
            if isinstance(value, str) and value.startswith(_REF_PREFIX):  # discriminator mappings
                yield value.removeprefix(_REF_PREFIX)
            yield from names_in(value)
    elif isinstance(document, (list, tuple)):
        for value in document:
            yield from names_in(value)


def _core_schema(model: Model) -> Any:
    model.model_rebuild()
    return model.__pydantic_core_schema__


def _bounded(model: Model, mode: Mode, read: set[type]) -> Any:
    """Return what requests are validated by. What is also read is bounded where it is written, so that it has one name."""
    core = ColumnRewriter(only=None if mode == "validation" else read).rewrite(_core_schema(model))
    return core if mode == "validation" else ArrayTypist().rewrite(core)


def _ref(core: Any) -> str | None:
    if core["type"] == "definitions":
        core = core["schema"]
    ref = core.get("schema_ref") if core["type"] == "definition-ref" else core.get("ref")
    return ref if isinstance(ref, str) else None


def _same_both_ways(definitions: Mapping[Any, Any]) -> dict[str, str]:
    """Name once what pydantic named twice only because it refers to itself, or to another such."""
    bases = {
        base
        for name in definitions
        if (base := name.removesuffix("-Input")) != name
        and f"{base}-Output" in definitions
        and base not in definitions
    }
    while True:
        same = {f"{base}-{way}": base for base in bases for way in ("Input", "Output")}
        differing = {
            base
            for base in bases
            if _renamed(definitions[f"{base}-Input"], same)
            != _renamed(definitions[f"{base}-Output"], same)
        }
        if not differing:
            return same
        bases -= differing


def _differing(known: Mapping[str, Any], added: Mapping[Any, Any]) -> dict[str, str]:
    """Name anew what has a known name and another content, or refers to something that has."""
    shared = known.keys() & added.keys()
    differing = {name for name in shared if known[name] != added[name]}
    while more := {
        name for name in added if name not in differing and differing & set(names_in(added[name]))
    }:
        differing |= more
    return {name: f"{name}-Aliased" for name in differing}


def _renamed(schema: Any, renames: dict[str, str]) -> Any:
    if not renames:
        return schema
    if isinstance(schema, dict):
        return {key: _renamed(value, renames) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_renamed(value, renames) for value in schema]
    if isinstance(schema, str) and schema.startswith(_REF_PREFIX):
        name = schema.removeprefix(_REF_PREFIX)
        return _REF_PREFIX + renames.get(name, name)
    return schema
