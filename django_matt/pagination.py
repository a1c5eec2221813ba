"""The schema of a page, for a route that declares ``list[Item]`` under Ninja Extra's ``@paginate``.

Ninja's own decorator makes a schema of the page from the list. Ninja Extra's does not: there the route has to declare
the page, and fails with every request if it declares the list.
"""

import re
from typing import Any, get_args

from ninja import Schema
from ninja.constants import NOT_SET
from ninja.operation import Operation
from ninja.pagination import PaginationBase
from ninja_extra.pagination import PageNumberPaginationExtra

from django_matt.upstream import is_collection_type

__all__ = ["declare_page"]


class _LinkedPage(Schema):
    """What ``PageNumberPaginationExtra`` returns."""

    count: int
    next: str | None
    previous: str | None
    results: list[Any]


_MAKERS = ("paginate_queryset", "apaginate_queryset", "get_paginated_response", "items_attribute")
_SCHEMAS = ("Output", "get_response_schema")
_LIBRARIES = {"ninja", "ninja_extra"}
_PAGES: dict[Any, type[Schema]] = {}


def declare_page(operation: Operation, paginator: PaginationBase) -> None:
    """Let the first list among the responses of an operation be the page that its paginator makes of it.

    A list of a success is before one of errors. Only the first call does this: routes are bound more than once, and the
    next call would find the next list.

    A paginator whose code makes pages of a shape that it does not declare is left alone: its route may declare a list
    because the paginator returns one.
    """
    if "_matt_is_paged" in operation.__dict__:
        return
    operation.__dict__["_matt_is_paged"] = True
    for status, model in sorted(operation.response_models.items(), key=_is_no_success):
        if model in (None, NOT_SET):
            continue
        annotation = model.model_fields["response"].annotation
        if not is_collection_type(annotation):
            continue
        page = _page_of(paginator, (get_args(annotation) or (Any,))[0])
        if page is not None:
            response = type(
                "NinjaResponseSchema", (Schema,), {"__annotations__": {"response": page}}
            )
            operation.response_models = {**operation.response_models, status: response}
        return


def _is_no_success(response: tuple[Any, Any]) -> bool:
    return not str(response[0]).startswith("2")


def _page_of(paginator: PaginationBase, item: Any) -> Any:
    kind = type(paginator)
    maker, schema = _first(kind, _MAKERS), _first(kind, _SCHEMAS)
    if maker < schema and kind.__mro__[maker].__module__.partition(".")[0] not in _LIBRARIES:
        return None
    if isinstance(paginator, PageNumberPaginationExtra):
        if kind.__mro__[schema] is PageNumberPaginationExtra:
            return _make_page(_LinkedPage, "results", item)
        if "get_response_schema" in vars(kind.__mro__[schema]):
            return paginator.get_response_schema(item)
    output: Any = paginator.Output
    return _make_page(output, paginator.items_attribute, item) if output else None


def _first(kind: type, names: tuple[str, ...]) -> int:
    """Return which class of a method resolution order is the first to define one of these names."""
    order = enumerate(kind.__mro__)
    return next(place for place, cls in order if any(name in vars(cls) for name in names))


def _make_page(page: type[Schema], attribute: str, item: Any) -> type[Schema]:
    """Return a schema as Ninja makes it, ``PagedItem``: one class for all routes with such pages, and so one component."""
    key: Any = (page, attribute, item)
    try:
        found = _PAGES.get(key)
    except TypeError:  # an item without a hash, such as Annotated[int, Field(gt=0)]
        return _new_page(page, attribute, item)
    if found is None:
        found = _PAGES[key] = _new_page(page, attribute, item)
    return found


def _new_page(page: type[Schema], attribute: str, item: Any) -> type[Schema]:
    name = re.sub(r"\W+", "_", getattr(item, "__name__", str(item))).strip("_")
    return type(f"Paged{name}", (page,), {"__annotations__": {attribute: list[item]}})
