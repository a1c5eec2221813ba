"""``@conditional`` and ``check_preconditions``, and how the condition of a request is evaluated (RFC 9110, 13)."""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, parse_http_date_safe

from django_matt.contrib.conditional.validators import Validator, seconds
from django_matt.decorators import View, get_metadata, set_metadata
from django_matt.errors.exceptions import BadRequest, PreconditionFailed, PreconditionRequired

__all__ = [
    "CONDITION",
    "Condition",
    "called",
    "check_preconditions",
    "condition_of",
    "conditional",
    "has_condition",
    "refuse_changed",
    "refuse_unconditional",
]

CONDITION = "_matt_condition"
"""The name of the request's attribute that ``check_preconditions`` reads."""

_HOOK = "django_matt.contrib.conditional.hooks.ConditionalHook"
_CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_NONE_MATCH")


@dataclass(frozen=True, slots=True)
class Condition:
    """The arguments of ``conditional``."""

    etag: bool | Callable[..., Any]
    last_modified: str | Callable[..., Any] | None
    required: bool

    @property
    def callables(self) -> list[Callable[..., Any]]:
        """The functions to call before the view."""
        return [each for each in (self.etag, self.last_modified) if callable(each)]

    @property
    def tags(self) -> bool:
        """Whether responses have an ETag."""
        return bool(self.etag) or self.column is not None

    @property
    def column(self) -> str | None:
        """The column or attribute with the time of the last change; None without one."""
        return self.last_modified if isinstance(self.last_modified, str) else None


def conditional(
    *,
    etag: bool | Callable[..., str | Awaitable[str | None] | None] = False,
    last_modified: str | Callable[..., datetime | Awaitable[datetime | None] | None] | None = None,
    required: bool = False,
) -> Callable[[View], View]:
    """Answer 304 to a client that is up to date, and 412 to a write that is based on an old version.

    - ``etag=True`` hashes the response.
    - ``last_modified="updated_at"`` reads that column of the objects that the view returns. For a queryset, one query
      reads it before the rows.
    - A function is called before the view, with the request and the view's arguments that it names. For ``etag`` it
      returns text, for ``last_modified`` a ``datetime``.

    ``required=True`` answers 428 to a write without a condition.

    >>> @conditional(last_modified="updated_at")
    ... def get_book(request, id: int): ...
    """
    if not etag and last_modified is None:
        raise ImproperlyConfigured("@conditional needs etag=… or last_modified=….")
    if callable(etag) and isinstance(last_modified, str):
        raise ImproperlyConfigured(
            "@conditional: a column makes an ETag itself. Use functions for both, or only one of the two."
        )
    condition = Condition(etag, last_modified, required)
    return set_metadata("conditional", condition, hook=_HOOK)


def condition_of(view: Any) -> Condition | None:
    """Return the ``conditional`` of a view function, also below other decorators; None without one."""
    found: Condition | None = get_metadata("conditional", view)
    return found


def check_preconditions(request: HttpRequest, instance: Any) -> None:
    """Refuse a write with 412 if ``instance`` has changed since the client read it.

    Call it in a view with ``@conditional(last_modified="…")``, after the row is locked and before it is changed.
    ``instance`` is None if the object does not exist.
    """
    condition = request.__dict__.get(CONDITION)
    if condition is None:
        raise ImproperlyConfigured(
            'check_preconditions is for a route with @conditional(last_modified="…").'
        )
    condition.check(request, instance)


def refuse_unconditional(request: HttpRequest, *, required: bool) -> None:
    """Raise a 400 for a write whose ``If-Match`` is invalid, and a 428 for one without a ``required`` condition."""
    given = request.META.get("HTTP_IF_MATCH", "")
    if given.strip() and not parse_etags(given):
        # To ignore it could write what the client has forbidden.
        raise BadRequest('If-Match contains no ETag. Write ETags in quotes, as in "abc".')
    if required and not has_condition(request):
        raise PreconditionRequired


def has_condition(request: HttpRequest) -> bool:
    """Return whether a request has a valid condition. An invalid date is ignored (RFC 9110, 13.1.4)."""
    match, since, none_match = (request.META.get(name, "") for name in _CONDITIONS)
    return bool(parse_etags(match) or parse_http_date_safe(since) or parse_etags(none_match))


def refuse_changed(request: HttpRequest, state: Validator, ends: Iterable[str]) -> None:
    """Raise ``PreconditionFailed`` if the condition of a write is false for ``state``, the state before the write.

    The ETag of any representation of that state counts: ``ends`` are the ends that formats add to it.
    """
    etag, etags = state.etag(), {state.etag(end) for end in ends}
    for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
        for given in parse_etags(request.META.get(name, "")):
            known = state.derived and given.strip('"').split("-")[0] == state.tag
            if known or given in etags:
                etag = given
    answer = get_conditional_response(request, etag=etag, last_modified=state.modified)
    if answer is not None and answer.status_code == 412:
        raise PreconditionFailed


def called(condition: Condition, names: frozenset[str]) -> tuple[Any, Any]:
    """Return a sync and an async function that ask the functions of a condition for the state.

    ``names`` are the arguments of the view. Raises ``ImproperlyConfigured`` if a function needs another argument.
    """
    wants = {function: _wanted(function, names) for function in condition.callables}

    def arguments(function: Any, values: dict[str, Any]) -> dict[str, Any]:
        wanted = wants[function]
        return values if wanted is None else {name: values[name] for name in wanted}

    def ask(request: HttpRequest, values: dict[str, Any]) -> Validator:
        found = {
            function: (async_to_sync(function) if iscoroutinefunction(function) else function)(
                request, **arguments(function, values)
            )
            for function in wants
        }
        return _state_of_answers(condition, found)

    async def ask_async(request: HttpRequest, values: dict[str, Any]) -> Validator:
        found = {
            function: await (
                function if iscoroutinefunction(function) else sync_to_async(function)
            )(request, **arguments(function, values))
            for function in wants
        }
        return _state_of_answers(condition, found)

    return ask, ask_async


def _wanted(function: Callable[..., Any], names: frozenset[str]) -> list[str] | None:
    """Return the names of a function's arguments after the request; None if it takes all (``**kwargs``)."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    named = [each for each in parameters if each.kind is not each.VAR_POSITIONAL]
    unknown = [each.name for each in named if each.default is each.empty and each.name not in names]
    if unknown:
        raise ImproperlyConfigured(
            f"{getattr(function, '__name__', function)} of @conditional needs {', '.join(unknown)}; "
            f"its view has {', '.join(sorted(names)) or 'no arguments'}."
        )
    return [each.name for each in named if each.name in names]


def _state_of_answers(condition: Condition, found: dict[Any, Any]) -> Validator:
    tag = found.get(condition.etag) if callable(condition.etag) else None
    moment = found.get(condition.last_modified) if callable(condition.last_modified) else None
    return Validator(tag, None if moment is None else seconds(moment))
