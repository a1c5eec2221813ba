"""Writes ``zod.ts``: a zod 4 schema for each component, and for the bodies and answers of each operation."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django_matt.contrib.typescript.clients import Endpoint, endpoints_of
from django_matt.contrib.typescript.declarations import refer
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import REF, literal, object_key

__all__ = ["emit"]

_SAFE = 2**53 - 1
_IMPORT = 'import * as $z from "zod";\n'
_AT_MOST = """\
/** A length in characters, as Python counts them; zod's `max()` would count an emoji twice. */
const $atMost = (length: number) => (value: string) => [...value].length <= length;
"""
_HELPERS = {
    "$atMost": _AT_MOST,
    # Linters refuse control characters in a literal; Python's patterns refuse NUL by them.
    "$pattern": "const $pattern = (text: string) => new RegExp(text);\n",
}
_NOT_JAVASCRIPT = re.compile(r"\(\?(?:P|#|>|\(|[aiLmsux]+[):-])|\\[AZzGKwWbB]|[+*?}]\+|\[:")
"""What a regular expression of Python or Rust means, and one of JavaScript does not, or means for ASCII alone."""
_FORMATS = {
    "date-time": "$z.iso.datetime({ offset: true, local: true })",
    "date": "$z.iso.date()",
    "uuid": "$z.guid()",
    "email": "$z.email({ pattern: $z.regexes.unicodeEmail })",
}
_BOUNDS = {
    "minimum": "gte",
    "maximum": "lte",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multipleOf",
}


def emit(document: Document, options: TypeScriptSettings) -> dict[str, str]:
    """Return ``zod.ts`` if it is wanted. It needs ``zod`` 4.

    A property without a default in zod: what a body leaves out is left to the API. Patterns that JavaScript would read
    differently are left out, so that a schema never refuses what the API accepts.
    """
    if not options.ZOD:
        return {}
    writer = _Writer(document, refer(document, options).names)
    components = [writer.component(name) for name in writer.order]
    endpoints = [part for each in endpoints_of(document) for part in writer.endpoint(each)]
    text = "\n".join([*components, *endpoints])
    head = [_IMPORT]
    if writer.recursive:
        head[0] += 'import type { components } from "./schema";\n'
    head += [helper for name, helper in _HELPERS.items() if f"{name}(" in text]
    return {"zod.ts": "\n".join([*head, text])}


def _unless_unused(value: str) -> str:
    """Return a value that a bundler leaves out if nothing reads it: it knows that this call has no effect, but no call inside."""
    return f"/* @__PURE__ */ (() => {value})()"


class _Writer:
    def __init__(self, document: Document, names: Mapping[str, str]) -> None:
        self._schemas = document.schemas
        self._names = names
        self.recursive: set[str] = set()
        self.order = self._sort()

    def _sort(self) -> list[str]:
        """Return the components, each after those that it refers to; note those that refer to themselves."""
        done: dict[str, None] = {}
        for start in self._schemas:
            # Without recursion: a chain of 2,000 components is deeper than Python's stack.
            stack = [(start, iter(sorted(_references(self._schemas[start]))))]
            path = {start: None} if start not in done else {}
            while stack and path:
                name, rest = stack[-1]
                child = next(rest, None)
                if child is None:
                    stack.pop()
                    path.pop(name, None)
                    done[name] = None
                elif child in path:
                    # Whatever leads from there back to it is one circle; its first component breaks it.
                    self.recursive.add(child)
                elif child in self._schemas and child not in done:
                    path[child] = None
                    stack.append((child, iter(sorted(_references(self._schemas[child])))))
        return list(done)

    def component(self, name: str) -> str:
        schema = self._schemas[name]
        exported = self._names[name]
        value = _unless_unused(self.write(schema))
        if name not in self.recursive:
            return f"export const {exported} = {value};\n"
        kind = f'$z.ZodType<components["schemas"][{literal(name)}]>'
        return f"export const {exported}: {kind} = {value};\n"

    def endpoint(self, endpoint: Endpoint) -> Iterator[str]:
        """Yield the schema of the body and those of the answers by status."""
        body = endpoint.operation.details.get("requestBody", {}).get("content", {})
        media = next(
            (each for each in ("application/json", "multipart/form-data") if each in body), None
        )
        if media:
            form = media != "application/json"
            value = _unless_unused(self.write(body[media].get("schema", {}), form=form))
            yield f"export const {endpoint.name}Body = {value};\n"
        answers = {
            status: _indented(self._answer(status, content))
            for status, content in endpoint.responses.items()
            if re.fullmatch(r"\d+", status) and not endpoint.stream
        }
        lines = "".join(f"  {status}: {value},\n" for status, value in answers.items() if value)
        if lines:
            value = _unless_unused(f"({{\n{lines}}})")
            yield f"export const {endpoint.name}Answers = {value};\n"
        elif endpoint.stream:
            value = _unless_unused(self.write(endpoint.item))
            yield f"export const {endpoint.name}Item = {value};\n"

    def _answer(self, status: str, content: Mapping[str, Any]) -> str:
        """Return the schema of a status. The client asks for problem documents, so every error may be one."""
        problem = content.get("application/problem+json")
        media = problem or content.get("application/json")
        if media is None:
            return "" if content else "$z.undefined()"
        value = self.write(media.get("schema", {}))
        if problem or status.startswith("2") or "Problem" not in self._names:
            return value
        return f"$z.union([{value}, {self._names['Problem']}])"

    def write(self, schema: Any, *, form: bool = False) -> str:
        """Return a schema as an expression."""
        if not isinstance(schema, dict):
            return "$z.never()" if schema is False else "$z.unknown()"
        parts = []
        if "$ref" in schema:
            parts.append(self._reference(str(schema["$ref"])))
        if "const" in schema:
            parts.append(_choice([schema["const"]]))
        elif "enum" in schema:
            parts.append(_choice(schema["enum"]))
        choices = [schema[keyword] for keyword in ("anyOf", "oneOf") if keyword in schema]
        parts += [self._union(branches, form) for branches in choices]
        parts += [self.write(each, form=form) for each in schema.get("allOf", ())]
        if not parts or {"properties", "items"} & schema.keys():
            parts.append(self._typed(schema, form))
        result = parts[0]
        for part in parts[1:]:
            result = f"$z.intersection({result}, {part})"
        return result

    def _reference(self, pointer: str) -> str:
        name = pointer.removeprefix(REF)
        if name not in self._names:
            return "$z.unknown()"
        # One of a circle may not have been declared yet.
        return (
            f"$z.lazy(() => {self._names[name]})" if name in self.recursive else self._names[name]
        )

    def _union(self, branches: list[Any], form: bool) -> str:
        found = list(dict.fromkeys(self.write(each, form=form) for each in branches))
        rest = [each for each in found if each != "$z.null()"]
        text = rest[0] if len(rest) == 1 else f"$z.union([{', '.join(rest)}])"
        if not rest:
            return "$z.null()"
        return f"{text}.nullable()" if len(rest) < len(found) else text

    def _typed(self, schema: Mapping[str, Any], form: bool) -> str:
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return self._union([{**schema, "type": kind} for kind in kinds], form)
        if kinds == "string":
            return _string(schema, form)
        if kinds in ("integer", "number"):
            return _number(schema)
        if kinds == "array" or "items" in schema or "prefixItems" in schema:
            return self._array(schema, form)
        if kinds == "object" or "properties" in schema:
            return self._object(schema, form)
        return {"boolean": "$z.boolean()", "null": "$z.null()"}.get(str(kinds), "$z.unknown()")

    def _array(self, schema: Mapping[str, Any], form: bool) -> str:
        items = schema.get("items", True)
        if first := schema.get("prefixItems"):
            parts = ", ".join(self.write(each, form=form) for each in first)
            closed = items is False or schema.get("maxItems", len(first) + 1) <= len(first)
            rest = "" if closed else f", {self.write(items, form=form)}"
            return f"$z.tuple([{parts}]{rest})"
        text = f"$z.array({self.write(items, form=form)})"
        if (least := schema.get("minItems")) is not None:
            text += f".min({least})"
        if (most := schema.get("maxItems")) is not None:
            text += f".max({most})"
        return text

    def _object(self, schema: Mapping[str, Any], form: bool) -> str:
        properties = schema.get("properties") or {}
        more = schema.get("additionalProperties", True)
        if not properties:
            return f"$z.record($z.string(), {self.write(more, form=form)})"
        required = set(schema.get("required", ()))
        lines = []
        for name, each in properties.items():
            value = self.write(each, form=form)
            optional = "" if name in required else ".optional()"
            lines.append(f"  {object_key(name)}: {_indented(value)}{optional},\n")
        made = "$z.strictObject" if more is False else "$z.object"
        text = f"{made}({{\n{''.join(lines)}}})"
        return f"{text}.catchall({self.write(more, form=form)})" if isinstance(more, dict) else text


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _string(schema: Mapping[str, Any], form: bool) -> str:
    shape = str(schema.get("format", ""))
    if shape == "binary" and form:
        return "$z.instanceof(Blob)"
    text = _FORMATS.get(shape, "$z.string()")
    if (least := schema.get("minLength", 0)) > 0:
        text += f".min({least})"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _NOT_JAVASCRIPT.search(pattern):
        text += f".regex($pattern({literal(pattern)}))"
    if (most := schema.get("maxLength")) is not None:
        text += f".refine($atMost({most}), {literal(f'At most {most} characters')})"
    return text


def _number(schema: Mapping[str, Any]) -> str:
    text = "$z.int()" if schema["type"] == "integer" else "$z.number()"
    for keyword, method in _BOUNDS.items():
        value = schema.get(keyword)
        # Larger bounds are no numbers of JavaScript.
        if isinstance(value, (int, float)) and abs(value) <= _SAFE:
            text += f".{method}({literal(value)})"
    return text


def _choice(values: list[Any]) -> str:
    if values and all(isinstance(each, str) for each in values) and len(values) > 1:
        return f"$z.enum({literal(values)})"
    plain = [each for each in values if each is None or isinstance(each, (str, int, float))]
    if not plain:
        return "$z.unknown()" if values else "$z.never()"
    return f"$z.literal({literal(plain if len(plain) > 1 else plain[0])})"


def _references(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str):
                yield reference.removeprefix(REF)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
