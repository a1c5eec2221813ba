"""Writes ``client.ts``, the runtime, and ``api.ts``: one function for each operation, in an object for each controller."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django_matt.contrib.typescript.comments import doc_comment, text_lines
from django_matt.contrib.typescript.documents import Document, DocumentedOperation
from django_matt.contrib.typescript.names import KEYWORDS, Names
from django_matt.contrib.typescript.places import is_live_list, media_schema, resolve
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import literal, property_key

__all__ = ["Endpoint", "Paging", "emit", "endpoints_of", "runtime"]

_JSON = "application/json"
# RFC 9110, 15.3.5 and 15.3.6.
_WITHOUT_BODY = {"204", "205"}
_SSE = "text/event-stream"
_LINES = ("application/jsonl", "application/x-ndjson", "application/jsonlines")
_FORMS = {"multipart/form-data": "multipart", "application/x-www-form-urlencoded": "form"}


@dataclass(frozen=True, slots=True)
class Paging:
    """How an operation's pages follow each other: ``offset``, ``page`` or ``cursor``, and the property with the rows."""

    kind: str
    rows: str


@dataclass(frozen=True)
class Endpoint:
    """One operation, as the client calls it."""

    operation: DocumentedOperation
    name: str
    """The name of its own export: ``productsCreate``."""
    paging_name: str
    """The name of the iterator over its pages: ``productsPages``; empty if it has no pages."""
    document: Document

    @property
    def type(self) -> str:
        """Its type in ``schema.d.ts``."""
        return f"operations[{literal(self.operation.id)}]"

    @property
    def group(self) -> str:
        """The object that it belongs to: ``products``."""
        return self.operation.group

    @property
    def verb(self) -> str:
        """Its name in that object: ``create``."""
        return self.operation.verb

    @cached_property
    def responses(self) -> Mapping[str, Mapping[str, Any]]:
        """The content of each documented status, by media type; empty if a response has no body."""
        found = self.operation.details.get("responses", {})
        return {
            str(status): {}
            if str(status) in _WITHOUT_BODY
            else _resolved(self.document, response).get("content", {})
            for status, response in found.items()
        }

    @cached_property
    def answers(self) -> Mapping[str, str]:
        """What each documented success has as its body: ``json``, ``text``, ``blob`` or ``none``."""
        return {
            status: _kind(content)
            for status, content in self.responses.items()
            if re.fullmatch(r"2\d\d", status)
        }

    @cached_property
    def stream(self) -> str | None:
        """The media type of a stream; None for any other operation."""
        for status in self.answers:
            content = self.responses[status]
            if _JSON not in content:
                return next((name for name in (_SSE, *_LINES) if name in content), None)
        return None

    @property
    def is_live(self) -> bool:
        """Whether it streams a list and then its changes."""
        return is_live_list(self.operation.details)

    @property
    def item(self) -> Any:
        """The schema of one item of a stream."""
        name = str(self.stream)
        found = next(each[name] for each in self.responses.values() if name in each)
        schema = media_schema(name, found)
        return schema.get("properties", {}).get("data", True) if name == _SSE else schema

    @cached_property
    def body(self) -> str | None:
        """How a body is sent that is not JSON: ``multipart``, ``form`` or ``raw``."""
        body = self.operation.details.get("requestBody")
        if body is None:
            return None
        content = _resolved(self.document, body).get("content", {})
        if _JSON in content or not content:
            return None
        return next((kind for name, kind in _FORMS.items() if name in content), "raw")

    @cached_property
    def paging(self) -> Paging | None:
        """How its pages follow each other; None for an operation without pages."""
        schema = self.responses.get("200", {}).get(_JSON, {}).get("schema")
        names = {each["name"] for each in self.parameters if each.get("in") == "query"}
        kinds = [kind for kind in ("offset", "page", "cursor") if kind in names]
        if schema is None or not kinds or self.operation.method != "get":
            return None
        properties = _resolved(self.document, schema).get("properties", {})
        lists = [name for name, each in properties.items() if _is_list(self.document, each)]
        rows = next((name for name in ("items", "results") if name in lists), None)
        if rows is None and len(lists) == 1:
            rows = lists[0]
        return Paging(kinds[0], rows) if rows else None

    @cached_property
    def parameters(self) -> list[Mapping[str, Any]]:
        """Its parameters, those of its path among them."""
        shared = self.document.openapi["paths"][self.operation.path].get("parameters", [])
        own = self.operation.details.get("parameters", [])
        return [_resolved(self.document, each) for each in (*shared, *own)]

    @property
    def takes_key(self) -> bool:
        """Whether it accepts an ``Idempotency-Key``."""
        return any(
            each["in"] == "header" and each["name"].lower() == "idempotency-key"
            for each in self.parameters
        )

    @property
    def details(self) -> str:
        """What the runtime must know beside the method and the path, as an argument: ``, { body: "form" }``."""
        found = []
        if self.body:
            found.append(f"body: {literal(self.body)}")
        if not self.stream and self.answers != {"200": "json"}:
            answers = ", ".join(f"{key}: {literal(kind)}" for key, kind in self.answers.items())
            found.append(f"answers: {{ {answers} }}" if answers else "answers: {}")
            if not {"json", "none"} & {*self.answers.values()}:
                types = {name for status in self.answers for name in self.responses[status]}
                found.append(f"accept: {literal(', '.join(sorted(types)))}")
        if self.takes_key:
            found.append("keyed: true")
        return f", {{ {', '.join(found)} }}" if found else ""


def emit(document: Document, options: TypeScriptSettings) -> dict[str, str]:
    """Return ``client.ts`` and ``api.ts``, ``streams.ts`` for an API with streams, and files for one with live lists."""
    endpoints = endpoints_of(document)
    files = {"client.ts": runtime("client"), "api.ts": _api(endpoints)}
    if any(each.stream for each in endpoints):
        files["streams.ts"] = runtime("streams")
    if any(each.is_live for each in endpoints):
        files["live.ts"] = runtime("live")
        if options.REACT:
            files["live-react.ts"] = runtime("live-react")
    return files


def runtime(name: str) -> str:
    """Return the text of a file in ``runtime/``."""
    return (Path(__file__).parent / "runtime" / f"{name}.ts").read_text(encoding="utf-8")


def endpoints_of(document: Document) -> list[Endpoint]:
    """Return the operations of a document, each with names of its own among all exports of ``api.ts``."""
    names = Names(KEYWORDS)
    for group in dict.fromkeys(each.group for each in document.operations):
        names.add(group)
    found = []
    for operation in document.operations:
        name = names.add(_joined(operation.group, operation.verb))
        endpoint = Endpoint(operation, name, "", document)
        if endpoint.paging:
            verb = "pages" if operation.verb == "list" else f"{operation.verb}Pages"
            paging_name = names.add(_joined(operation.group, verb))
            endpoint = Endpoint(operation, name, paging_name, document)
        found.append(endpoint)
    return found


def _comment(operation: DocumentedOperation, indent: str = "") -> str:
    """Return what the document says about an operation, as a doc comment with a line break; empty if it says nothing."""
    details = operation.details
    lines = text_lines(details.get("description")) or text_lines(details.get("summary"))
    return doc_comment([*lines, "@deprecated"] if operation.deprecated else lines, indent)


def _api(endpoints: list[Endpoint]) -> str:
    parts = [_imports(endpoints)] if endpoints else []
    parts += [declaration for each in endpoints for declaration in _declarations(each)]
    groups: dict[str, list[Endpoint]] = {}
    for each in endpoints:
        groups.setdefault(each.group, []).append(each)
    parts += [_object(group, members) for group, members in groups.items()]
    return "\n".join(parts) or "export {};\n"


def _imports(endpoints: list[Endpoint]) -> str:
    used = {
        "call": any(not each.stream for each in endpoints),
        "pages": any(each.paging for each in endpoints),
    }
    names = ", ".join(f"{name} as ${name}" for name, is_used in used.items() if is_used)
    lines = [f'import {{ {names} }} from "./client";\n'] if names else []
    lines.append('import type { operations } from "./schema";\n')
    if any(each.stream for each in endpoints):
        lines.append('import { stream as $stream } from "./streams";\n')
    return "".join(lines)


def _declarations(endpoint: Endpoint) -> Iterator[str]:
    operation = endpoint.operation
    start = f"export const {endpoint.name} = /* @__PURE__ */ "
    where = f"{literal(operation.method.upper())}, {literal(operation.path)}"
    made = "$stream" if endpoint.stream else "$call"
    if endpoint.stream:
        where += f", {literal(endpoint.stream)}"
    yield f"{_comment(operation)}{start}{made}<{endpoint.type}>({where}{endpoint.details});\n"
    if endpoint.paging:
        rows = literal(endpoint.paging.rows)
        yield (
            f"/** Iterate over the rows of all pages. */\n"
            f"export const {endpoint.paging_name} = /* @__PURE__ */ "
            f"$pages<{endpoint.type}, {rows}>({endpoint.name}, {literal(endpoint.paging.kind)}, {rows});\n"
        )


def _object(group: str, members: list[Endpoint]) -> str:
    lines = []
    taken = {each.verb for each in members}
    for each in members:
        lines.append(f"{_comment(each.operation, '  ')}  {property_key(each.verb)}: {each.name},\n")
        if each.paging:
            verb = "pages" if each.verb == "list" else f"{each.verb}Pages"
            while verb in taken:
                verb += "_"
            taken.add(verb)
            lines.append(f"  {property_key(verb)}: {each.paging_name},\n")
    return f"export const {group} = {{\n{''.join(lines)}}};\n"


def _joined(group: str, verb: str) -> str:
    return group + verb[:1].upper() + verb[1:]


def _kind(content: Mapping[str, Any]) -> str:
    if not content:
        return "none"
    if _JSON in content:
        return "json"
    return "text" if all(name.startswith("text/") for name in content) else "blob"


def _resolved(document: Document, part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a chain of references leads to, and any other part as it is."""
    for _ in range(10):
        if "$ref" not in part:
            break
        part = resolve(document.openapi, part)
    return part


def _is_list(document: Document, schema: Mapping[str, Any]) -> bool:
    return _resolved(document, schema).get("type") == "array"
