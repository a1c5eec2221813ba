"""Schemas for readers: a type in a few words, and the fields of an object as rows of a table."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django_matt.contrib.typescript.markdown import anchor, code, escape

__all__ = ["Field", "describe_fields", "describe_type", "find_components"]

_SCHEMAS: Final = "#/components/schemas/"
_LIMITS: Final = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("multipleOf", "multiple of {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "matches {}"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One row: Markdown, except for the description."""

    name: str
    type: str
    required: bool
    default: str
    limits: str
    description: str


def describe_fields(schema: Any) -> list[Field]:
    """Return the fields of an object; those of an object inside of it, if it is written in place, follow it."""
    return list(_fields(schema, "")) if isinstance(schema, Mapping) else []


def _fields(schema: Mapping[str, Any], prefix: str) -> Iterator[Field]:
    parts = [schema, *(each for each in schema.get("allOf") or () if isinstance(each, Mapping))]
    required = {name for part in parts for name in part.get("required") or ()}
    for part in parts:
        for name, each in (part.get("properties") or {}).items():
            whole = each if isinstance(each, Mapping) else {}
            path = f"{prefix}{name}"
            shown = f"{code(path)} (deprecated)" if whole.get("deprecated") else code(path)
            default = (
                code(json.dumps(whole["default"], ensure_ascii=False)) if "default" in whole else ""
            )
            description = str(whole.get("description") or "")
            limits = escape(", ".join(_limits(whole)))
            yield Field(shown, describe_type(whole), name in required, default, limits, description)
            inner = whole.get("items") if whole.get("type") == "array" else whole
            if isinstance(inner, Mapping) and "properties" in inner:
                yield from _fields(inner, f"{path}[]." if inner is not whole else f"{path}.")


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    for keyword, text in _LIMITS:
        if keyword in schema:
            yield text.format(schema[keyword])
    if schema.get("uniqueItems"):
        yield "no item twice"
    for union in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(union) or ():
            if isinstance(part, Mapping) and "$ref" not in part:
                yield from _limits(part)


def describe_type(schema: Any) -> str:
    """Return a type in Markdown: ``list of [BookOut](#schema-bookout)``."""
    if not isinstance(schema, Mapping) or not schema:
        return "anything"
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        return f"[{escape(name)}](#schema-{anchor(name)})"
    for union, word in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        if union in schema:
            parts = dict.fromkeys(map(describe_type, schema[union] or [{}]))
            return word.join(parts)
    if "const" in schema:
        return code(json.dumps(schema["const"], ensure_ascii=False))
    if "enum" in schema:
        return ", ".join(code(json.dumps(each, ensure_ascii=False)) for each in schema["enum"])
    return _plain_type(schema)


def _plain_type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_plain_type({**schema, "type": each}) for each in kind)
    if kind == "array":
        items = schema.get("prefixItems")
        if items:
            return f"tuple of {', '.join(map(describe_type, items))}"
        return f"list of {describe_type(schema.get('items'))}"
    if kind == "object" or "properties" in schema:
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping) and "properties" not in schema:
            return f"object of {describe_type(values)}"
        return "object"
    spelled = schema.get("format") or schema.get("contentMediaType")
    return (
        f"{escape(kind or 'anything')} ({escape(spelled)})"
        if spelled
        else escape(kind or "anything")
    )


def find_components(openapi: Mapping[str, Any], parts: list[Any]) -> list[str]:
    """Return the schemas that parts of a document refer to, with those that these refer to, in the document's order."""
    components: Mapping[str, Any] = openapi.get("components") or {}
    schemas: Mapping[str, Any] = components.get("schemas") or {}
    seen: set[str] = set()
    waiting: list[Any] = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            reference = part.get("$ref")
            if isinstance(reference, str) and reference not in seen:
                seen.add(reference)
                kind, _, name = reference.removeprefix("#/components/").partition("/")
                name = name.replace("~1", "/").replace("~0", "~")
                waiting.append((components.get(kind) or {}).get(name))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    names = {each.removeprefix(_SCHEMAS).replace("~1", "/").replace("~0", "~") for each in seen}
    return [name for name in schemas if name in names]
