"""The throttles of a route: on async routes they are awaited, or called in the event loop or in the request's thread."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from math import ceil
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.core.cache import cache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from ninja.errors import Throttled
from ninja.operation import Operation
from ninja.throttling import SimpleRateThrottle
from ninja_extra.exceptions import Throttled as ExtraThrottled
from ninja_extra.operation import Operation as ExtraOperation
from ninja_extra.throttling import SimpleRateThrottle as ExtraSimpleRateThrottle

from django_matt.errors.answering import arrived

__all__ = ["REPEATED", "bind_throttles"]

REPEATED = "_matt_repeated"
"""The attribute of a request that an app handles again, such as one of an open stream: it was counted."""

_PASSES = object()
_locks: "WeakKeyDictionary[Any, Lock]" = WeakKeyDictionary()
_STOCK = (SimpleRateThrottle, ExtraSimpleRateThrottle)


def bind_throttles(api: Any, operation: Operation) -> Callable[[HttpRequest], Any]:
    """Return a function that calls every throttle of a route, as Ninja does: each of them counts the request."""
    is_extra = isinstance(operation, ExtraOperation)
    throttles: list[Any] = list(operation.throttle_objects)

    def longest(found: list[Any]) -> float | None:
        waits = [seconds for seconds in found if seconds is not _PASSES]
        wait: float | None = max((each for each in waits if each is not None), default=None)
        if is_extra:
            raise ExtraThrottled(wait=wait)
        return wait

    def finish(response: Any, wait: float | None) -> Any:
        if wait is not None:
            response.headers["Retry-After"] = str(ceil(wait))
        return response

    def check(request: HttpRequest) -> Any:
        if hasattr(request, REPEATED):
            return None
        found = [_PASSES if each.allow_request(request) else each.wait() for each in throttles]
        if all(each is _PASSES for each in found):
            return None
        wait: Any = longest(found)
        return finish(api.on_exception(request, Throttled(wait=wait)), wait)

    if not operation.is_async:
        return check
    asks = [_bind_throttle(each) for each in throttles]

    async def check_async(request: HttpRequest) -> Any:
        if hasattr(request, REPEATED):
            return None
        found = [await ask(request) for ask in asks]
        if all(each is _PASSES for each in found):
            return None
        wait: Any = longest(found)
        return finish(await arrived(api.on_exception(request, Throttled(wait=wait))), wait)

    return check_async


def _bind_throttle(throttle: Any) -> Callable[[HttpRequest], Awaitable[Any]]:
    """Return a function that calls one throttle: its async twin ``aallow_request``, or its sync method where it may block."""
    twin = getattr(throttle, "aallow_request", None)
    if iscoroutinefunction(twin):

        async def ask_twin(request: HttpRequest) -> Any:
            return _PASSES if await twin(request) else throttle.wait()

        return ask_twin

    def ask(request: HttpRequest) -> Any:
        return _PASSES if throttle.allow_request(request) else throttle.wait()

    async def ask_here(request: HttpRequest) -> Any:
        return ask(request)

    if getattr(throttle, "is_blocking", True) is False:
        return ask_here
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
                pass  # It has queried the database for the user, and has counted nothing yet.
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
