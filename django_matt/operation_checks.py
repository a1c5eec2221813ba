"""The first checks of a request: credentials, then throttles. They are chosen when an operation is bound."""

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.operation import Operation

from django_matt.errors.answering import arrived, challenged
from django_matt.security_schemes import challenge_of

__all__ = ["bind_authentication", "bind_callback", "bind_checks", "is_async_callback"]

Check = Callable[[HttpRequest], Any]
"""Return the response that refuses a request, or None; a coroutine function for an async route."""


def bind_checks(
    api: Any, operation: Operation, prepare: Callable[[Any], None]
) -> Callable[[Any], Any]:
    """Return the step that authenticates and throttles the requests of an operation.

    ``prepare`` gets the context of those that pass, and returns None. It is what Ninja's operations do, on an async route
    with no more hops between threads than needed.
    """
    is_exempt, is_async = operation.csrf_exempt, operation.is_async
    callbacks = operation.auth_callbacks
    checks: list[Check] = []
    if callbacks:
        checks.append(bind_authentication(api, callbacks, is_async=is_async))
    if operation.throttle_objects:
        from django_matt.throttling import bind_throttles

        checks.append(bind_throttles(api, operation))

    def authenticate(context: Any) -> Any:
        if is_exempt:
            context.request._ninja_csrf_exempt = True
        for each in checks:
            refused = each(context.request)
            if refused is not None:
                return refused
        return prepare(context)

    async def authenticate_async(context: Any) -> Any:
        if is_exempt:
            context.request._ninja_csrf_exempt = True
        for each in checks:
            refused = await each(context.request)
            if refused is not None:
                return refused
        return prepare(context)

    return authenticate_async if is_async else authenticate


def bind_authentication(api: Any, callbacks: Sequence[Any], *, is_async: bool) -> Check:
    """Return a function that calls the callbacks one after the other; the first that returns a true value wins."""
    asks = [bind_callback(callback, is_async=is_async) for callback in callbacks]
    challenge = challenge_of(callbacks)

    def refuse(request: HttpRequest, error: Exception) -> Any:
        headers = getattr(error, "headers", None) or {}
        said = headers.get("WWW-Authenticate") if isinstance(headers, dict) else None
        return challenged(api.on_exception(request, error), said or challenge)

    def authenticate(request: HttpRequest) -> Any:
        for ask in asks:
            try:
                found = ask(request)
            except Exception as error:  # noqa: BLE001 - as Ninja: answered here, also what other code would let pass
                return refuse(request, error)
            if found:
                request.auth = found  # type: ignore[attr-defined]
                return None
        return refuse(request, AuthenticationError())

    async def authenticate_async(request: HttpRequest) -> Any:
        for ask in asks:
            try:
                found = await ask(request)
            except Exception as error:  # noqa: BLE001
                return await arrived(refuse(request, error))
            if found:
                request.auth = found  # type: ignore[attr-defined]
                return None
        return await arrived(refuse(request, AuthenticationError()))

    return authenticate_async if is_async else authenticate


def bind_callback(callback: Any, *, is_async: bool) -> Callable[[HttpRequest], Any]:
    """Return how an authentication callback is called: a coroutine function for an async route.

    An ``Authenticator`` chooses among its methods. On an async route a callback that does not declare itself async runs
    in the request's thread, as in Ninja, unless its ``is_blocking`` is False.
    """
    bind = getattr(callback, "_matt_bind", None)
    if bind is not None:
        return bind(is_async=is_async)  # type: ignore[no-any-return]
    declared = is_async_callback(callback)
    if not is_async:
        return _call_and_wait(callback) if declared else callback
    if declared or getattr(callback, "is_blocking", True) is False:
        return _call(callback)
    return sync_to_async(callback)


def is_async_callback(callback: Any) -> bool:
    """Tell whether a callback says that it returns an awaitable, as Ninja asks it."""
    return (
        iscoroutinefunction(callback)
        or iscoroutinefunction(callback.__call__)
        or bool(getattr(callback, "is_async", False))
    )


def _call_and_wait(callback: Any) -> Callable[[HttpRequest], Any]:
    wait: Any = async_to_sync(_wait_for)

    def ask(request: HttpRequest) -> Any:
        found = callback(request)
        return wait(found) if isawaitable(found) else found

    return ask


def _call(callback: Any) -> Callable[[HttpRequest], Awaitable[Any]]:
    async def ask(request: HttpRequest) -> Any:
        found = callback(request)
        return await found if isawaitable(found) else found

    return ask


async def _wait_for(found: Awaitable[Any]) -> Any:
    return await found
