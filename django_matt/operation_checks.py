"""What is asked of a request before anything else: credentials, then throttles. Decided when an operation is bound."""

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable, iscoroutinefunction
from math import ceil
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from ninja.errors import AuthenticationError, Throttled
from ninja.operation import Operation
from ninja.throttling import SimpleRateThrottle
from ninja.utils import is_async_callable
from ninja_extra.exceptions import Throttled as ExtraThrottled
from ninja_extra.operation import Operation as ExtraOperation
from ninja_extra.throttling import SimpleRateThrottle as ExtraSimpleRateThrottle

from django_matt.errors.answering import arrived
from django_matt.security_schemes import challenge_of

__all__ = ["bind_authentication", "bind_callback", "bind_checks", "challenged"]

Check = Callable[[HttpRequest], Any]
"""Return the response that refuses a request, or None; a coroutine function for an async route."""


def bind_checks(api: Any, operation: Operation) -> Check | None:
    """Return what authenticates and throttles the requests of an operation, None where there is nothing to do.

    It does what Ninja's ``_run_checks`` does, and on an async route no more hops between threads than it needs.
    """
    is_exempt, is_async = operation.csrf_exempt, operation.is_async
    callbacks, throttles = operation.auth_callbacks, operation.throttle_objects
    if not (callbacks or throttles or is_exempt):
        return None
    steps: list[Check] = []
    if callbacks:
        steps.append(bind_authentication(api, callbacks, is_async=is_async))
    if throttles:
        steps.append(_bind_throttles(api, operation) if is_async else operation._check_throttles)

    def check(request: HttpRequest) -> Any:
        if is_exempt:
            request.__dict__["_ninja_csrf_exempt"] = True
        for step in steps:
            refused = step(request)
            if refused is not None:
                return refused
        return None

    async def check_async(request: HttpRequest) -> Any:
        if is_exempt:
            request.__dict__["_ninja_csrf_exempt"] = True
        for step in steps:
            refused = await step(request)
            if refused is not None:
                return refused
        return None

    return check_async if is_async else check


# ---- authentication ----


def bind_authentication(api: Any, callbacks: Sequence[Any], *, is_async: bool) -> Check:
    """Return what asks the callbacks one after the other; the first that returns something true signs the request in."""
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
    declared = is_async_callable(callback) or getattr(callback, "is_async", False)
    if not is_async:
        return _call_and_wait(callback) if declared else callback
    if declared or getattr(callback, "is_blocking", True) is False:
        return _call(callback)
    return sync_to_async(callback)


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


def challenged(response: Any, challenge: str) -> Any:
    """Say on a 401 how to authenticate, where a handler of the project's own has not."""
    if isawaitable(response):
        return _challenged_later(response, challenge)
    if challenge and response.status_code == 401:
        response.headers.setdefault("WWW-Authenticate", challenge)
    return response


async def _challenged_later(response: Awaitable[Any], challenge: str) -> Any:
    return challenged(await response, challenge)


# ---- throttles of async routes ----

_PASSES = object()
_locks: "WeakKeyDictionary[Any, Lock]" = WeakKeyDictionary()
_STOCK = (SimpleRateThrottle, ExtraSimpleRateThrottle)


def _bind_throttles(api: Any, operation: Operation) -> Check:
    """Return what asks every throttle of an async route, as Ninja does: each of them counts the request."""
    asks = [_bind_throttle(throttle) for throttle in operation.throttle_objects]

    async def check_throttles(request: HttpRequest) -> Any:
        found = [await ask(request) for ask in asks]
        waits = [seconds for seconds in found if seconds is not _PASSES]
        if not waits:
            return None
        longest = max((seconds for seconds in waits if seconds is not None), default=None)
        if isinstance(operation, ExtraOperation):
            raise ExtraThrottled(wait=longest)
        response = await arrived(api.on_exception(request, Throttled(wait=longest)))
        if longest is not None:
            response.headers["Retry-After"] = str(ceil(longest))
        return response

    return check_throttles


def _bind_throttle(throttle: Any) -> Callable[[HttpRequest], Awaitable[Any]]:
    """Return what asks one throttle: its async twin ``aallow_request``, else the sync method where it may block."""
    twin = getattr(throttle, "aallow_request", None)
    if iscoroutinefunction(twin):

        async def ask_twin(request: HttpRequest) -> Any:
            return _PASSES if await twin(request) else throttle.wait()

        return ask_twin

    def ask(request: HttpRequest) -> Any:
        return _PASSES if throttle.allow_request(request) else throttle.wait()

    if getattr(throttle, "is_blocking", True) is False:
        return _call(ask)
    if not isinstance(throttle, SimpleRateThrottle):
        return sync_to_async(ask)

    # What it knows of a request it keeps on itself until `wait()`: two requests must not do so at once.
    lock = _locks.setdefault(throttle, Lock())

    def ask_alone(request: HttpRequest) -> Any:
        with lock:
            return ask(request)

    in_thread = sync_to_async(ask_alone)
    if not _counts_in_memory(throttle):
        return in_thread

    async def ask_here_first(request: HttpRequest) -> Any:
        if lock.acquire(blocking=False):
            try:
                return ask(request)
            except SynchronousOnlyOperation:
                pass  # It has asked the database who the user is, and has counted nothing yet.
            finally:
                lock.release()
        return await in_thread(request)

    return ask_here_first


def _counts_in_memory(throttle: SimpleRateThrottle) -> bool:
    """Tell whether a throttle counts as Ninja does, in a cache that never waits."""
    cls = type(throttle)
    for name in ("allow_request", "throttle_success", "throttle_failure"):
        if getattr(cls, name) not in [getattr(stock, name) for stock in _STOCK]:
            return False
    used: Any = throttle.cache
    return isinstance(caches["default"] if used is cache else used, LocMemCache | DummyCache)
