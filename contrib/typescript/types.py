"""JSON Schema (2020-12, as in OpenAPI 3.1) → the text of a TypeScript type."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from django_matt.contrib.typescript.comments import inline_comment, schema_comment
from django_matt.contrib.typescript.settings import TypeScriptSettings

__all__ = ["REF", "Direction", "TypeWriter", "literal", "object_key", "property_key"]

Direction = Literal["out", "in", "form", "text"]
"""Where a value is: in a response, a JSON body, a form, or a parameter."""
REF = "#/components/schemas/"
PARAMETER = "x-typescript-parameter"
"""The keyword of a schema that is the parameter of a generic type, with its name."""
WIDTH = 80
BRANDS = {
    "date-time": "InstantText",
    "date": "PlainDateText",
    "time": "PlainTimeText",
    "duration": "DurationText",
}
"""The types of ``DATES="temporal"``, each named after the class of Temporal that reads it."""
_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_SHAPES = {"properties", "additionalProperties", "patternProperties", "items", "prefixItems"}

Members = tuple[tuple[str, bool], ...]
"""The members of a union: each one's text, and whether that is an intersection. One member is a type, none is never."""
UNKNOWN: Members = (("unknown", False),)
_SIMPLE: Mapping[str, Members] = {
    "integer": (("number", False),),
    "number": (("number", False),),
    "boolean": (("boolean", False),),
    "null": (("null", False),),
}


def property_key(name: str) -> str:
    """Return the name of a property as it is written: bare, or in quotes."""
    return name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def object_key(name: str) -> str:
    """Return the name of a property of an object that is a value; ``__proto__: x`` would set its prototype (ECMA-262, B.3.1)."""
    return '["__proto__"]' if name == "__proto__" else property_key(name)


class TypeWriter:
    """Writes the types of schemas that refer to the components of one document."""

    def __init__(
        self,
        schemas: Mapping[str, Any],
        name: Callable[[str, Direction], str],
        options: TypeScriptSettings,
    ) -> None:
        """Take the components, how a reference to one is written, and the options."""
        self._schemas = schemas
        self._name = name
        self._temporal = options.DATES == "temporal"
        self._brand = options.DECIMALS == "brand"
        self._following: list[str] = []
        self.used: set[str] = set()
        """The names in ``BRANDS``, and ``DecimalText``, that the types refer to."""

    def write(self, schema: Any, direction: Direction, depth: int = 0) -> str:
        """Return the type of a schema; ``depth`` is how far the line of its beginning is indented, in steps."""
        return _joined(self._members(schema, direction, depth), depth)

    def _members(self, schema: Any, way: Direction, depth: int) -> Members:
        if not isinstance(schema, dict):
            return () if schema is False else UNKNOWN
        if PARAMETER in schema:
            return _one(schema[PARAMETER])
        parts: list[Members] = []
        if "$ref" in schema:
            parts.append(self._reference(str(schema["$ref"]), way, depth))
        if "const" in schema:
            parts.append(_one(literal(schema["const"])))
        elif "enum" in schema:
            parts.append(_union(_one(literal(value)) for value in schema["enum"]))
        if "oneOf" in schema or "anyOf" in schema:
            parts.append(self._choice(schema, way, depth))
        parts += [self._members(each, way, depth) for each in schema.get("allOf", ())]
        if not parts or schema.keys() & _SHAPES:
            parts.append(self._typed(schema, way, depth))
        found = _intersection(parts, depth)
        return _union([found, _SIMPLE["null"]]) if schema.get("nullable") is True else found

    def _reference(self, pointer: str, way: Direction, depth: int) -> Members:
        name = pointer.removeprefix(REF)
        if name in self._schemas:
            return _one(self._name(name, way))
        # Into a component, such as #/components/schemas/Item/properties/id: no name leads there.
        found = _resolve(self._schemas, name)
        if found is None or pointer in self._following:
            return UNKNOWN
        self._following.append(pointer)
        try:
            return self._members(found, way, depth)
        finally:
            self._following.pop()

    def _choice(self, schema: Mapping[str, Any], way: Direction, depth: int) -> Members:
        tags = _tags(schema)
        return _union(
            self._tagged(each, tags, schema, way) or self._members(each, way, depth)
            for each in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))
        )

    def _tagged(
        self, branch: Any, tags: Mapping[str, list[str]], union: Mapping[str, Any], way: Direction
    ) -> Members | None:
        """Return a branch of a discriminated union with its tag, if its own schema leaves the tag open."""
        reference = str(branch.get("$ref")) if isinstance(branch, dict) else ""
        name = reference.removeprefix(REF)
        if reference not in tags or name not in self._schemas:
            return None
        tag = union["discriminator"]["propertyName"]
        schema = self._schemas[name]
        property_ = schema.get("properties", {}).get(tag, {})
        if tag in schema.get("required", ()) and property_.keys() & {"const", "enum"}:
            return None
        values = " | ".join(map(literal, tags[reference]))
        return _one(f"{self._name(name, way)} & {{ {property_key(tag)}: {values} }}", True)

    def _typed(self, schema: Mapping[str, Any], way: Direction, depth: int) -> Members:
        """Return the type that ``type`` names, or that the other keywords imply."""
        kinds = schema.get("type")
        if kinds is None:
            if not schema.keys() & _SHAPES:
                return UNKNOWN
            kinds = "array" if schema.keys() & {"items", "prefixItems"} else "object"
        if isinstance(kinds, str):
            return self._kind(kinds, schema, way, depth)
        return _union(self._kind(kind, schema, way, depth) for kind in kinds)

    def _kind(self, kind: str, schema: Mapping[str, Any], way: Direction, depth: int) -> Members:
        if kind == "object":
            return _one(self._object(schema, way, depth))
        if kind == "array":
            return _one(self._array(schema, way, depth))
        return self._string(schema, way) if kind == "string" else _SIMPLE.get(kind, UNKNOWN)

    def _string(self, schema: Mapping[str, Any], way: Direction) -> Members:
        shape = schema.get("format")
        if shape == "binary" and way == "form":
            return _one("Blob")
        if self._brand and shape == "decimal" and way == "out":
            self.used.add("DecimalText")
            return _one("DecimalText")
        if self._temporal and shape in BRANDS:
            if way == "out":
                self.used.add(BRANDS[shape])
                return _one(BRANDS[shape])
            if way == "in":
                # What JSON.stringify makes a text of: every class of Temporal, and Date.
                return (("string", False), ("{ toJSON(): string }", False))
        return _one("string")

    def _array(self, schema: Mapping[str, Any], way: Direction, depth: int) -> str:
        items = schema.get("items", True)
        if "prefixItems" not in schema:
            return self._item(items, way, depth) + "[]"
        first = schema["prefixItems"]
        least = schema.get("minItems", 0)
        parts = [
            inline_comment(each) + self.write(each, way, depth)
            if at < least
            else self._item(each, way, depth) + "?"
            for at, each in enumerate(first)
        ]
        if items is not False and schema.get("maxItems", len(first) + 1) > len(first):
            parts.append(f"...{self._item(items, way, depth)}[]")
        return f"[{', '.join(parts)}]"

    def _item(self, schema: Any, way: Direction, depth: int) -> str:
        """Return a type as it is written before ``[]`` and ``?``."""
        members = self._members(schema, way, depth)
        if comment := inline_comment(schema):
            return f"({comment}{_joined(members, depth)})"
        return _parenthesized(members, depth)

    def _object(self, schema: Mapping[str, Any], way: Direction, depth: int) -> str:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        others = [*schema.get("patternProperties", {}).values()]
        more = schema.get("additionalProperties", not properties and not others)
        if more is not False:
            others.append(more)
        if not properties:
            return self._record(schema, others, way, depth)
        indent = "  " * (depth + 1)
        required = set(schema.get("required", ()))
        hidden = "writeOnly" if way == "out" else "readOnly"
        lines: list[str] = []
        types: list[Members] = []
        for name, each in properties.items():
            if isinstance(each, dict) and each.get(hidden):
                continue
            members = self._members(each, way, depth + 1)
            mark = "" if name in required else "?"
            types.append(members)
            lines.append(
                f"{schema_comment(each, indent)}"
                f"{indent}{property_key(name)}{mark}:{_after(_joined(members, depth + 1))};\n"
            )
        if others:
            # Every named property must fit the index signature, which types the unnamed ones too (TS2411).
            found = [self._members(each, way, depth + 1) for each in others]
            value = _joined(_union([*found, *types, _one("undefined")]), depth + 1)
            lines.append(f"{indent}[key: string]:{_after(value)};\n")
        body = "".join(lines)
        return f"{{\n{body}{'  ' * depth}}}" if body else "Record<string, never>"

    def _record(
        self, schema: Mapping[str, Any], values: list[Any], way: Direction, depth: int
    ) -> str:
        """Return the type of an object without named properties."""
        if not values:
            return "Record<string, never>"
        value = _joined(_union(self._members(each, way, depth) for each in values), depth)
        if len(values) == 1:
            value = inline_comment(values[0]) + value
        if (keys := self._keys(schema, way)) is not None:
            return f"{{ [key in {keys}]?:{_after(value)} }}"
        # Record<string, Json> would make a recursive alias an error (TS2456).
        return (
            "Record<string, unknown>"
            if value == "unknown"
            else f"{{ [key: string]:{_after(value)} }}"
        )

    def _keys(self, schema: Mapping[str, Any], way: Direction) -> str | None:
        """Return the type of an object's keys if only some are allowed, as in ``dict[Literal["a", "b"], int]``."""
        names = schema.get("propertyNames")
        target = names
        if isinstance(names, dict) and "$ref" in names:
            target = self._schemas.get(str(names["$ref"]).removeprefix(REF))
        if not isinstance(target, dict) or not (target.keys() & {"enum", "const"}):
            return None
        if not all(isinstance(each, str) for each in target.get("enum", [target.get("const")])):
            return None
        return self.write(names, way)


def _tags(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the values of the discriminator by the reference that each selects."""
    discriminator = schema.get("discriminator")
    tags: dict[str, list[str]] = {}
    if isinstance(discriminator, dict) and isinstance(discriminator.get("propertyName"), str):
        for value, reference in (discriminator.get("mapping") or {}).items():
            tags.setdefault(reference if "/" in reference else REF + reference, []).append(value)
    return tags


def _resolve(schemas: Mapping[str, Any], pointer: str) -> Any:
    """Return what a JSON Pointer below the components leads to (RFC 6901), None for nothing."""
    found: Any = schemas
    for part in pointer.split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict):
            found = found.get(key)
        else:
            return None
    return found


def literal(value: Any) -> str:
    """Return a JSON value as the type that only it has."""
    if isinstance(value, dict):
        inner = "; ".join(f"{property_key(name)}: {literal(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if value else "Record<string, never>"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _one(text: str, intersection: bool = False) -> Members:
    return ((text, intersection),)


def _union(parts: Iterable[Members]) -> Members:
    """Return the union of types, each once, with null at its end."""
    found = dict(member for members in parts for member in members)
    if "unknown" in found:
        return UNKNOWN
    last = {"null", "undefined"}
    return tuple(
        [each for each in found.items() if each[0] not in last]
        + [each for each in found.items() if each[0] in last]
    )


def _intersection(parts: list[Members], depth: int) -> Members:
    if () in parts:
        return ()
    found = list(dict.fromkeys(part for part in parts if part != UNKNOWN))
    if len(found) < 2:
        return found[0] if found else UNKNOWN
    texts = [
        f"({_joined(part, depth)})" if len(part) > 1 else _joined(part, depth) for part in found
    ]
    return _one(" & ".join(texts), True)


def _joined(members: Members, depth: int) -> str:
    """Return a union in one line if it fits, else with each member on its own line, which begins with a line break."""
    if len(members) < 2:
        return members[0][0] if members else "never"
    texts = [f"({text})" if intersection else text for text, intersection in members]
    line = " | ".join(texts)
    if len(line) + 2 * depth <= WIDTH or ("\n" in line and len(texts) == 2):
        return line
    indent = "  " * (depth + 1)
    return "".join(f"\n{indent}| {text}" for text in texts)


def _parenthesized(members: Members, depth: int) -> str:
    text = _joined(members, depth)
    return f"({text})" if len(members) > 1 or (members and members[0][1]) else text


def _after(text: str) -> str:
    """Return a type as it follows a colon: a union of many lines begins on the next one."""
    return text if text.startswith("\n") else f" {text}"
