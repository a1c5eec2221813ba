"""The columns of a table, and what its list can be asked for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django_matt.contrib.typescript.clients import Endpoint
from django_matt.contrib.typescript.components.fields import access
from django_matt.contrib.typescript.components.resources import Resource
from django_matt.contrib.typescript.places import resolve
from django_matt.contrib.typescript.types import REF, literal, object_key
from django_matt.forms import FieldDescription, describe
from django_matt.forms.schemas import humanize

__all__ = ["Column", "columns_of", "query_of"]

_MOST = 7
_SORTED = re.compile(r"^\^-\?\(([\w|]+)\)")


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    label: str
    cell: str
    """The expression of its text, of a ``row``."""
    is_number: bool
    is_sorted: bool


def columns_of(resource: Resource, endpoint: Endpoint) -> list[Column]:
    """Return the columns of a list: its first fields that are no key, no long text and no object without a name."""
    openapi = resource.document.openapi
    schema = resource.row
    name = str(schema.get("$ref", "")).removeprefix(REF)
    cls = resource.document.classes.get(name)
    described: Mapping[str, FieldDescription] = {}
    if cls is not None:
        # Aliases differ between what is sent and what is read; a name that is not found has the title of the document.
        described = {each.name: each for each in describe(cls).fields}
    sortable = query_of(endpoint)["sorted"]
    found: list[Column] = []
    for key, property_ in resolve(openapi, schema).get("properties", {}).items():
        each = described.get(key)
        if key == "id" or len(found) == _MOST or _is_long(each):
            continue
        title = str(property_.get("title") or humanize(key))
        options = dict(each.options) if each is not None else {}
        value = f"row{access(key)}"
        if each is not None and each.kind in ("date", "datetime"):
            cell = f"shownDate({value})"
        elif options:
            pairs = ", ".join(
                f"{object_key(_text(value))}: {literal(label)}" for value, label in options.items()
            )
            cell = f"shown({value}, {{ {pairs} }})"
        else:
            cell = f"shown({value})"
        is_number = each is not None and each.kind in ("integer", "number", "decimal")
        is_number = is_number and not options and not (each and (each.many or each.relation))
        label = each.label if each is not None else title
        found.append(Column(key, label, cell, is_number, key in sortable))
    return found


def query_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return what a list can be asked for: its search, its order and the size of its pages."""
    query = {
        each["name"]: each.get("schema", {})
        for each in endpoint.parameters
        if each["in"] == "query"
    }
    ordering = next((name for name in ("ordering", "order_by", "sort") if name in query), "")
    return {
        "search": "search" if "search" in query else "",
        "ordering": ordering,
        "sorted": set(_sorted(query.get(ordering, {}))),
        "size": next((name for name in ("limit", "page_size") if name in query), ""),
    }


def _sorted(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that an order may have, as far as the document says them."""
    for each in (schema, *schema.get("anyOf", ())):
        if found := _SORTED.match(str(each.get("pattern", ""))):
            yield from found[1].split("|")
        for value in each.get("enum", ()):
            yield str(value).removeprefix("-")


def _is_long(each: FieldDescription | None) -> bool:
    if each is None:
        return False
    if each.kind == "object":
        return (
            each.many
            or each.form is None
            or not {"name", "title", "label"} & {f.name for f in each.form.fields}
        )
    return each.kind == "json" or each.widget in ("textarea", "password", "hidden")


def _text(value: Any) -> str:
    """Return a value as a key of JavaScript."""
    return str(value).lower() if isinstance(value, bool) else str(value)
