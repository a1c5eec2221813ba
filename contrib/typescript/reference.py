"""The reference of an API in Markdown: an index, and a page for each group of operations."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from django_matt.contrib.typescript.documents import Document, DocumentedOperation
from django_matt.contrib.typescript.markdown import anchor, code, escape, prose
from django_matt.contrib.typescript.schema_tables import (
    describe_fields,
    describe_type,
    find_components,
)

__all__ = ["write_reference"]

_SERVER: Final = "https://example.com"


def write_reference(document: Document) -> dict[str, str]:
    """Return the pages by file name; ``index.md`` is among them. The same document gives the same bytes."""
    ordered = sorted(document.operations, key=lambda each: _first_of(document, each.group))
    groups = {name: list(each) for name, each in groupby(ordered, key=lambda each: each.group)}
    files = _name_files(groups)
    pages = {"index.md": _index(document, groups, files)}
    for name, operations in groups.items():
        pages[files[name]] = _page(document, _title(name, operations), operations)
    return pages


def _first_of(document: Document, group: str) -> int:
    return next(n for n, each in enumerate(document.operations) if each.group == group)


def _name_files(groups: Mapping[str, Any]) -> dict[str, str]:
    """Return a file name for each group, also on disks that do not tell apart upper and lower case."""
    used, found = {"index"}, dict[str, str]()
    for name in groups:
        slug = wanted = re.sub(r"[^\w.-]+", "-", name).strip(".-").lower() or "operations"
        number = 1
        while slug in used:
            number += 1
            slug = f"{wanted}-{number}"
        used.add(slug)
        found[name] = f"{slug}.md"
    return found


def _title(name: str, operations: Sequence[DocumentedOperation]) -> str:
    """Return the tag that all operations of a group share, or the name of the group."""
    tags = {(each.details.get("tags") or [None])[0] for each in operations}
    only = tags.pop() if len(tags) == 1 else None
    return str(only or name)


def _index(
    document: Document,
    groups: Mapping[str, Sequence[DocumentedOperation]],
    files: Mapping[str, str],
) -> str:
    info = document.openapi.get("info") or {}
    lines = [f"# {escape(info.get('title', 'API'))} {escape(info.get('version', ''))}".rstrip(), ""]
    lines += _paragraphs(info.get("description"))
    for name, operations in groups.items():
        lines += [f"## [{escape(_title(name, operations))}]({files[name]})", ""]
        lines += _paragraphs(_tag_description(document, _title(name, operations)))
        lines += ["| operation | summary |", "|---|---|"]
        for each in operations:
            address = f"{files[name]}#{anchor(each.id)}"
            marked = " **Deprecated.**" if each.deprecated else ""
            summary = f"{escape(_summary(each))}{marked}"
            lines.append(
                f"| [{code(f'{each.method.upper()} {each.path}')}]({address}) | {summary} |"
            )
        lines.append("")
    return _join(lines)


def _tag_description(document: Document, tag: str) -> str | None:
    tags = document.openapi.get("tags") or ()
    return next((each.get("description") for each in tags if each.get("name") == tag), None)


def _page(document: Document, title: str, operations: Sequence[DocumentedOperation]) -> str:
    lines = [f"# {escape(title)}", "", "[All operations](index.md)", ""]
    lines += _paragraphs(_tag_description(document, title))
    for each in operations:
        lines += _operation(document, each)
    used = find_components(document.openapi, [each.details for each in operations])
    if used:
        lines += ["## Schemas", ""]
    for name in used:
        schema = document.schemas[name]
        lines += [f'<a id="schema-{anchor(name)}"></a>', "", f"### {escape(name)}", ""]
        lines += _paragraphs(schema.get("description") if isinstance(schema, Mapping) else None)
        lines += _fields(schema)
    return _join(lines)


def _operation(document: Document, operation: DocumentedOperation) -> Iterator[str]:
    details = operation.details
    yield from (f'<a id="{anchor(operation.id)}"></a>', "", f"## {escape(_summary(operation))}", "")
    yield from ("```http", f"{operation.method.upper()} {operation.path}", "```", "")
    if operation.deprecated:
        yield from (f"**Deprecated.** {_lifecycle(details)}".rstrip(), "")
    yield from _paragraphs(details.get("description"))
    yield from (f"Authentication: {_authentication(document, details)}", "")
    yield from _parameters(document, details.get("parameters") or ())
    body = _follow(document, details.get("requestBody"))
    for media_type, content in (body.get("content") or {}).items():
        needed = "required" if body.get("required") else "optional"
        yield from (
            f"**Body**, {needed}, {code(media_type)}: {describe_type(content.get('schema', {}))}",
            "",
        )
        yield from _inline(content.get("schema", {}))
    yield from _responses(document, details.get("responses") or {})
    yield from ("```console", *_curl(document, operation), "```", "")


def _lifecycle(details: Mapping[str, Any]) -> str:
    since, sunset = details.get("x-deprecated-since"), details.get("x-sunset")
    parts = [f"since {since}" if since else "", f"works until {sunset}" if sunset else ""]
    text = ", ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _authentication(document: Document, details: Mapping[str, Any]) -> str:
    found = details.get("security", document.openapi.get("security")) or []
    choices = []
    for requirement in found:
        names = [
            f"{code(name)} (scopes: {', '.join(map(code, scopes))})" if scopes else code(name)
            for name, scopes in requirement.items()
        ]
        choices.append(" and ".join(names) or "none")
    return ", or ".join(choices) or "none"


def _parameters(document: Document, parameters: Sequence[Any]) -> Iterator[str]:
    if not parameters:
        return
    yield from (
        "| parameter | in | type | required | default | limits | description |",
        "|---|---|---|---|---|---|---|",
    )
    for given in parameters:
        each = _follow(document, given)
        schema = each.get("schema", {})
        row = describe_fields({"properties": {each.get("name"): schema}, "required": ()})[0]
        name = f"{row.name} (deprecated)" if each.get("deprecated") else row.name
        needed = "yes" if each.get("required") else "no"
        text = escape(each.get("description") or row.description)
        yield f"| {name} | {escape(each.get('in'))} | {row.type} | {needed} | {row.default} | {row.limits} | {text} |"
    yield ""


def _fields(schema: Any) -> Iterator[str]:
    rows = describe_fields(schema)
    if not rows:
        yield from (describe_type(schema), "")
        return
    yield from (
        "| field | type | required | default | limits | description |",
        "|---|---|---|---|---|---|",
    )
    for row in rows:
        needed = "yes" if row.required else "no"
        yield f"| {row.name} | {row.type} | {needed} | {row.default} | {row.limits} | {escape(row.description)} |"
    yield ""


def _inline(schema: Any) -> Iterator[str]:
    """Show the fields of a schema that is written in place; one with a name has a table of its own."""
    if isinstance(schema, Mapping) and "$ref" not in schema and describe_fields(schema):
        yield from _fields(schema)


def _responses(document: Document, responses: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| status | body | description |", "|---|---|---|")
    inline = []
    for status, given in responses.items():
        each = _follow(document, given)
        bodies = []
        for media_type, content in (each.get("content") or {}).items():
            schema = content.get("schema", {})
            bodies.append(f"{describe_type(schema)} ({code(media_type)})")
            inline += [schema] if str(status).startswith("2") else []
        text = escape(each.get("description", ""))
        yield f"| {escape(status)} | {'<br>'.join(bodies) or 'none'} | {text} |"
    yield ""
    for schema in inline[:1]:
        yield from _inline(schema)


def _curl(document: Document, operation: DocumentedOperation) -> Iterator[str]:
    """Return an example of a request, with a value for everything that is required."""
    from django_matt.testing.samples import Samples

    samples = Samples(document.openapi, {})
    path, query, headers = operation.path, [], []
    for given in operation.details.get("parameters") or ():
        each = _follow(document, given)
        if each.get("in") == "path":
            path = path.replace(f"{{{each['name']}}}", str(samples.value(each.get("schema", {}))))
        elif each.get("required") and each.get("in") in {"query", "header"}:
            value = samples.value(each.get("schema", {}))
            if each["in"] == "query":
                query.append(f"{each['name']}={_text(value)}")
            else:
                headers.append(f"{each['name']}: {_text(value)}")
    servers = document.openapi.get("servers") or ()
    server = next((str(each.get("url", "")) for each in servers), "")
    address = f"{server.rstrip('/') if '://' in server else _SERVER}{path}"
    parts = [
        f"curl -X {operation.method.upper()} {shlex.quote(address + ('?' + '&'.join(query) if query else ''))}"
    ]
    headers += _credentials(document, operation.details)
    body = _follow(document, operation.details.get("requestBody"))
    bodies: Mapping[str, Any] = body.get("content") or {}
    media_type = next(iter(bodies), None)
    if media_type == "application/json":
        headers.append("Content-Type: application/json")
    parts += [f"-H {shlex.quote(each)}" for each in headers]
    if media_type is not None:
        value = samples.value(bodies[media_type].get("schema", {}))
        if media_type == "application/json":
            parts.append(f"-d {shlex.quote(json.dumps(value, ensure_ascii=False))}")
        elif isinstance(value, Mapping):
            option = "-F" if media_type == "multipart/form-data" else "--data-urlencode"
            parts += [
                f"{option} {shlex.quote(f'{key}={_text(each)}')}" for key, each in value.items()
            ]
    for number, part in enumerate(parts):
        start = "$ " if number == 0 else "    "
        yield f"{start}{part}{'' if number == len(parts) - 1 else ' ' + chr(92)}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _credentials(document: Document, details: Mapping[str, Any]) -> Iterator[str]:
    """Yield headers for the first choice of credentials; cookies are a session's, which no example has."""
    schemes = (document.openapi.get("components") or {}).get("securitySchemes") or {}
    found = details.get("security", document.openapi.get("security")) or [{}]
    for name in found[0]:
        scheme = schemes.get(name) or {}
        if scheme.get("type") == "http":
            yield f"Authorization: {str(scheme.get('scheme', 'bearer')).capitalize()} $TOKEN"
        elif scheme.get("type") == "apiKey" and scheme.get("in") == "header":
            yield f"{scheme.get('name')}: $KEY"


def _follow(document: Document, part: Any) -> Mapping[str, Any]:
    """Return what a part refers to, or the part itself; an empty mapping for nothing."""
    for _ in range(10):
        if not isinstance(part, Mapping) or "$ref" not in part:
            break
        found: Any = document.openapi
        for key in str(part["$ref"]).removeprefix("#/").split("/"):
            name = key.replace("~1", "/").replace("~0", "~")
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        part = found
    return part if isinstance(part, Mapping) else {}


def _summary(operation: DocumentedOperation) -> str:
    return str(operation.details.get("summary") or operation.verb)


def _paragraphs(text: object) -> list[str]:
    return [prose(str(text)), ""] if text else []


def _join(lines: Sequence[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
