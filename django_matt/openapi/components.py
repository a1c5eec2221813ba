"""Names all schemas of a document, so that no two of them overwrite each other."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from django_matt import upstream
from django_matt.bounds import models_in
from django_matt.column_bounds import ArrayTypist, ColumnRewriter
from django_matt.openapi.columns import annotated, columns_of, enum_of, is_never_null
from django_matt.openapi.page_names import REF_TEMPLATE, mark_page, name_pages, without_marks

__all__ = ["SchemaBook", "Style", "names_in", "without_null"]

Mode = Literal["validation", "serialization"]
Model = type[BaseModel]

_REF_PREFIX = REF_TEMPLATE.format(model="")
_NULL = {"type": "null"}
_KINDS = {"type", "$ref", "allOf", "oneOf", "enum", "const"}


class Style(NamedTuple):
    """How a route writes a response, as far as its schema depends on it."""

    by_alias: bool
    omits_defaults: bool = False
    """``exclude_unset`` or ``exclude_defaults``: a field with a default may be missing."""
    omits_nulls: bool = False
    """``exclude_none``: a field that is null is missing."""

    @property
    def suffix(self) -> str:
        """Tell the names of its schemas from those of another style."""
        words = zip(("Aliased", "Partial", "NonNull"), self, strict=True)
        return "".join(word for word, applies in words if applies)


class SchemaBook:
    """The JSON schemas of every model an API reads or writes, generated in one go.

    pydantic then names them: ``Item``; ``Item-Input`` and ``Item-Output`` where what is read and what is written
    differ; ``shop__schemas__Item`` where two classes share a name. A schema that is also written in another style, and
    differs then, is ``Item-Aliased``, ``Item-Partial`` or ``Item-NonNull``.
    """

    def __init__(
        self,
        read: Iterable[Model],
        written: Iterable[tuple[Model, Style]],
        *,
        strict: bool = False,
    ) -> None:
        """Take the models that are read, and those that are written with how.

        ``strict`` describes what is written as it is; without it, as Ninja does.
        """
        read, written = list(read), list(written)
        pages: list[tuple[Model, Mode, Style | None]] = []
        pages.extend((model, "validation", None) for model in read)
        pages.extend((model, "serialization", style) for model, style in written)
        self.definitions: dict[str, JsonSchemaValue] = {}
        # The class behind each definition; what is a type of no class, as a named union, has none.
        self.classes: dict[str, type] = {}
        self._strict = strict
        self._pages: dict[tuple[Model, Mode, Style | None], JsonSchemaValue] = {}
        for style in sorted({style for _, style in written}) or [Style(by_alias=False)]:
            self._add(pages, style)

    def page(self, model: Model, mode: Mode, style: Style | None = None) -> JsonSchemaValue:
        """Return a copy of the model's own schema; what it refers to is in ``definitions``."""
        return deepcopy(self._pages[model, mode, style])

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

    def _add(self, pages: list[tuple[Model, Mode, Style | None]], style: Style) -> None:
        # Every page goes into each run, so that one class gets one name in all of them.
        unique: list[tuple[Model, Mode]] = list(
            dict.fromkeys((model, mode) for model, mode, _ in pages)
        )
        read: set[type] = set()
        for model, mode in unique:
            if mode == "validation":
                read |= models_in(_core_schema(model))
        inputs: list[tuple[Model, Mode, Any]] = [
            (model, mode, _bounded(model, mode, read)) for model, mode in unique
        ]
        generator = (_StrictGenerator if self._strict else _Generator)(ref_template=REF_TEMPLATE)
        generator.style = style
        generator.classes, generator.refs = {}, {}
        generator.inlined = {ref for *_, core in inputs if (ref := _ref(core)) is not None}
        schemas, definitions = generator.generate_definitions(inputs)
        same = _same_both_ways(definitions)
        found = {same.get(name, name): _renamed(body, same) for name, body in definitions.items()}
        named = name_pages(found, every=self._strict)
        found = {
            named.get(name, name): _titled(_renamed(body, named), named.get(name))
            for name, body in found.items()
        }
        renames = _differing(self.definitions, found, style.suffix)
        for name, definition in found.items():
            self.definitions.setdefault(renames.get(name, name), _renamed(definition, renames))
        for first, cls in generator.classes.items():
            name = same.get(first, first)
            name = named.get(name, name)
            self.classes.setdefault(renames.get(name, name), cls)
        for model, mode, wanted in pages:
            key = (model, mode, wanted)
            if key not in self._pages and wanted in (None, style):
                page = generator.sort(schemas[model, mode])
                for step in (same, named, renames):
                    page = _renamed(page, step)
                self._pages[key] = page


class _Generator(upstream.NinjaGenerateJsonSchema):
    """Ninja's generator, which reads by alias, writes as told, and knows that a JSONField takes any JSON."""

    inlined: set[str]
    # The class of each definition, by the definition's name; while they are made, by pydantic's reference.
    classes: dict[str, type]
    refs: dict[str, type]
    style = Style(by_alias=True)

    @property
    def by_alias(self) -> bool:
        return self.mode == "validation" or self.style.by_alias

    @by_alias.setter
    def by_alias(self, value: bool) -> None:
        self.style = self.style._replace(by_alias=value)

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

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        """Say a default as it is written: the 0 of a DecimalField is the text "0"."""
        result = super().default_schema(schema)
        default = result.get("default")
        kinds = {each.get("type") for each in (result, *result.get("anyOf", ()))}
        if (
            type(default) in (int, float)
            and kinds <= {None, "string", "null"}
            and "string" in kinds
        ):
            result["default"] = str(default)
        return result

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        if schema.get("ref") in self.inlined:
            # Ninja's own wrappers (BodyParams …) must take no name from a user's class.
            schema = {key: value for key, value in schema.items() if key != "ref"}
        elif "ref" in schema and (cls := _class_of(schema)) is not None:
            self.refs[schema["ref"]] = cls
        plain = schema["type"] == "function-plain"
        if plain and upstream.is_any_object(schema["function"]["function"]):
            return {}
        return super().generate_inner(schema)

    def _build_definitions_remapping(self) -> Any:
        """Note the class behind each name once pydantic has chosen the names; its public API does not say."""
        names = super()._build_definitions_remapping()
        for (ref, _), long_name in self.core_to_defs_refs.items():
            if ref in self.refs:
                self.classes[names.remap_defs_ref(long_name)] = self.refs[ref]
        return names

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        found = super().model_schema(schema)
        mark_page(schema["cls"], found)
        return found


class _StrictGenerator(_Generator):
    """The generator for strict clients: what is always in an answer is required, and null is where it may come."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        if schema["type"] == "function-after":
            self._patches.add(upstream.schema_patched_by(schema["function"]["function"]))
        return super().generate_inner(schema)

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        """Tell a decimal that is written from any other text (``decimal`` of the OpenAPI Format Registry)."""
        found = super().decimal_schema(schema)
        return found if self.mode == "validation" else {**found, "format": "decimal"}

    @cached_property
    def _patches(self) -> set[Any]:
        """The classes that ``PatchDict`` derived."""
        return set()

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "validation" or field["type"] == "typed-dict-field":
            return super().field_is_required(field, total)
        if field.get("serialization_exclude_if") is not None:
            return False
        return not (self.style.omits_defaults and field["schema"]["type"] == "default")

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        cls, found = schema["cls"], super().model_schema(schema)
        properties = found.get("properties", {})
        for name, field in columns_of(cls):
            key = self._key(cls, name)
            if key in properties:
                if self.mode == "serialization" and is_never_null(field):
                    properties[key] = without_null(properties[key])
                _restrict(properties[key], enum_of(field))
        if cls in self._patches:
            # Ninja made these optional to tell what is missing; null was not one of their values before.
            for name in annotated(cls) & set(cls.model_fields):
                key = self._key(cls, name)
                if key in properties:
                    properties[key] = without_null(properties[key])
            for property_ in properties.values():
                property_.pop("default", None)  # what is missing stays as it is stored
        return self._without_nulls(found)

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return self._without_nulls(super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        return self._without_nulls(super().typed_dict_schema(schema))

    def _key(self, cls: Model, name: str) -> str:
        info = cls.model_fields[name]
        alias = info.validation_alias if self.mode == "validation" else info.serialization_alias
        return alias if self.by_alias and isinstance(alias, str) else name

    def _without_nulls(self, found: JsonSchemaValue) -> JsonSchemaValue:
        if self.style.omits_nulls and self.mode == "serialization":
            properties = found.get("properties", {})
            nullable = {name for name, schema in properties.items() if _takes_null(schema)}
            for name in nullable:
                properties[name] = without_null(properties[name])
            required = [name for name in found.pop("required", ()) if name not in nullable]
            found |= {"required": required} if required else {}
        return found


def without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return a schema that does not offer null, as far as it offers it at its top."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list) or _NULL not in choices:
        return schema
    left = [choice for choice in choices if choice != _NULL]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**left[0], **rest} if len(left) == 1 else {"anyOf": left, **rest}


def _takes_null(schema: JsonSchemaValue) -> bool:
    """Tell whether null fits; a schema that says nothing of types fits it too."""
    if "anyOf" in schema:
        return any(map(_takes_null, schema["anyOf"]))
    return schema.get("type") == "null" or not schema.keys() & _KINDS


def _restrict(schema: JsonSchemaValue, values: list[Any]) -> None:
    """Allow these values only, in the branch of a schema that has their type."""
    kind = {str: "string", int: "integer"}.get(type(values[0])) if values else None
    for branch in schema.get("anyOf", [schema]):
        if kind is not None and branch.get("type") == kind and "enum" not in branch:
            branch["enum"] = values
            # The values say more than the bounds of their type.
            branch.pop("minimum", None)
            branch.pop("maximum", None)


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


def _class_of(schema: Any) -> type | None:
    """Return the class that a core schema validates, through the validators around it."""
    while "cls" not in schema:
        schema = schema.get("schema")
        if not isinstance(schema, dict):
            return None
    cls: type = schema["cls"]
    return cls


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


def _differing(known: Mapping[str, Any], added: Mapping[Any, Any], suffix: str) -> dict[str, str]:
    """Rename components that have a known name but another content, or refers to something that has.

    A name may also be known as that of what is read and that of what is written, where both are one in this style.
    """
    renames: dict[str, str] = {}
    differing: set[str] = set()
    for name, schema in added.items():
        if name in known:
            if known[name] != schema:
                differing.add(name)
        elif (written := f"{name}-Output") in known:
            if known[written] == schema:
                renames[name] = written
            else:
                differing.add(name)
    while more := {
        name for name in added if name not in differing and differing & set(names_in(added[name]))
    }:
        differing |= more
    return renames | {name: f"{name}-{suffix}" for name in differing}


def _titled(schema: JsonSchemaValue, name: str | None) -> JsonSchemaValue:
    """Return a definition without notes, and with the name that it got as its title."""
    return without_marks(schema) | ({} if name is None else {"title": name})


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
