"""Makes requests that an OpenAPI document describes: values for its schemas, with the ids of existing objects."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Samples"]

_TEXTS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T10:00:00Z",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "10:00:00Z",
    "uri": "https://example.com/",
    "uuid": "7f3ac1de-0000-4000-8000-000000000001",
}
_CANDIDATES = (
    "word",
    "words-1",
    "Word",
    "WORD",
    "1",
    "42",
    "ab12",
    "0123456789",
    "a@example.com",
    "+4912345678",
)


class Samples:
    """Values for the schemas of one document. ``known`` has the values of parameters and fields by their names."""

    def __init__(self, document: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        """Take the OpenAPI document and the known values."""
        self._document = document
        self._known = known
        self.used: set[str] = set()
        """The names of the known values that were used."""

    def value(self, schema: Any, name: str = "") -> Any:
        """Return the simplest value that a schema describes: required members only, and those that are known."""
        return self._value(schema, name, ())

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a schema without a reference and ``allOf``."""
        return self._resolve(schema, ())[0]

    def _value(self, schema: Any, name: str, seen: tuple[str, ...]) -> Any:
        if not isinstance(schema, Mapping):
            return "word"
        schema, seen = self._resolve(schema, seen)
        kind = _kind_of(schema)
        if name in self._known and kind != "object":
            self.used.add(name)
            known = self._known[name]
            is_one = isinstance(known, str) or not isinstance(known, list | tuple)
            return [known] if kind == "array" and is_one else known
        for options in ("anyOf", "oneOf"):
            choices = [each for each in schema.get(options, ()) if _kind_of(each) != "null"]
            if choices:
                return self._value(choices[0], name, seen)
        given = _given(schema)
        if given is not None and kind != "object":
            return given
        if kind == "object":
            return self._object(schema, seen)
        if kind == "array":
            return self._array(schema, name, seen)
        if kind in {"integer", "number"}:
            return _number(schema, kind)
        return (
            {"boolean": True, "null": None}.get(kind)
            if kind in {"boolean", "null"}
            else _text(schema)
        )

    def _object(self, schema: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        members = schema.get("properties", {})
        made = {
            name: self._value(each, name, seen)
            for name, each in members.items()
            if name in required or name in self._known
        }
        more = schema.get("additionalProperties")
        for number in range(schema.get("minProperties", 0) - len(made)):
            made[f"name{number}"] = self._value(more, "", seen)
        return made

    def _array(self, schema: Mapping[str, Any], name: str, seen: tuple[str, ...]) -> list[Any]:
        items = [self._value(each, "", seen) for each in schema.get("prefixItems", ())]
        wanted = min(max(schema.get("minItems", 0), 1), schema.get("maxItems", 1_000))
        if "items" in schema:
            items += [self._value(schema["items"], name, seen) for _ in range(wanted - len(items))]
        return items

    def _resolve(
        self, schema: Mapping[str, Any], seen: tuple[str, ...]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """Follow references, and merge the parts of ``allOf``; a schema that contains itself becomes null."""
        while "$ref" in schema:
            ref = schema["$ref"]
            if ref in seen:
                return {"type": "null"}, seen
            seen = (*seen, ref)
            found: Any = self._document
            for part in ref.removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            schema = {**found, **{key: each for key, each in schema.items() if key != "$ref"}}
        if "allOf" in schema:
            merged: dict[str, Any] = {key: each for key, each in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                resolved, seen = self._resolve(part, seen)
                for key, each in resolved.items():
                    if key == "properties":
                        merged[key] = {**merged.get(key, {}), **each}
                    elif key == "required":
                        merged[key] = [*merged.get(key, ()), *each]
                    else:
                        merged.setdefault(key, each)
            schema = merged
        return schema, seen


def _kind_of(schema: Any) -> str:
    kind = schema.get("type", "") if isinstance(schema, Mapping) else ""
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if not kind and isinstance(schema, Mapping) and "properties" in schema:
        return "object"
    return str(kind)


def _given(schema: Mapping[str, Any]) -> Any:
    """Return a value that the schema itself names."""
    for found in (
        schema.get("const"),
        *schema.get("enum", ()),
        *schema.get("examples", ()),
        schema.get("example"),
        schema.get("default"),
    ):
        if found is not None:
            return found
    return None


def _number(schema: Mapping[str, Any], kind: str) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = schema.get("multipleOf", 1)
    if low is None and over is not None:
        low = over + step
    if high is None and under is not None:
        high = under - step
    found = 1 if low is None else max(low, 1)
    if high is not None and found > high:
        found = high
    if step != 1 and found % step:
        found += step - found % step
    return int(found) if kind == "integer" else found


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in _TEXTS:
        return _TEXTS[schema["format"]]
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    for candidate in _CANDIDATES:
        text = candidate.ljust(shortest, "w")[:longest]
        if "pattern" not in schema or re.search(schema["pattern"], text):
            return text
    return "word"
