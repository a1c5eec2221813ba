"""The hook of limited routes: it counts requests before and after authentication, and adds the headers."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.rate_limits.limits import Limit, limits_of, limits_of_api
from django_matt.contrib.rate_limits.rates import Outcome
from django_matt.contrib.rate_limits.services import count, retry_after
from django_matt.contrib.rate_limits.stores import get_store
from django_matt.errors.exceptions import TooManyRequests
from django_matt.hooks import Call, OperationHook

__all__ = ["RateLimitHook"]

_REMAINING = "How many requests you may send now (r), and in how many seconds all of them (t)."
_POLICY = "How many requests you may send (q) in how many seconds (w)."


class RateLimitHook(OperationHook):
    """Counts the requests of one operation, and refuses those over a limit with a 429."""

    order = -300  # outside of what queries the database

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of an operation with limits; ``None`` for another."""
        return cls._of(limits_of(operation, api), operation)

    @classmethod
    def bind_unmatched(cls, api: Any) -> Self | None:
        """Return the hook of unknown URLs and wrong methods: they count against the API's limits by address."""
        return cls._of([limit for limit in limits_of_api(api) if limit.is_early], None)

    @classmethod
    def _of(cls, limits: Sequence[Limit], operation: Operation | None) -> Self | None:
        if not limits:
            return None
        early = [limit for limit in limits if limit.is_early]
        late = [limit for limit in limits if not limit.is_early]
        # A method that a hook does not have costs nothing.
        kinds: list[type[Any]] = [_Late] if late else []
        kinds += [_Early] if early else [_Inside]
        blocks = get_store().blocks or any(_blocks(limit, operation) for limit in late)
        made: Any = type(
            cls.__name__, (*kinds, cls), {"never_blocks": not blocks, "__module__": cls.__module__}
        )
        hook: Self = made(early, late)
        return hook

    def __init__(self, early: Sequence[Limit], late: Sequence[Limit]) -> None:
        """Prepare the names and keys that do not depend on a request."""
        names = _distinct([limit.name for limit in (*early, *late)])
        prepared = [
            (limit, f'"{name}"', f"{limit.scope}|{limit.rate}|{name.partition('.')[0]}|")
            for limit, name in zip((*early, *late), names, strict=True)
        ]
        self._early, self._late = prepared[: len(early)], prepared[len(early) :]
        self._closed = any(limit.on_error == "closed" for limit in (*early, *late))
        self._policy = ", ".join(
            f"{name};q={limit.rate.amount};w={limit.rate.seconds}" for limit, name, _ in prepared
        )

    def _count(self, call: Call, limits: Sequence[tuple[Limit, str, str]]) -> None:
        found: list[str] = call.state.setdefault(self, [])
        # All keys first: one may have to be asked for again in a thread, and nothing may be counted twice.
        keys = [limit.key_of(call.request) for limit, _, _ in limits]
        for key, (limit, name, prefix) in zip(keys, limits, strict=True):
            outcome = None if key is None else count(limit.rate, prefix + key, limit.on_error)
            if outcome is None:
                continue
            found.append(f"{name};r={outcome.remaining};t={ceil(outcome.reset)}")
            if not outcome.allowed:
                raise TooManyRequests(headers=self._headers(call, outcome))

    def _headers(self, call: Call, outcome: Outcome) -> dict[str, str]:
        return {
            "Retry-After": retry_after(outcome),
            "RateLimit-Policy": self._policy,
            "RateLimit": ", ".join(call.state[self]),
        }

    def add_headers(self, call: Call, response: HttpResponseBase) -> None:
        """Tell the client what is left of its limits."""
        found = call.state.get(self)
        if found:
            response.headers["RateLimit-Policy"] = self._policy
            response.headers["RateLimit"] = ", ".join(found)

    def error_statuses(self, method: str) -> list[int]:
        """Return 429, and 503 if a limit refuses requests while the store does not answer."""
        return [429, 503] if self._closed else [429]

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Add the headers to the OpenAPI document; its 429 has ``Retry-After`` already."""
        text = {"schema": {"type": "string"}}
        headers = {
            "RateLimit": {"description": _REMAINING, **text},
            "RateLimit-Policy": {"description": _POLICY, **text},
        }
        for status, response in details["responses"].items():
            if str(status).startswith("2"):
                response["headers"] = {**response.get("headers", {}), **headers}


class _Early:
    """What a hook with limits by address has."""

    def received(self: Any, call: Call) -> None:
        """Count before authentication."""
        self._count(call, self._early)

    def answered(self: Any, call: Call, response: HttpResponseBase) -> None:
        """Add the headers to every response, also of errors."""
        self.add_headers(call, response)

    async def aanswered(self: Any, call: Call, response: HttpResponseBase) -> None:
        """Do the same on an async route."""
        self.add_headers(call, response)


class _Late:
    """What a hook with other limits has."""

    def admitted(self: Any, call: Call) -> None:
        """Count after authentication."""
        self._count(call, self._late)

    async def aadmitted(self: Any, call: Call) -> None:
        """Do the same on an async route, in a thread if something has to be asked for."""
        if self.never_blocks:
            try:
                self.admitted(call)
            except (
                SynchronousOnlyOperation
            ):  # the session's user, which an authentication of Ninja's has not loaded
                await sync_to_async(self.admitted)(call)
        else:
            await sync_to_async(self.admitted)(call)


class _Inside:
    """What a hook without limits by address has: it runs around the view alone, which costs half as much."""

    def response(self: Any, call: Call, response: HttpResponseBase) -> None:
        """Add the headers to the response of the view."""
        self.add_headers(call, response)

    async def aresponse(self: Any, call: Call, response: HttpResponseBase) -> None:
        """Do the same on an async route."""
        self.add_headers(call, response)


def _blocks(limit: Limit, operation: Operation | None) -> bool:
    """Return whether it may query the database who sent a request."""
    if callable(limit.by):
        return getattr(limit.by, "is_blocking", True) is not False
    # Without authentication of the route, Django loads the session's user when it is asked for.
    return limit.by == "tenant" or not getattr(operation, "auth_callbacks", None)


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names of which no two are the same."""
    found: list[str] = []
    for name in names:
        count_of = sum(each.partition(".")[0] == name for each in found)
        found.append(f"{name}.{count_of + 1}" if count_of else name)
    return found
