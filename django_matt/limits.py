"""Limits on the pagination, search, ordering and throttles of Ninja and Ninja Extra."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from typing import Any

import pydantic
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from ninja.conf import settings as ninja_settings
from ninja.constants import NOT_SET
from ninja.errors import ValidationError
from ninja.operation import Operation
from ninja.pagination import CursorPagination, PaginationBase
from ninja.schema import Schema
from ninja.throttling import SimpleRateThrottle
from ninja_extra.ordering import Ordering
from ninja_extra.pagination import PageNumberPaginationExtra
from ninja_extra.searching import Searching
from ninja_extra.throttling import SimpleRateThrottle as ExtraSimpleRateThrottle

from django_matt.regexes import is_cheap
from django_matt.settings import get_settings
from django_matt.upstream import (
    ORDERATOR_OBJECT,
    PAGINATOR_OBJECT,
    SEARCH_OPERATOR_OBJECT,
    contributions_to,
    decoration,
    extra_settings,
    is_collection_type,
    lost,
)

__all__ = [
    "Guard",
    "bound_pages",
    "cap_pages",
    "collect_guards",
    "distrust_forwarded_for",
    "find_paginators",
    "find_views",
    "has_rows",
    "invalid_cursor",
    "ordered_fields",
    "page_bounds",
    "restrict_ordering",
    "search_parameters",
    "searched_fields",
]

Guard = Callable[[HttpRequest, dict[str, Any]], None]
"""Checks a request and its validated values before the view runs; raises the error for the client."""

_MAX_PORT = 65_535


def find_views(view_func: Any) -> Iterator[Any]:
    """Yield the view function and the functions inside of its decorators, the outermost first."""
    route_function = getattr(view_func, "get_route_function", None)
    if route_function is not None:
        view_func = route_function().route.view_func
    while view_func is not None:
        yield view_func
        view_func = getattr(view_func, "__wrapped__", None)


def _decorations(view_func: Any, key: str, attribute: str) -> Iterator[tuple[str, Any]]:
    """Yield the (argument name, object) pairs that Ninja Extra's decorators of one kind stored on a view function."""
    for layer in find_views(view_func) if lost("operations") is None else ():
        operation = decoration(key, layer)
        if operation is not None:
            yield getattr(operation, f"{attribute}_kwargs_name"), getattr(operation, attribute)


def find_paginators(view_func: Any) -> Iterator[tuple[str, PaginationBase]]:
    """Yield the argument name and the paginator of each pagination of a view function, Ninja's and Ninja Extra's."""
    yield from _decorations(view_func, PAGINATOR_OBJECT, "paginator")
    for layer in find_views(view_func):
        for callback in contributions_to(layer):
            if (
                isinstance(callback, partial)
                and callback.args
                and isinstance(callback.args[0], PaginationBase)
            ):
                yield "ninja_pagination", callback.args[0]


_CAPS = ("max_limit", "max_page_size")
_SLICING = ("paginate_queryset", "apaginate_queryset", "_get_page_size")


def bound_pages(view_func: Any) -> dict[type[Any], dict[str, int]]:
    """Return the largest page, size and offset of the paginators of a view function, by the class of their input.

    A paginator with its own maximum keeps it: Ninja's paginators reduce larger values to it. A class with its own
    ``paginate_queryset`` decides its sizes itself.
    """
    settings = get_settings()
    bounds: dict[type[Any], dict[str, int]] = {}
    for _, paginator in find_paginators(view_func):
        limits = {"offset": settings.MAX_OFFSET, "page": settings.MAX_OFFSET}
        caps = {getattr(paginator, name, inf) for name in _CAPS}
        if caps <= {inf, None} and not _decides_sizes(paginator):
            limits |= {"limit": settings.MAX_PAGE_SIZE, "page_size": settings.MAX_PAGE_SIZE}
        bounds[paginator.Input] = limits
    return bounds


def cap_pages(operation: Operation) -> None:
    """Limit the sizes of a class that decides them itself, if it then calls Ninja's code, which applies the limit."""
    for name, paginator in find_paginators(operation.view_func):
        if name != "ninja_pagination":
            from django_matt.pagination import declare_page  # as only these routes need it

            declare_page(operation, paginator)
        for cap in _CAPS:
            if getattr(paginator, cap, None) == inf and _decides_sizes(paginator):
                setattr(paginator, cap, get_settings().MAX_PAGE_SIZE)


def _decides_sizes(paginator: PaginationBase) -> bool:
    """Tell whether a paginator's class has code of its own where pages get their size."""
    for cls in type(paginator).__mro__:
        if cls.__module__.partition(".")[0] in ("ninja", "ninja_extra"):
            return False
        if any(name in vars(cls) for name in _SLICING):
            return True
    return False


def page_bounds(operation: Operation) -> dict[str, int]:
    """Return the same for the document: the largest value of each query parameter of an operation's paginators."""
    result: dict[str, int] = {}
    for cls, limits in bound_pages(operation.view_func).items():
        result |= {name: most for name, most in limits.items() if name in cls.model_fields}
    return result


def search_parameters(operation: Operation) -> Iterator[str]:
    """Yield the names of the query parameters that take words to search for, which ``MAX_SEARCH_TERMS`` bounds."""
    for _, searching in _decorations(operation.view_func, SEARCH_OPERATOR_OBJECT, "searcherator"):
        if isinstance(searching, Searching):
            yield "search"


def searched_fields(operation: Operation) -> tuple[str, ...]:
    """Return the lookups that the searches of an operation look into."""
    searches = _decorations(operation.view_func, SEARCH_OPERATOR_OBJECT, "searcherator")
    found = [name for _, each in searches for name in getattr(each, "search_fields", ())]
    return tuple(dict.fromkeys(map(str, found)))


def ordered_fields(operation: Operation) -> tuple[str, ...] | None:
    """Return the fields that an operation may be ordered by; None if it may be by every field."""
    found: dict[str, None] = {}
    for _, ordering in _decorations(operation.view_func, ORDERATOR_OBJECT, "orderator"):
        fields = getattr(ordering, "ordering_fields", ())
        if fields == "__all__":
            return None
        found |= dict.fromkeys(map(str, fields))
    return tuple(found)


def collect_guards(view_func: Any) -> list[Guard]:
    """Return the guards that a view function's decorators need."""
    guards: list[Guard] = []
    for name, paginator in find_paginators(view_func):
        if isinstance(paginator, PageNumberPaginationExtra | CursorPagination):
            guards.append(_guard_host)
        if isinstance(paginator, CursorPagination):
            guards.append(partial(_guard_cursor, name, paginator))
    for name, searching in _decorations(view_func, SEARCH_OPERATOR_OBJECT, "searcherator"):
        if isinstance(searching, Searching):
            guards.append(partial(_guard_search, name, searching))
    return guards


def _guard_host(request: HttpRequest, values: dict[str, Any]) -> None:
    """Refuse a port that is too large for a URL: these paginators build links from the ``Host`` header."""
    port = re.search(r":(\d+)$", request.META.get("HTTP_HOST", ""))
    if port is not None and int(port[1][:6]) > _MAX_PORT:
        raise DisallowedHost(f"Invalid HTTP_HOST header: the port is larger than {_MAX_PORT}.")


def _guard_cursor(
    name: str, paginator: CursorPagination, request: HttpRequest, values: dict[str, Any]
) -> None:
    try:
        paginator.Cursor.from_encoded_param(getattr(values.get(name), "cursor", None))
    except (pydantic.ValidationError, ValidationError):
        raise invalid_cursor() from None


def invalid_cursor() -> ValidationError:
    """Return the error of a cursor that was not in any response of this API."""
    return _invalid_query("cursor", "cursor_invalid", "The cursor is not one that this API made")


def _guard_search(
    name: str, searching: Searching, request: HttpRequest, values: dict[str, Any]
) -> None:
    terms = searching.get_search_terms(getattr(values.get(name), "search", None))
    most = get_settings().MAX_SEARCH_TERMS
    if len(terms) > most:
        raise _invalid_query(
            "search", "too_many_terms", f"The search should have at most {most} words"
        )
    if any(str(field).startswith("$") for field in searching.search_fields):
        for term in terms:
            if not is_cheap(term):
                raise _invalid_query(
                    "search",
                    "regex_invalid",
                    "The search should be a valid regular expression without nested repeats",
                )


def _invalid_query(parameter: str, kind: str, message: str) -> ValidationError:
    return ValidationError([{"type": kind, "loc": ("query", parameter), "msg": message}])


def restrict_ordering(operation: Operation) -> None:
    """Let a bare ``@ordering`` sort only by columns that the response shows."""
    for _, ordering in _decorations(operation.view_func, ORDERATOR_OBJECT, "orderator"):
        if isinstance(ordering, Ordering) and ordering.ordering_fields == "__all__":
            shown = _shown_fields(operation)
            if shown is not None:
                ordering.ordering_fields = shown


def _shown_fields(operation: Operation) -> list[str] | None:
    """The field names of the schema that a list response is made of; None without a schema."""
    for model in operation.response_models.values():
        if model is not None and model is not NOT_SET:
            found = _item_schema(model.model_fields["response"].annotation)
            if found is not None:
                return list(found.model_fields)
    return None


def _item_schema(annotation: Any) -> type[Schema] | None:
    arguments = getattr(annotation, "__args__", ())
    if (
        isinstance(annotation, type)
        and issubclass(annotation, pydantic.BaseModel)
        and not arguments
    ):
        for name in ("items", "results"):
            if name in annotation.model_fields:
                return _item_schema(annotation.model_fields[name].annotation)
        return annotation  # type: ignore[return-value]
    for argument in arguments:
        if (found := _item_schema(argument)) is not None:
            return found
    return None


def has_rows(annotation: Any) -> bool:
    """Tell whether a response is a list or a page, which CSV can express."""
    fields = getattr(annotation, "model_fields", {})
    return is_collection_type(annotation) or bool({"items", "results"} & set(fields))


def distrust_forwarded_for(operation: Operation) -> None:
    """Throttle by the address that ``MATT["TRUSTED_PROXIES"]`` knows, unless ``NUM_PROXIES`` of Ninja is set.

    Ninja and Ninja Extra take the whole ``X-Forwarded-For`` of the client by default, which any client can vary.
    """
    for throttle in operation.throttle_objects:
        if not isinstance(throttle, SimpleRateThrottle):
            continue
        extra = isinstance(throttle, ExtraSimpleRateThrottle)
        proxies = extra_settings().NUM_PROXIES if extra else ninja_settings.NUM_PROXIES
        stock = (SimpleRateThrottle.get_ident, ExtraSimpleRateThrottle.get_ident)
        if proxies is None and type(throttle).get_ident in stock:
            from django_matt.addresses import client_address  # most APIs have no throttle

            throttle.get_ident = client_address  # type: ignore[method-assign]
