"""Exceptions that apps and projects register, each with its response and a hint for the DEBUG page."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest

from django_matt import upstream
from django_matt.errors.answering import ANSWERED_INSIDE
from django_matt.errors.calls import call_of
from django_matt.errors.exceptions import Problem
from django_matt.errors.problems import ErrorResponse, validation_errors
from django_matt.settings import get_settings

__all__ = ["ErrorRegistry", "HintText", "ToError", "find_error"]

ToError = Callable[[HttpRequest, Any], ErrorResponse | Problem | None]
"""Returns the error response of an exception; ``None`` to handle it as if it were not registered."""

HintText = str | Callable[[Any], str | None]
"""How to fix what raised an exception: the sentence, or a function of the exception that returns one."""


@dataclass(frozen=True, slots=True)
class _Registered:
    to_error: ToError
    hint: HintText | None


class ErrorRegistry:
    """The registered exceptions of one API."""

    def __init__(self) -> None:
        """Start with none."""
        self._by_class: dict[type[Exception], _Registered] = {}

    def add(self, kind: type[Exception], to_error: ToError, hint: HintText | None) -> None:
        """Register a class; a later call for the same class replaces the earlier one."""
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise TypeError(f"register_error takes a class of exceptions, not {kind!r}.")
        if iscoroutinefunction(to_error):
            raise TypeError(
                f"{to_error.__qualname__} is async def. register_error takes a plain function, which must not wait; "
                "for an async one use api.add_exception_handler."
            )
        self._by_class[kind] = _Registered(to_error, hint)

    def find(self, request: HttpRequest, exc: BaseException) -> ErrorResponse | None:
        """Return the error response of an exception, from its nearest registered class; ``None`` without one."""
        for kind in type(exc).__mro__:
            registered = self._by_class.get(kind)
            found = None if registered is None else registered.to_error(request, exc)
            if isinstance(found, Problem):
                found = to_error_response(request, found)
            if found is not None:
                return _complete(request, found)
        return None

    def find_hint(self, exc: BaseException) -> str | None:
        """Return the hint that was registered beside an exception's class."""
        for kind in type(exc).__mro__:
            registered = self._by_class.get(kind)
            hint = None if registered is None else registered.hint
            text = hint(exc) if callable(hint) else hint
            if text:
                return text
        return None


def find_error(api: Any, request: HttpRequest, exc: BaseException) -> ErrorResponse | None:
    """Return the error response of an exception, or ``None`` if the server is at fault."""
    registry: ErrorRegistry | None = getattr(api, "registered_errors", None)
    found = None if registry is None else registry.find(request, exc)
    if found is None:
        return to_error_response(request, exc)
    # What Ninja answers itself was raised as an answer. Of any other exception the log says where it came from.
    found.was_mapped = found.was_mapped or not isinstance(exc, ANSWERED_INSIDE)
    return found


def to_error_response(request: HttpRequest, exc: BaseException) -> ErrorResponse | None:
    """Return the error response of an exception that is not registered; the first error imports the mappings."""
    from django_matt.errors import mappings

    return mappings.to_error_response(request, exc)


def _complete(request: HttpRequest, found: ErrorResponse) -> ErrorResponse:
    """Translate lazy texts into the language of the request, and write the field errors in both forms."""
    found.detail = str(found.detail)
    if not found.field_errors:
        return found
    most = get_settings().MAX_ERRORS
    shown = [
        {"type": error.code, "loc": list(error.loc), "msg": str(error.message)}
        for error in found.field_errors[:most]
    ]
    found.omitted += max(0, len(found.field_errors) - most)
    if found.body is None:
        found.body = {"detail": shown, **found.members}
        if found.omitted:
            found.body["omitted"] = found.omitted
    found.errors = [
        each for error in shown for each in validation_errors([error], _body_param(request, error))
    ]
    return found


def _body_param(request: HttpRequest, error: dict[str, Any]) -> str | None:
    """Return the parameter that is the whole body, if an error is below it: clients do not know its name."""
    call, loc = call_of(request), error["loc"]
    if call is None or len(loc) < 2:
        return None
    for model in call.operation.models:
        if upstream.source_of(model) == loc[0] and loc[1] in model.model_fields:
            return upstream.single_of(model)
    return None
