"""Mistakes in what a view returns: a response that does not fit its schema, has none, or is the wrong page."""

import re
from typing import Any

import pydantic
from django.db.models import QuerySet
from ninja.errors import ConfigError
from ninja_extra.pagination import PageNumberPaginationExtra
from typing_extensions import TypeIs

from django_matt.errors.calls import call_of
from django_matt.errors.tracebacks.hints import hint
from django_matt.limits import find_paginators
from django_matt.signatures import innermost

__all__ = ["describe_mismatch"]


def describe_mismatch(exc: BaseException) -> str | None:
    """Say where a response does not fit its schema, each place on a line of its own; None for another exception."""
    if not _is_mismatch(exc):
        return None
    found = [_describe_place(error) for error in _errors(exc)[:20]]
    left_out = exc.error_count() - len(found)
    more = [f"and {left_out} more"] if left_out else []
    return "\n".join([f"The response does not fit its schema: {found[0]}", *found[1:], *more])


def _is_mismatch(exc: BaseException) -> TypeIs[pydantic.ValidationError]:
    """Tell whether what a view returned does not fit the response schema of its route."""
    if not isinstance(exc, pydantic.ValidationError) or not exc.error_count():
        return False
    notes = [str(note) for note in getattr(exc, "__notes__", [])]
    return _errors(exc)[0]["loc"][:1] == ("response",) or any(
        "response" in note.lower() for note in notes
    )


def _errors(exc: pydantic.ValidationError) -> list[Any]:
    return list(exc.errors(include_url=False, include_context=False))


def _field(error: Any) -> str:
    where = [str(part) for part in error["loc"] if part != "response" and not isinstance(part, int)]
    return ".".join(where) or "the value"


def _quoted(error: Any) -> str:
    field = _field(error)
    return field if field == "the value" else f"`{field}`"


def _describe_place(error: Any) -> str:
    row = next((part for part in error["loc"] if isinstance(part, int)), None)
    of_row = f" of row {row} (the first is 0)" if row is not None else ""
    given = f", got {type(error['input']).__name__}" if error["type"] != "missing" else ""
    return f"{_field(error)}{of_row}: {error['msg']}{given}"


@hint
def _response_of_paginated_route(exc: BaseException, request: Any, api: Any) -> str | None:
    """Name the page schema: what the route declares is not what its paginator returns."""
    call = None if request is None else call_of(request)
    if call is None or not isinstance(exc, pydantic.ValidationError | KeyError | TypeError):
        return None
    found = next(find_paginators(call.operation.view_func), None)
    if found is None:
        return None
    name, paginator = found
    kind = type(paginator).__name__
    if name == "ninja_pagination" and isinstance(paginator, PageNumberPaginationExtra):
        return f"Import paginate from django_matt: that of ninja.pagination does not know {kind}."
    first = _errors(exc)[0] if _is_mismatch(exc) else None
    # An error inside of an item is about the item.
    if first is None or any(isinstance(part, int) for part in first["loc"]):
        return None
    return (
        f"@paginate({kind}) returns a page, and the response schema of `{innermost(call.operation.view_func).__name__}` "
        "is not the schema of that page. Declare a list of the items: response=list[Item]. A paginator of your own "
        "needs the schema of its pages as its class attribute Output."
    )


@hint
def _response_does_not_fit(exc: BaseException, request: Any, api: Any) -> str | None:
    if not isinstance(exc, pydantic.ValidationError) or not exc.error_count():
        return None
    first = _errors(exc)[0]
    if not _is_mismatch(exc):
        return (
            f"Your own code built {exc.title} with a wrong {_field(first)}: {first['msg']}. "
            "The request was valid, so the answer is a 500 and not a 422."
        )
    call = None if request is None else call_of(request)
    view = "the view" if call is None else f"`{innermost(call.operation.view_func).__name__}`"
    return (
        f"Fix what {view} returns for {_quoted(first)}, or change the response schema of the route."
    )


@hint
def _undeclared_status(exc: BaseException, request: Any, api: Any) -> str | None:
    if not isinstance(exc, ConfigError):
        return None
    if found := re.search(r"Schema for status (\d+) is not set", str(exc)):
        return f"The view returns status {found[1]}, which its route does not declare: add {found[1]}: Schema to response={{…}}."
    return None


@hint
def _no_response_schema(exc: BaseException, request: Any, api: Any) -> str | None:
    if not isinstance(exc, TypeError):
        return None
    found = re.search(r"Object of type (\w+) is not JSON serializable", str(exc))
    if not found:
        return None
    if found[1] == QuerySet.__name__:
        return "The route has no response schema that says how to write its rows: add response=list[Item], with a ModelSchema."
    return (
        f"The route has no response schema that says how to write a {found[1]}: add response=… to the route, "
        "or return values that JSON has."
    )
