"""What a name means: the operations that a form, a table or a page is made of."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django_matt.contrib.typescript.clients import Endpoint, endpoints_of
from django_matt.contrib.typescript.declarations import refer
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.names import pascal, singular
from django_matt.contrib.typescript.places import resolve
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import REF
from django_matt.generation.orders import GenerationError
from django_matt.management.labels import suggest

__all__ = ["Resource", "contents_of", "find_resource"]

_JSON = "application/json"
_NEEDS = {
    "form": "an operation that takes a body (POST, PUT or PATCH)",
    "table": "a list without required parameters",
    "page": "a list without required parameters",
}


@dataclass(frozen=True)
class Resource:
    """The operations of one group of the client, as far as the API has them."""

    document: Document
    noun: str
    """What one of its objects is called: ``Product``."""
    list: Endpoint | None = None
    create: Endpoint | None = None
    show: Endpoint | None = None
    change: Endpoint | None = None
    delete: Endpoint | None = None

    @cached_property
    def row(self) -> Mapping[str, Any]:
        """The schema of an object in the list; empty without one."""
        return {} if self.list is None else _rows_of(self.list)

    @cached_property
    def item(self) -> Mapping[str, Any]:
        """The schema of the object that is edited."""
        return self.row if self.show is None else _answer_of(self.show)

    def key_of(self, endpoint: Endpoint, schema: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return the parameter in the path of an operation and the property of an object with its value."""
        (parameter,) = _in_path(endpoint)
        names = (parameter, parameter.rpartition("_")[2], "id", "pk")
        properties = resolve(self.document.openapi, schema).get("properties", {})
        found = next((name for name in names if name in properties), None)
        return None if found is None else (parameter, found)


def find_resource(
    document: Document, name: str, kind: str, options: TypeScriptSettings
) -> Resource:
    """Return the operations that ``name`` means: an operation, a schema, or a group such as ``products``.

    Raises ``GenerationError`` for an unknown name, and for one that ``kind`` cannot be made of.
    """
    endpoints = [each for each in endpoints_of(document) if not each.stream]
    for each in endpoints:
        if name in (each.name, each.operation.id, f"{each.group}.{each.verb}"):
            return _suited(_of_operation(document, endpoints, each), name, kind)
    if name in {each.group for each in endpoints}:
        return _suited(_of_group(document, endpoints, name), name, kind)
    names = refer(document, options).names
    components = {each for each, exported in names.items() if name in (each, exported)}
    if not components:
        known = {*names.values(), *(f"{each.group}.{each.verb}" for each in endpoints)}
        raise GenerationError(
            f"The API has no schema and no operation {name!r}.{suggest(name, known)}"
        )
    wanted = {f"{REF}{each}" for each in components}
    takes = [each for each in endpoints if _mentions(_bodies_of(each), wanted)]
    returns = [each for each in endpoints if _mentions([_answer_of(each), _rows_of(each)], wanted)]
    found = takes if kind == "form" else [*takes, *returns]
    if not found:
        others = (
            " It is in answers, so table and page work." if returns else " Name one of the others."
        )
        raise GenerationError(
            f"No operation takes {name}, so there is no {kind} for it: a {kind} needs {_NEEDS[kind]}.{others}"
        )
    # One that creates comes first, whatever the order of the API's code.
    first = min(found, key=lambda each: (each.operation.method != "post", len(_in_path(each))))
    return _suited(_of_operation(document, endpoints, first), name, kind)


def contents_of(endpoint: Endpoint) -> Mapping[str, Any]:
    """Return the schema of an operation's body for each media type."""
    body = resolve(endpoint.document.openapi, endpoint.operation.details.get("requestBody", {}))
    return {media: each.get("schema", {}) for media, each in body.get("content", {}).items()}


def _suited(resource: Resource, name: str, kind: str) -> Resource:
    missing = resource.list is None if kind != "form" else not (resource.create or resource.change)
    if missing:
        has = [each for each in ("list", "create", "change") if getattr(resource, each)]
        works = [
            each
            for each, is_there in (
                ("form", resource.create or resource.change),
                ("table and page", resource.list),
            )
            if is_there
        ]
        hint = f" {' and '.join(works).capitalize()} would work." if has else ""
        raise GenerationError(
            f"There is no {kind} for {name}: a {kind} needs {_NEEDS[kind]}, and {resource.noun} has none.{hint}"
        )
    return resource


def _of_operation(document: Document, endpoints: list[Endpoint], one: Endpoint) -> Resource:
    """Return the group of an operation. An operation with a body that is not the group's own is a form by itself."""
    group = _of_group(document, endpoints, one.group)
    if one in (group.create, group.change) or not contents_of(one):
        is_list = one.operation.method == "get" and _is_list(one)
        return replace(group, list=one) if is_list else group
    if _required(one) or _in_path(one):
        raise GenerationError(
            f"{one.group}.{one.verb} needs parameters beside its body, which a form does not ask for: "
            "write the form of another operation, and change its call."
        )
    return Resource(document, pascal(one.name), create=one)


def _of_group(document: Document, endpoints: list[Endpoint], group: str) -> Resource:
    ours = [each for each in endpoints if each.group == group and not _required(each)]
    found: dict[str, Endpoint] = {}
    usual = ("list", "create", "show", "get", "read", "change", "update", "patch", "delete")
    ours.sort(key=lambda each: usual.index(each.verb) if each.verb in usual else len(usual))
    for each in ours:
        method, keys = each.operation.method, len(_in_path(each))
        if method == "get" and not keys and _is_list(each):
            found.setdefault("list", each)
        elif method == "get" and keys == 1 and _answer_of(each):
            found.setdefault("show", each)
        elif method == "post" and not keys and contents_of(each):
            found.setdefault("create", each)
        elif method == "delete" and keys == 1:
            found.setdefault("delete", each)
        elif (method == "patch" or (method == "put" and "change" not in found)) and (
            keys == 1 and contents_of(each)
        ):
            # PATCH sends what has changed; PUT would send what another person has changed meanwhile.
            found["change"] = each
    return Resource(document, pascal(singular(group)), **found)


def _required(endpoint: Endpoint) -> list[str]:
    return [p["name"] for p in endpoint.parameters if p.get("required") and p["in"] != "path"]


def _in_path(endpoint: Endpoint) -> list[str]:
    return re.findall(r"\{([^}]+)\}", endpoint.operation.path)


def _answer_of(endpoint: Endpoint) -> Mapping[str, Any]:
    """Return the schema of the JSON of a success; empty without one."""
    for status in endpoint.answers:
        schema = endpoint.responses[status].get(_JSON, {}).get("schema")
        if isinstance(schema, dict):
            return schema
    return {}


def _rows_of(endpoint: Endpoint) -> Mapping[str, Any]:
    schema = resolve(endpoint.document.openapi, _answer_of(endpoint))
    if endpoint.paging:
        pages = schema.get("properties", {}).get(endpoint.paging.rows, {})
        schema = resolve(endpoint.document.openapi, pages)
    rows = schema.get("items")
    return rows if isinstance(rows, dict) else {}


def _is_list(endpoint: Endpoint) -> bool:
    return bool(resolve(endpoint.document.openapi, _rows_of(endpoint)).get("properties"))


def _bodies_of(endpoint: Endpoint) -> list[Any]:
    return list(contents_of(endpoint).values())


def _mentions(schemas: list[Any], references: set[str]) -> bool:
    return any(reference in references for each in schemas for reference in _references(each))


def _references(schema: Any) -> Iterator[str]:
    """Yield what a schema refers to by itself, or as one of its alternatives."""
    if isinstance(schema, dict):
        yield str(schema.get("$ref", ""))
        for keyword in ("anyOf", "oneOf", "allOf"):
            for each in schema.get(keyword, ()):
                yield from _references(each)
