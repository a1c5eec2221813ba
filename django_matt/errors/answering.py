"""Where an exception is handled: inside of the operation, or outside of all its decorators.

Ninja answers some exceptions inside the operation: its own, Ninja Extra's, ``Http404``, and every class for which the
project registered a handler. All others leave the operation, and the decorators of its view see them: a transaction is
rolled back, a retry tries again. Here they leave as well, whatever ``DEBUG`` says, and are answered outside.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable
from typing import Any

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidRequest
from ninja_extra.exceptions import APIException

from django_matt.errors.reports import roll_back
from django_matt.upstream import handler_of

__all__ = [
    "ANSWERED_INSIDE",
    "INSIDE",
    "answer_error",
    "arrived",
    "ask_handler",
    "challenged",
    "is_on_event_loop",
    "leaves",
]

ANSWERED_INSIDE = (HttpError, Http404, InvalidRequest, APIException)
"""The exceptions that Ninja handles inside of an operation, without a handler of the project."""

INSIDE = "_matt_inside"
"""The attribute of a request that is true while an operation runs from which exceptions shall leave."""

_FAILED = "_matt_handler_failed"


def leaves(request: HttpRequest, exc: BaseException) -> bool:
    """Tell whether Django Matt's handler must let an exception leave the operation."""
    return bool(request.__dict__.get(INSIDE)) and not isinstance(exc, ANSWERED_INSIDE)


def ask_handler(api: Any, request: HttpRequest, exc: Exception) -> Any:
    """Return the response of the handler that is registered for an exception.

    A handler may be ``async def``. On an event loop its response comes as a coroutine. Raise what the handler raises,
    ``TypeError`` where it returns no response, and ``exc`` where there is none.
    """
    handler = handler_of(api, exc)
    if handler is None:
        raise exc
    try:
        found = handler(request, exc)
        if isawaitable(found):
            if is_on_event_loop():
                return _ask_later(request, exc, handler, found)
            found = async_to_sync(_wait_for)(found)
        return _accept(request, exc, handler, found)
    except Exception as error:
        _remember(request, exc, error)
        raise


async def _ask_later(
    request: HttpRequest, exc: Exception, handler: Any, found: Awaitable[Any]
) -> HttpResponseBase:
    try:
        return _accept(request, exc, handler, await found)
    except Exception as error:
        _remember(request, exc, error)
        raise


async def _wait_for(found: Awaitable[Any]) -> Any:
    return await found


def is_on_event_loop() -> bool:
    """Tell whether an event loop runs in this thread. Django allows no queries there."""
    from asyncio import get_running_loop

    with suppress(RuntimeError):
        return get_running_loop() is not None
    return False


def _accept(request: HttpRequest, exc: Exception, handler: Any, found: Any) -> HttpResponseBase:
    if not isinstance(found, HttpResponseBase):
        function = getattr(handler, "func", handler)
        name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"
        raise TypeError(
            f"The exception handler {name} returned {type(found).__name__} for {type(exc).__name__}. "
            "Return a response, for example api.create_response(request, {...}, status=400)."
        )
    # After the handler, which may query the database.
    roll_back(request)
    return found


def _remember(request: HttpRequest, exc: Exception, error: Exception) -> None:
    """Remember that a handler was called, so that it is not called again for the same exception."""
    if error is not exc and error.__context__ is None:
        error.__context__ = exc
    request.__dict__[_FAILED] = (error, error is exc)


def answer_error(api: Any, request: HttpRequest, exc: Exception) -> Any:
    """Respond to an exception with the API's handlers. If a handler fails, the server is at fault.

    Where an ``async def`` handler answers on an event loop, return a coroutine of the response.
    """
    failed, declined = request.__dict__.pop(_FAILED, (None, False))
    if failed is exc:
        return _answer_ourselves(api, request, exc, declined=declined)
    try:
        found = api.on_exception(request, exc)
    except Exception as error:  # noqa: BLE001 - a handler of the project's has failed
        return _fall_back(api, request, exc, error)
    return _answer_later(api, request, exc, found) if isawaitable(found) else found


async def arrived(response: Any) -> HttpResponseBase:
    """Return a response, or the response that a coroutine returns."""
    made: HttpResponseBase = await response if isawaitable(response) else response
    return made


async def _answer_later(api: Any, request: HttpRequest, exc: Exception, found: Any) -> Any:
    try:
        return await found
    except Exception as error:  # noqa: BLE001 - a handler of the project's has failed
        return _fall_back(api, request, exc, error)


def _fall_back(api: Any, request: HttpRequest, exc: Exception, error: Exception) -> Any:
    request.__dict__.pop(_FAILED, None)
    return _answer_ourselves(api, request, error, declined=error is exc)


def _answer_ourselves(
    api: Any, request: HttpRequest, exc: Exception, *, declined: bool
) -> HttpResponseBase:
    """Respond to an exception that a handler raised: the same one, if it ``declined`` it, or another."""
    from django_matt.errors.handlers import answer_exception, answer_unexpected

    ours: Callable[..., HttpResponseBase] = answer_exception if declined else answer_unexpected
    response = ours(request, exc, api=api)
    roll_back(request)
    return response


def challenged(response: Any, challenge: str) -> Any:
    """Add ``WWW-Authenticate`` to a 401 if the project's own handler has not."""
    if isawaitable(response):
        return _challenged_later(response, challenge)
    if challenge and response.status_code == 401:
        response.headers.setdefault("WWW-Authenticate", challenge)
    return response


async def _challenged_later(response: Awaitable[Any], challenge: str) -> Any:
    return challenged(await response, challenge)
