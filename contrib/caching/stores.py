"""The cache in which responses and tokens are stored: Django's, with a short timeout and without an error."""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_matt.contrib.caching.settings import get_settings

__all__ = ["PREFIX", "Store", "get_store", "is_quiet"]

PREFIX = "matt-caching:"
_PAUSE = 1.0
_PATIENCE = 2.0

is_quiet: ContextVar[bool] = ContextVar("matt_caching_quiet", default=False)
"""Whether the statements of now are those of a cache in the database, which are not watched."""

_logger = logging.getLogger(__name__)
T = TypeVar("T")


class Store:
    """A cache of ``CACHES``. Every method returns ``None`` if the cache does not answer.

    After an error, it is not used for a second: otherwise each request would wait for the timeout. ``is_patient``: for
    what must not fail, it is used again at once.
    """

    def __init__(self, alias: str, timeout: float, *, is_patient: bool = False) -> None:
        """Prepare the cache; nothing is connected yet. ``timeout`` is in seconds, and used for Redis."""
        self.alias = alias
        self._pause = 0.0 if is_patient else _PAUSE
        params: dict[str, Any] = dict(settings.CACHES[alias])
        kind: type[Any] = import_string(params.pop("BACKEND"))
        self.is_local = issubclass(kind, LocMemCache)
        self.in_database = issubclass(kind, DatabaseCache)
        self._cache: Any = None
        if issubclass(kind, RedisCache):
            self._cache = _redis_cache(kind, params, timeout)
        elif self.is_local:
            # The memory is shared by all objects of its name, and guarded by its lock.
            self._cache = kind(params.pop("LOCATION", ""), params)
        self._asks_at = 0.0
        self._is_down = False

    def get_many(self, keys: Iterable[str]) -> dict[str, Any] | None:
        """Return what is stored."""
        return self._ask(lambda cache: dict(cache.get_many(keys)))

    def set_many(self, values: Mapping[str, bytes], timeout: float | None) -> bool | None:
        """Store values; return whether all were stored."""
        return self._ask(lambda cache: not cache.set_many(values, timeout))

    def add(self, key: str, value: bytes, timeout: float | None) -> bool | None:
        """Store a value if there is none yet; return whether it was stored."""
        return self._ask(lambda cache: bool(cache.add(key, value, timeout)))

    def delete(self, key: str) -> bool | None:
        """Remove a value; return whether there was one."""
        return self._ask(lambda cache: bool(cache.delete(key)))

    def count(self, key: str, delta: int, timeout: float) -> int | None:
        """Add to a number, which begins at 0, and keep it for some seconds more."""

        def add(cache: Any) -> int:
            if delta > 0:
                cache.add(key, 0, timeout)
            try:
                number = int(cache.incr(key, delta))
            except ValueError:  # it has ended by itself
                return 0
            cache.touch(key, timeout)
            return number

        return self._ask(add)

    def _ask(self, question: Callable[[Any], T]) -> T | None:
        if monotonic() < self._asks_at:
            return None
        before = is_quiet.get()
        is_quiet.set(True)
        try:
            found = question(caches[self.alias] if self._cache is None else self._cache)
        except Exception as error:  # noqa: BLE001 - whatever a backend raises, the request is answered without it
            self._asks_at = monotonic() + self._pause
            if not self._is_down:
                self._is_down = True
                _logger.warning(
                    "The cache %r does not answer, so responses are not cached: %s: %s",
                    self.alias,
                    type(error).__name__,
                    error,
                )
            return None
        finally:
            is_quiet.set(before)
        if self._is_down:
            self._is_down = False
            _logger.warning("The cache %r answers again.", self.alias)
        return found


def _redis_cache(kind: type[Any], params: dict[str, Any], timeout: float) -> Any:
    """Return a client of its own, which waits shortly, and reads tokens where they are written: not from a replica."""
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as Disconnected
    from redis.retry import Retry

    location = params.pop("LOCATION", "")
    servers = location.replace(";", ",").split(",") if isinstance(location, str) else location
    params["OPTIONS"] = {
        **params.get("OPTIONS", {}),
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        # By default, redis retries with pauses. Once is for a connection that the server has closed meanwhile.
        "retry": Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
    }
    return kind(servers[0], params)


_stores: dict[bool, Store] = {}


def get_store(*, patient: bool = False) -> Store:
    """Return the cache that the project has chosen; ``patient`` waits for Redis for seconds, because it is for writers."""
    store = _stores.get(patient)
    if store is None:
        options = get_settings()
        timeout = max(options.TIMEOUT, _PATIENCE) if patient else options.TIMEOUT
        store = _stores[patient] = Store(options.CACHE, timeout, is_patient=patient)
    return store


def _changed(*, setting: str, **_: Any) -> None:
    if setting in ("CACHES", "MATT_CACHING"):
        _stores.clear()


setting_changed.connect(_changed)
