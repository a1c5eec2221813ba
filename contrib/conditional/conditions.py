"""Conditional requests (RFC 9110, 13): what a route says of its state, and what a client's condition makes of it."""

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
"""The attribute of a request with what ``check_preconditions`` asks."""

_HOOK = "django_matt.contrib.conditional.hooks.ConditionalHook"
_CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_NONE_MATCH")


@dataclass(frozen=True, slots=True)
class Condition:
    """What ``conditional`` said."""

    etag: bool | Callable[..., Any]
    last_modified: str | Callable[..., Any] | None
    required: bool

    @property
    def callables(self) -> list[Callable[..., Any]]:
        """What is called before the view."""
        return [each for each in (self.etag, self.last_modified) if callable(each)]

    @property
    def tags(self) -> bool:
        """Whether answers carry an ETag."""
        return bool(self.etag) or self.column is not None

    @property
    def column(self) -> str | None:
        """The column or attribute that says when something changed."""
        return self.last_modified if isinstance(self.last_modified, str) else None


def conditional(
    *,
    etag: bool | Callable[..., str | Awaitable[str | None] | None] = False,
    last_modified: str | Callable[..., datetime | Awaitable[datetime | None] | None] | None = None,
    required: bool = False,
) -> Callable[[View], View]:
    """Let clients ask a route for what changed, and write only what did not: ``ETag``, ``Last-Modified``, 304, 412.

    ``etag=True`` hashes the answer. ``last_modified="updated_at"`` reads that column of what the view returns, of a
    queryset by one query before the rows. A callable is called before the view, with the request and those of its
    arguments that it names, and returns a tag or a moment. ``required`` answers 428 to a write without a condition.

    >>> @conditional(last_modified="updated_at")
    ... def get_book(request, id: int): ...
    """
    if not etag and last_modified is None:
        raise ImproperlyConfigured("@conditional needs etag=… or last_modified=….")
    if callable(etag) and isinstance(last_modified, str):
        raise ImproperlyConfigured(
            "@conditional: a column makes an ETag of its own; give callables for both, or one of the two."
        )
    condition = Condition(etag, last_modified, required)
    return set_metadata("conditional", condition, hook=_HOOK)


def condition_of(view: Any) -> Condition | None:
    """Return what ``conditional`` said of a view function, through its decorators."""
    found: Condition | None = get_metadata("conditional", view)
    return found


def check_preconditions(request: HttpRequest, instance: Any) -> None:
    """Refuse a write with 412 unless the client's condition holds for ``instance``, None for what is not there.

    For a route with ``@conditional(last_modified="…")``; call it where the row is locked, before it is changed.
    """
    condition = request.__dict__.get(CONDITION)
    if condition is None:
        raise ImproperlyConfigured(
            'check_preconditions is for a route with @conditional(last_modified="…").'
        )
    condition.check(request, instance)


def refuse_unconditional(request: HttpRequest, *, required: bool) -> None:
    """Raise for a write whose condition cannot be read (400), or that has none where one is ``required`` (428)."""
    given = request.META.get("HTTP_IF_MATCH", "")
    if given.strip() and not parse_etags(given):
        # Ignoring it would write what the client asked us not to.
        raise BadRequest('If-Match holds no entity tag: they are quoted, as in "abc".')
    if required and not has_condition(request):
        raise PreconditionRequired


def has_condition(request: HttpRequest) -> bool:
    """Tell whether a write depends on a condition; a date that is none does not count (RFC 9110, 13.1.4)."""
    match, since, none_match = (request.META.get(name, "") for name in _CONDITIONS)
    return bool(parse_etags(match) or parse_http_date_safe(since) or parse_etags(none_match))


def refuse_changed(request: HttpRequest, state: Validator, ends: Iterable[str]) -> None:
    """Raise ``PreconditionFailed`` where a write's condition does not hold for the state before it.

    The client holds some representation of that state: which one does not matter.
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
    """Return how to ask a condition's callables for the state, in a sync route and in an async one.

    ``names`` are the view's arguments. Raises ``ImproperlyConfigured`` where a callable wants another.
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
    """Return the names of the arguments of a callable after the request; None for all that there are."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    named = [each for each in parameters if each.kind is not each.VAR_POSITIONAL]
    unknown = [each.name for each in named if each.default is each.empty and each.name not in names]
    if unknown:
        raise ImproperlyConfigured(
            f"{getattr(function, '__name__', function)} of @conditional wants {', '.join(unknown)}; "
            f"its view has {', '.join(sorted(names)) or 'no arguments'}."
        )
    return [each.name for each in named if each.name in names]


def _state_of_answers(condition: Condition, found: dict[Any, Any]) -> Validator:
    tag = found.get(condition.etag) if callable(condition.etag) else None
    moment = found.get(condition.last_modified) if callable(condition.last_modified) else None
    return Validator(tag, None if moment is None else seconds(moment))
