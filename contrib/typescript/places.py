"""Where a document has schemas, and in which direction each goes."""

from collections.abc import Iterator, Mapping
from typing import Any

from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import Direction

__all__ = ["body_direction", "chosen_media", "is_live_list", "media_schema", "places", "resolve"]

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
STREAM = "text/event-stream"


def places(openapi: Mapping[str, Any]) -> Iterator[tuple[Direction, Any]]:
    """Yield each schema of the paths and of the shared responses, with its direction."""
    for item in openapi.get("paths", {}).values():
        for each in item.get("parameters", ()):
            yield "text", resolve(openapi, each).get("schema")
        for operation in item.values():
            if isinstance(operation, dict):
                yield from _operation_places(openapi, operation)
    for response in openapi.get("components", {}).get("responses", {}).values():
        yield from _contents("out", response)


def _operation_places(
    openapi: Mapping[str, Any], operation: Mapping[str, Any]
) -> Iterator[tuple[Direction, Any]]:
    for each in operation.get("parameters", ()):
        yield "text", resolve(openapi, each).get("schema")
    for name, media in (
        resolve(openapi, operation.get("requestBody", {})).get("content", {}).items()
    ):
        yield body_direction(name), media_schema(name, media)
    for response in operation.get("responses", {}).values():
        if "$ref" not in response:
            yield from _contents("out", response)


def _contents(direction: Direction, part: Mapping[str, Any]) -> Iterator[tuple[Direction, Any]]:
    for name, media in part.get("content", {}).items():
        yield direction, media_schema(name, media)
    for header in part.get("headers", {}).values():
        yield direction, header.get("schema")


def body_direction(media_type: str) -> Direction:
    """Return ``"form"`` or ``"in"``: a file is a ``Blob`` in a form, and text in JSON."""
    return "form" if media_type.startswith(FORMS) else "in"


def media_schema(media_type: str, media: Mapping[str, Any]) -> Any:
    """Return the schema of a body; of a stream, that of one item.

    The data of a server-sent event is text with JSON, whose schema is ``contentSchema`` (JSON Schema 2020-12, Validation,
    8.5); OpenAPI 3.2 has ``itemSchema`` for all streams.
    """
    schema = media.get("itemSchema", media.get("schema", True))
    if media_type.startswith(STREAM) and isinstance(schema, dict):
        properties = {
            name: each.get("contentSchema", each) if isinstance(each, dict) else each
            for name, each in schema.get("properties", {}).items()
        }
        return {**schema, "properties": properties} if properties else schema
    return schema


def chosen_media(
    content: Mapping[str, Any], options: TypeScriptSettings
) -> Iterator[tuple[str, Any]]:
    """Yield the media types to write; with ``MEDIA="json"``, JSON and forms alone if the body has one of them."""
    chosen = [
        name
        for name in content
        if name.startswith(("application/json", *FORMS)) or name.split(";")[0].endswith("+json")
    ]
    for name in chosen if chosen and options.MEDIA == "json" else content:
        yield name, content[name]


def resolve(openapi: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a Reference Object refers to, such as ``#/components/parameters/page``."""
    pointer = part.get("$ref")
    found: Any = openapi if pointer else part
    for key in str(pointer).split("/")[1:] if pointer else ():
        found = found.get(key.replace("~1", "/").replace("~0", "~"), {})
    return found if isinstance(found, dict) else {}


def is_live_list(details: Mapping[str, Any]) -> bool:
    """Return whether an operation streams a list and then its changes: the events ``list``, ``upsert`` and ``remove``."""
    response = details.get("responses", {}).get("200") or details.get("responses", {}).get(200, {})
    media = response.get("content", {}).get(STREAM, {})
    events = {
        each.get("properties", {}).get("event", {}).get("const")
        for each in media.get("schema", {}).get("oneOf", ())
    }
    return {"list", "upsert", "remove"} <= events
