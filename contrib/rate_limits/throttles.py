"""``LimitThrottle``: a rate limit for ``throttle=``, in place of Ninja's throttles."""

from contextvars import ContextVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

from django_matt.contrib.rate_limits.limits import By, OnError, make_limit
from django_matt.contrib.rate_limits.rates import Outcome
from django_matt.contrib.rate_limits.services import count

__all__ = ["LimitThrottle"]


class LimitThrottle(BaseThrottle):
    """A throttle that counts exactly, in the store of the project; its arguments are those of ``rate_limit``.

    It counts after authentication and before the request is validated. Unlike ``@rate_limit``, it adds only
    ``Retry-After`` to the response.

    >>> @api.get("/search", throttle=[LimitThrottle("10/minute", scope="search")])
    ... def search(request, q: str): ...
    """

    def __init__(
        self, rate: str, *, scope: str, by: By = "user", on_error: OnError = "open"
    ) -> None:
        """Take the rate; throttles with the same scope, rate and ``by`` count together."""
        self._limit = make_limit(rate, by, scope, on_error)
        # One throttle serves all requests; wait() belongs to the request that was refused last in this context.
        self._outcome: ContextVar[Outcome | None] = ContextVar(f"matt_limit_{scope}", default=None)

    def _count(self, request: HttpRequest) -> Outcome | None:
        limit, key = self._limit, self._limit.key_of(request)
        if key is None:
            return None
        return count(limit.rate, f"{limit.scope}|{limit.rate}|{limit.name}|{key}", limit.on_error)

    def allow_request(self, request: HttpRequest) -> bool:
        """Count a request, and return whether it is allowed."""
        outcome = self._count(request)
        self._outcome.set(outcome)
        return outcome is None or outcome.allowed

    async def aallow_request(self, request: HttpRequest) -> bool:
        """Do the same on an async route."""
        outcome = await sync_to_async(self._count)(request)
        self._outcome.set(outcome)
        return outcome is None or outcome.allowed

    def wait(self) -> float | None:
        """Return in how many seconds the refused request may be sent again."""
        outcome = self._outcome.get()
        return None if outcome is None else max(outcome.reset, 1.0)
