"""Counts in Redis, with one script per request, by the connections of the library ``limits`` (extra ``rate-limits``)."""

from time import monotonic
from typing import Any

from django_matt.contrib.rate_limits.rates import Outcome, Rate
from django_matt.contrib.rate_limits.stores import StoreUnavailable, hashed, outcome_of
from django_matt.errors.exceptions import MissingExtra

__all__ = ["RedisStore"]

# Redis runs a script as one step, by its own clock. Numbers are returned as text, because it cuts their fractions off.
_HIT = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local ahead = math.max((tonumber(redis.call('GET', KEYS[1])) or 0) - now, 0) + tonumber(ARGV[1])
if ahead > tonumber(ARGV[2]) then return {0, tostring(ahead)} end
redis.call('SET', KEYS[1], string.format('%.6f', now + ahead), 'PX', math.ceil(ahead * 1000))
return {1, tostring(ahead)}
"""
_PREFIX = "matt-rate-limits:"
_PAUSE = 1.0


class RedisStore:
    """Counts in Redis, Valkey, a cluster or Sentinel: every URL that ``limits`` knows for these.

    After an error, Redis is asked again after a second: until then, each request would wait for the timeout.
    """

    blocks = True

    def __init__(self, url: str, timeout: float) -> None:
        """Prepare the connections; the first request opens one. ``timeout`` is in seconds."""
        try:
            from limits.storage import RedisStorage, storage_from_string
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise MissingExtra(error.name or "limits", "rate-limits") from error
        # By default, redis retries three times, with pauses of seconds.
        options: dict[str, Any] = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "retry": Retry(NoBackoff(), 1),
        }
        storage: Any = storage_from_string(url, **options)
        kind = type(storage)
        if not issubclass(kind, RedisStorage):
            raise TypeError(f"{kind.__name__} of limits is not a storage in Redis.")
        self._errors: tuple[type[Exception], ...] = (storage.base_exceptions, OSError)
        client: Any = storage.get_connection()
        self._hit: Any = client.register_script(_HIT)
        self._asks_at = 0.0

    def hit(self, rate: Rate, key: str) -> Outcome:
        """Count one request of a client."""
        if monotonic() < self._asks_at:
            raise StoreUnavailable("Redis did not answer less than a second ago.")
        try:
            allowed, ahead = self._hit([_PREFIX + hashed(key)], [rate.step, rate.tolerance])
        except self._errors as error:
            self._asks_at = monotonic() + _PAUSE
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
        return outcome_of(rate, float(ahead), allowed=bool(allowed))
