"""Names the components of pages, for all paginators: ``OrderOutPage``."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from django_matt.openapi.columns import annotated
from django_matt.upstream import generic_arguments_of, generic_origin_of

__all__ = ["REF_TEMPLATE", "mark_page", "name_pages", "without_marks"]

REF_TEMPLATE = "#/components/schemas/{model}"
"""How a document refers to one of its components, in pydantic's words and Ninja's."""

_MARK = "x-matt-page"
_PREFIX = REF_TEMPLATE.format(model="")
_COMMON = re.compile(r"Paginat(?:ion|ed)|Page|Base|Response|Schema|Output|Ninja")
_WAY = re.compile(r"-(?:Input|Output)$")


def mark_page(cls: type[BaseModel], schema: dict[str, Any]) -> None:
    """Note in the schema of a page which field has the rows, what they are, and what kind of page it is."""
    found = _rows_of(cls)
    if found is not None:
        field, item, origin = found
        names = origin.__qualname__.split(".")
        kind = names[-2] if names[-1] == "Output" and len(names) > 1 else names[-1]
        label = getattr(item, "__name__", "Item")
        schema[_MARK] = {
            "field": field,
            "item": label[0].upper() + label[1:],
            "kind": _COMMON.sub("", kind) or field.title(),
        }


def without_marks(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a definition without the note."""
    return {key: value for key, value in schema.items() if key != _MARK}


def name_pages(definitions: Mapping[Any, Any], *, every: bool) -> dict[str, str]:
    """Return the new names of pages, all of them or those alone that pydantic had to qualify or number.

    The name is ``<item>Page``. Where pages of one item differ, those with a count and items keep it, and the others say
    their kind (``OrderOutCursorPage``): a name depends on no order. Without ``every``, Ninja's name (``PagedOrderOut``)
    comes first.
    """
    pages = {
        name: body[_MARK]
        for name, body in definitions.items()
        if _MARK in body and (every or "__" in name)
    }
    taken = {name for name in definitions if name not in pages}
    renames: dict[str, str] = {}
    waiting = sorted(pages)
    for attempt in range(3):
        wanted: dict[str, list[str]] = defaultdict(list)
        for name in waiting:
            mark, way = pages[name], _WAY.search(name)
            kind = mark["kind"] if attempt else ""
            new = f"{_item_name(definitions[name], mark)}{kind}Page"
            if not every and not attempt:
                new = re.sub(r"\W", "_", definitions[name]["title"])
            wanted[f"{new}{way.group() if way else ''}"].append(name)
        waiting = []
        for new, names in wanted.items():
            if attempt == 2:
                renames |= {name: _free(new, taken) for name in names}
                continue
            first = names if _equal(names, definitions) else []
            if not first and not attempt:
                plain = [name for name in names if pages[name]["kind"] == "Items"]
                first = plain if plain and _equal(plain, definitions) else []
            if new in taken:
                first = []
            if first:
                taken.add(new)
            renames |= dict.fromkeys(first, new)
            waiting += [name for name in names if name not in first]
    return renames


def _rows_of(cls: type[BaseModel]) -> tuple[str, Any, type] | None:
    """Return a page's field of rows, what a row is and the class that the page is made from; None for no page."""
    origin = generic_origin_of(cls)
    for field, info in cls.model_fields.items():
        items = get_args(info.annotation)
        if get_origin(info.annotation) is not list or len(items) != 1:
            continue
        if origin is not None and generic_arguments_of(cls) == items and "Pag" in origin.__name__:
            return field, items[0], origin
        # ``Paged<item>``: what Ninja's ``@paginate`` derives from the paginator's ``Output``.
        item = getattr(items[0], "__name__", None)
        if cls.__name__ == f"Paged{item}" and annotated(cls) == {field}:
            return field, items[0], cls.__bases__[0]
    return None


def _item_name(schema: Mapping[str, Any], mark: Mapping[str, str]) -> str:
    """Return the name of the component that the rows refer to, their class's name where they refer to none."""
    ref = schema["properties"].get(mark["field"], {}).get("items", {}).get("$ref")
    return mark["item"] if ref is None else _WAY.sub("", ref.removeprefix(_PREFIX))


def _equal(names: list[str], definitions: Mapping[Any, Any]) -> bool:
    """Tell whether definitions differ in their titles and descriptions at most."""
    first, *others = (_content(definitions[name]) for name in names)
    return all(other == first for other in others)


def _content(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = {k: v for k, v in schema.items() if k not in {_MARK, "title", "description"}}
    return found | {"required": set(schema.get("required", ()))}


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}{number}"
    taken.add(free)
    return free
