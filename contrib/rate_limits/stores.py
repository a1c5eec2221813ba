"""Where requests are counted: what a store is, the one in memory, and which one the project has chosen.

Every store counts by the generic cell rate algorithm (GCRA, ITU-T I.371): one number for each client of a limit.
"""

from functools import lru_cache
from hashlib import blake2b
from math import inf
from threading import Lock
from time import time
from typing import Protocol

from django.conf import settings

from django_matt.contrib.rate_limits.rates import Outcome, Rate
from django_matt.contrib.rate_limits.settings import database_alias, get_settings

__all__ = [
    "MemoryStore",
    "Store",
    "StoreUnavailable",
    "chosen_store",
    "get_store",
    "hashed",
    "outcome_of",
]


_LONG = 200


class StoreUnavailable(Exception):  # noqa: N818 - named after what is wrong
    """The store did not answer, so that nothing was counted."""


class Store(Protocol):
    """Counts requests."""

    blocks: bool
    """Whether ``hit`` waits for a database or a network, so that an event loop may not call it."""

    def hit(self, rate: Rate, key: str) -> Outcome:
        """Count one request of a client; a refused one is not counted. Raises ``StoreUnavailable``."""
        ...


class MemoryStore:
    """Counts in this process. Each process counts on its own, and a restart begins again.

    ``MemoryStorage`` of the library ``limits`` is not used: it looks at every client every 10 ms while requests arrive.
    """

    blocks = False

    def __init__(self) -> None:
        """Know no client yet."""
        self._tats: dict[str, float] = {}
        self._lock = Lock()
        self._sweep_at = 1_000

    def hit(self, rate: Rate, key: str) -> Outcome:
        """Count one request of a client."""
        if len(key) > _LONG:
            key = hashed(key)  # a client chooses the name of an account, and its length
        now = time()
        with self._lock:
            ahead = max(self._tats.get(key, 0.0) - now, 0.0) + rate.step
            allowed = ahead <= rate.tolerance
            if allowed:
                self._tats[key] = now + ahead
                if len(self._tats) >= self._sweep_at:
                    self._sweep(now)
        return outcome_of(rate, ahead, allowed=allowed)

    def _sweep(self, now: float) -> None:
        """Forget the clients whose requests are used up; next at twice as many clients, so that it costs each little."""
        self._tats = {key: tat for key, tat in self._tats.items() if tat > now}
        self._sweep_at = max(1_000, 2 * len(self._tats))


def outcome_of(rate: Rate, ahead: float, *, allowed: bool) -> Outcome:
    """Return the outcome of a request; ``ahead`` is how far the clock is exceeded with it, in seconds."""
    if allowed:
        return Outcome(True, int((rate.tolerance - ahead) / rate.step), ahead)
    return Outcome(False, 0, ahead - rate.seconds)


def hashed(key: str) -> str:
    """Return a hash of a key as 32 hexadecimal digits, because keys contain addresses, and mail addresses."""
    secret = (
        settings.SECRET_KEY.encode()
        if isinstance(settings.SECRET_KEY, str)
        else settings.SECRET_KEY
    )
    return blake2b(
        key.encode("utf-8", "surrogatepass"), digest_size=16, key=secret[:64]
    ).hexdigest()


def get_store() -> Store:
    """Return the store that the project has chosen; one object for the process."""
    options = get_settings()
    return chosen_store(options.STORE, options.TIMEOUT)


@lru_cache(maxsize=8)
def chosen_store(store: str, timeout: float = inf) -> Store:
    """Return the store of a name or URL; raise ``MissingExtra`` if its library is not installed."""
    if store == "memory":
        return MemoryStore()
    alias = database_alias(store)
    if alias is not None:
        from django_matt.contrib.rate_limits.database_stores import DatabaseStore

        return DatabaseStore(alias)
    from django_matt.contrib.rate_limits.redis_stores import RedisStore

    return RedisStore(store, timeout)
