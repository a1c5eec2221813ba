"""``schema.d.ts``: a type for each component, and ``paths``, ``components`` and ``operations`` as openapi-fetch reads them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django_matt.contrib.typescript.comments import doc_comment, schema_comment, text_lines
from django_matt.contrib.typescript.documents import METHODS, Document, DocumentedOperation
from django_matt.contrib.typescript.places import (
    body_direction,
    chosen_media,
    media_schema,
    places,
    resolve,
)
from django_matt.contrib.typescript.references import References
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import BRANDS, Direction, TypeWriter, property_key

__all__ = ["declare_brands", "declare_types", "emit", "refer"]

SOURCES = ("query", "header", "path", "cookie")
PARAMETERS_OF_NO_PATH = "".join(f"      {source}?: never;\n" for source in SOURCES)
BRAND_TEXT = {
    "DecimalText": "A decimal number as text, such as a price: it has digits that a number of JavaScript would lose.",
    **{
        name: f"Text that `Temporal.{name.removesuffix('Text')}.from()` reads."
        for name in BRANDS.values()
    },
}


def emit(document: Document, options: TypeScriptSettings) -> dict[str, str]:
    """Return ``schema.d.ts``."""
    references = refer(document, options)
    writer = TypeWriter(document.schemas, references.name, options)
    types = "".join(declare_types(references, writer))
    ids = _operation_keys(document.operations)
    parts = [
        types,
        *_paths(document, ids, writer),
        "export type webhooks = Record<string, never>;\n\n",
        *_components(document, references, writer, options),
        "export type $defs = Record<string, never>;\n\n",
        "export interface operations {\n",
        *(
            _operation(each, ids[each.id], document, writer, options)
            for each in document.operations
        ),
        "}\n",
    ]
    text = "".join(parts)
    return {"schema.d.ts": "".join(declare_brands(writer.used)) + text}


def refer(document: Document, options: TypeScriptSettings) -> References:
    """Return the names of the document's components, which are the same in every file that is written."""
    differences = {"hidden", "file"}
    differences |= {"date"} if options.DATES == "temporal" else set()
    differences |= {"decimal"} if options.DECIMALS == "brand" else set()
    return References(document.schemas, places(document.openapi), document.classes, differences)


def declare_types(references: References, writer: TypeWriter) -> Iterator[str]:
    """Yield an ``export type`` for each component."""
    for each in references.declarations:
        comment = schema_comment(each.schema, "")
        text = writer.write(each.schema, each.direction)
        yield f"{comment}export type {each.name} ={'' if text[0] == chr(10) else ' '}{text};\n\n"


def declare_brands(used: Iterable[str]) -> Iterator[str]:
    """Yield the types of texts that ``DATES`` and ``DECIMALS`` name, as far as they are used."""
    for name in sorted(used):
        comment = doc_comment([BRAND_TEXT[name]], "")
        yield f'{comment}export type {name} = string & {{ readonly __brand: "{name}" }};\n\n'


def _operation_keys(operations: Iterable[DocumentedOperation]) -> dict[str, str]:
    return {each.id: property_key(each.id) for each in operations}


def _paths(document: Document, ids: Mapping[str, str], writer: TypeWriter) -> Iterator[str]:
    by_path: dict[str, dict[str, DocumentedOperation]] = {}
    for each in document.operations:
        by_path.setdefault(each.path, {})[each.method] = each
    yield "export interface paths {\n"
    for path, item in document.openapi.get("paths", {}).items():
        shared = _parameters(document, item.get("parameters", ()), writer, "    ")
        yield f"  {property_key(path)}: {{\n    parameters: {{\n{shared or PARAMETERS_OF_NO_PATH}    }};\n"
        for method in METHODS:
            found = by_path.get(path, {}).get(method)
            if found is None:
                yield f"    {method}?: never;\n"
                continue
            key = ids[found.id]
            quoted = key if key.startswith('"') else f'"{key}"'
            yield f"{_operation_comment(found, '    ')}    {method}: operations[{quoted}];\n"
        yield "  };\n"
    yield "}\n\n"


def _components(
    document: Document, references: References, writer: TypeWriter, options: TypeScriptSettings
) -> Iterator[str]:
    yield "export interface components {\n"
    if document.schemas:
        yield "  schemas: {\n"
        for name in document.schemas:
            yield f"    {property_key(name)}: {references.main_name(name)};\n"
        yield "  };\n"
    else:
        yield "  schemas: never;\n"
    responses = document.openapi.get("components", {}).get("responses", {})
    if responses:
        yield "  responses: {\n"
        for name, response in responses.items():
            comment = doc_comment(text_lines(response.get("description")), "    ")
            body = _response(document, response, writer, options, "    ")
            yield f"{comment}    {property_key(name)}: {body};\n"
        yield "  };\n"
    else:
        yield "  responses: never;\n"
    for part in ("parameters", "requestBodies", "headers", "pathItems"):
        yield f"  {part}: never;\n"
    yield "}\n\n"


def _operation_comment(operation: DocumentedOperation, indent: str) -> str:
    details = operation.details
    lines = text_lines(details.get("summary"))
    description = text_lines(details.get("description"))
    if description and description != lines:
        lines += ["", *description] if lines else description
    return doc_comment([*lines, *(["@deprecated"] if operation.deprecated else [])], indent)


def _operation(
    operation: DocumentedOperation,
    key: str,
    document: Document,
    writer: TypeWriter,
    options: TypeScriptSettings,
) -> str:
    details = operation.details
    parts = [_operation_comment(operation, "  "), f"  {key}: {{\n    parameters: {{\n"]
    given = [
        *document.openapi["paths"][operation.path].get("parameters", ()),
        *details.get("parameters", ()),
    ]
    parts += [_parameters(document, given, writer, "    ") or PARAMETERS_OF_NO_PATH, "    };\n"]
    body = resolve(document.openapi, details.get("requestBody") or {})
    if body.get("content"):
        mark = "" if body.get("required") else "?"
        content = _content(body["content"], None, writer, options, "      ")
        parts.append(f"    requestBody{mark}: {{\n      content: {content};\n    }};\n")
    else:
        parts.append("    requestBody?: never;\n")
    parts.append("    responses: {\n")
    for status, response in details.get("responses", {}).items():
        name = status if status.isdigit() else property_key(status)
        reference = str(response.get("$ref", ""))
        if reference.startswith("#/components/responses/"):
            target = property_key(reference.rpartition("/")[2])
            target = target if target.startswith('"') else f'"{target}"'
            parts.append(f'      {name}: components["responses"][{target}];\n')
            continue
        comment = doc_comment(text_lines(response.get("description")), "      ")
        written = _response(document, response, writer, options, "      ")
        parts.append(f"{comment}      {name}: {written};\n")
    parts.append("    };\n  };\n")
    return "".join(parts)


def _parameters(
    document: Document, given: Iterable[Mapping[str, Any]], writer: TypeWriter, indent: str
) -> str:
    """Return the four groups of parameters, "" if there are none; one of the operation replaces one of the path."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in given:
        parameter = resolve(document.openapi, each)
        if parameter.get("in") in SOURCES:
            found.setdefault(parameter["in"], {})[parameter["name"]] = parameter
    if not found:
        return ""
    inner = f"{indent}    "
    parts = []
    for source in SOURCES:
        parameters = found.get(source)
        if not parameters:
            parts.append(f"{indent}  {source}?: never;\n")
            continue
        lines = []
        for name, parameter in parameters.items():
            schema = parameter.get("schema", True)
            required = source == "path" or parameter.get("required")
            texts = ("description", "deprecated")
            told = {key: parameter[key] for key in texts if key in parameter}
            comment = schema_comment(
                {**schema, **told} if isinstance(schema, dict) else told, inner
            )
            text = writer.write(schema, "text", len(inner) // 2)
            separator = "" if text.startswith("\n") else " "
            lines.append(
                f"{comment}{inner}{property_key(name)}{'' if required else '?'}:{separator}{text};\n"
            )
        optional = source != "path" and not any(p.get("required") for p in parameters.values())
        mark = "?" if optional else ""
        parts.append(f"{indent}  {source}{mark}: {{\n{''.join(lines)}{indent}  }};\n")
    return "".join(parts)


def _response(
    document: Document,
    response: Mapping[str, Any],
    writer: TypeWriter,
    options: TypeScriptSettings,
    indent: str,
) -> str:
    response = resolve(document.openapi, response)
    inner = f"{indent}  "
    headers = []
    for name, header in (response.get("headers") or {}).items():
        header = resolve(document.openapi, header)  # noqa: PLW2901 - a reference or what it refers to
        mark = "" if header.get("required") else "?"
        text = writer.write(header.get("schema", True), "text", len(inner) // 2 + 1)
        separator = "" if text.startswith("\n") else " "
        headers.append(f"{inner}  {property_key(name)}{mark}:{separator}{text};\n")
    named = "".join(headers)
    content = "content?: never"
    if response.get("content"):
        content = f"content: {_content(response['content'], 'out', writer, options, inner)}"
    return (
        f"{{\n{inner}headers: {{\n{named}{inner}  [name: string]: unknown;\n{inner}}};\n"
        f"{inner}{content};\n{indent}}}"
    )


def _content(
    content: Mapping[str, Any],
    direction: Direction | None,
    writer: TypeWriter,
    options: TypeScriptSettings,
    indent: str,
) -> str:
    lines = []
    for name, media in chosen_media(content, options):
        way = direction or body_direction(name)
        text = writer.write(media_schema(name, media), way, len(indent) // 2 + 1)
        separator = "" if text.startswith("\n") else " "
        lines.append(f"{indent}  {property_key(name)}:{separator}{text};\n")
    return f"{{\n{''.join(lines)}{indent}}}"
