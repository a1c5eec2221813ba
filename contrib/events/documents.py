"""The AsyncAPI 3.0 document of an API: the events of the project, and the streams and sockets of other apps."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from inspect import cleandoc
from typing import Any

from django.apps import apps
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, path
from django.utils.translation import get_language
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from django_matt.contrib.events.schemas import registered
from django_matt.event_log import Channel, DescribesChannels
from django_matt.pages import send_tagged, tag

__all__ = ["asyncapi_json", "build_document", "open_document"]

_NAME = "asyncapi.json"
_REFERENCES = "#/components/schemas/{model}"
_ENVELOPE: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid", "description": "The same at each attempt."},
    "position": {"type": "integer", "description": "The place in the log."},
    "key": {"type": "string", "description": "Events with the same key are in order."},
    "tenant": {"type": "string"},
    "created": {"type": "string", "format": "date-time"},
}
"""What an event has beside its data: ``django_matt.event_log.LoggedEvent``."""


def open_document(api: Any) -> None:
    """Serve the document beside the API's OpenAPI document, to those who may read that one, and link it from there."""
    if not api.openapi_url:
        return
    folder = "".join(api.openapi_url.lstrip("/").rpartition("/")[:2])

    def view(request: HttpRequest, **parameters: Any) -> HttpResponseBase:
        # At each request, as another app may turn the documents off, or close them, after this one has extended the API.
        if not api.openapi_url:
            raise Http404
        decorate = api.docs_decorator or (lambda view: view)
        response: HttpResponseBase = decorate(partial(asyncapi_json, api=api, folder=folder))(
            request, **parameters
        )
        return response

    def link(document: dict[str, Any]) -> None:
        try:
            url = f"{api.get_root_path({})}{folder}{_NAME}"
        except NoReverseMatch:
            return  # the path of the API has parameters
        document.setdefault("externalDocs", {"url": url, "description": "AsyncAPI document"})

    api.mount_views(folder, [path(_NAME, view, name="asyncapi-json")])
    api.add_openapi(link)


def asyncapi_json(
    request: HttpRequest, api: Any, folder: str, **parameters: Any
) -> HttpResponseBase:
    """Return the document in the language of the request."""
    root = request.path.removesuffix(f"{folder}{_NAME}")
    return send_tagged(request, _encoded(api, root, get_language()))


@lru_cache(maxsize=32)
def _encoded(api: Any, root: str, language: str | None) -> tuple[bytes, str]:
    return tag(json.dumps(build_document(api, root), ensure_ascii=False).encode())


def build_document(api: Any, root: str = "/") -> dict[str, Any]:
    """Return the document of an API that is mounted at ``root``."""
    info = {"title": str(api.title), "version": str(api.version)}
    if api.description:
        info["description"] = str(api.description)
    document = _Document()
    for schema in registered.values():
        document.add_event(schema)
    for each in _channels(api):
        document.add_channel(each, root)
    return {
        "asyncapi": "3.0.0",
        "info": info,
        "defaultContentType": "application/json",
        "channels": document.channels,
        "operations": document.operations,
        "components": {"schemas": document.schemas()},
    }


def _channels(api: Any) -> Iterator[Channel]:
    for app in apps.get_app_configs():
        if isinstance(app, DescribesChannels):
            yield from app.channels(api)


class _Document:
    """Collects the types of all messages first, so that two with the same name get different names."""

    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self._payloads: list[tuple[Any, JsonSchemaMode, dict[str, Any]]] = []

    def add_event(self, schema: Any) -> None:
        """Add the channel of a topic, and that the project sends its events."""
        topic = schema.topic
        version = {"const": schema.version, "description": "The version of the data."}
        message = {
            "name": topic,
            "title": schema.__name__,
            "headers": {"type": "object", "properties": {**_ENVELOPE, "version": version}},
            "x-version": schema.version,
        }
        if schema.__doc__:
            message["description"] = cleandoc(schema.__doc__)
        self._add(topic, topic, {schema.__name__: message}, "send")
        self._payloads.append((schema, "serialization", message))

    def add_channel(self, channel: Channel, root: str) -> None:
        """Add a stream or a socket."""
        name = re.sub(r"[^a-zA-Z0-9]+", "_", channel.path).strip("_")
        while name in self.channels:
            name += "_"
        # The parameters without their converters: {int:room}.
        address = re.sub(r"{[^}]*:", "{", f"{root}{channel.path.lstrip('/')}")
        sides: tuple[tuple[str, JsonSchemaMode, Sequence[Any]], ...] = (
            ("send", "serialization", channel.sends),
            ("receive", "validation", channel.receives),
        )
        for action, mode, kinds in sides:
            messages = {}
            for number, kind in enumerate(kinds, 1):
                message = messages[f"{action}{number}"] = {"title": _title(kind)}
                self._payloads.append((kind, mode, message))
            self._add(name, address, messages, action)
        made = self.channels[name]
        if channel.description:
            made["description"] = channel.description
        if names := re.findall(r"{([^}]+)}", address):
            made["parameters"] = {each: {} for each in names}

    def _add(self, name: str, address: str, messages: dict[str, Any], action: str) -> None:
        channel = self.channels.setdefault(name, {"address": address, "messages": {}})
        if not messages:
            return
        channel["messages"] |= messages
        where = f"#/channels/{name}"
        self.operations[f"{action}.{name}"] = {
            "action": action,
            "channel": {"$ref": where},
            "messages": [{"$ref": f"{where}/messages/{each}"} for each in messages],
        }

    def schemas(self) -> dict[str, Any]:
        """Add the payloads to the messages, and return the schemas that they refer to."""
        adapters: list[tuple[int, JsonSchemaMode, TypeAdapter[Any]]] = [
            (number, mode, TypeAdapter(kind))
            for number, (kind, mode, _) in enumerate(self._payloads)
        ]
        found, shared = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCES)
        for number, (_, mode, message) in enumerate(self._payloads):
            message["payload"] = _as_draft_7(found[number, mode])
        defined: dict[str, Any] = _as_draft_7(shared.get("$defs", {}))
        return defined


def _title(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _as_draft_7(schema: Any) -> Any:
    """Return a schema of pydantic in the words of JSON Schema draft 7, which AsyncAPI extends."""
    if isinstance(schema, list):
        return [_as_draft_7(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: _as_draft_7(value) for name, value in schema.items()}
    if isinstance(found.get("prefixItems"), list):
        found["items"] = found.pop("prefixItems")
    if isinstance(found.get("discriminator"), Mapping) and "propertyName" in found["discriminator"]:
        # OpenAPI's; AsyncAPI has only the name, and asks for it in each schema by that name.
        del found["discriminator"]
    return found
