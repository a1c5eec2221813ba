"""``@rate_limit`` and ``limit_api``: which limits a route has, and whom each of them counts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from ninja.operation import Operation

from django_matt.contrib.rate_limits.addresses import address_bucket
from django_matt.contrib.rate_limits.rates import Rate, parse_rate
from django_matt.contrib.rate_limits.settings import get_settings
from django_matt.decorators import View, get_metadata, set_metadata
from django_matt.limits import find_views
from django_matt.sign_in import current_tenant, name_principal, principal_of

__all__ = [
    "By",
    "Limit",
    "OnError",
    "limit_api",
    "limits_of",
    "limits_of_api",
    "make_limit",
    "parse_limit",
    "rate_limit",
]

By = Literal["user", "key", "tenant", "address"] | Callable[[HttpRequest], str | None]
"""Whom a limit counts; a function returns text, or ``None`` for a request that is not limited."""

OnError = Literal["open", "closed"]
"""Whether requests pass or are refused (503) while the store does not answer."""

_NAMES = ("user", "key", "tenant", "address")
_HOOK = "django_matt.contrib.rate_limits.hooks.RateLimitHook"
_of_apis: "WeakKeyDictionary[Any, list[Limit]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests one client may send, and what counts as one client."""

    rate: Rate
    by: By
    scope: str
    """Limits with the same scope, rate and ``by`` count together."""
    on_error: OnError = "open"

    @property
    def name(self) -> str:
        """The name in the response's headers, of ASCII letters, digits and hyphens."""
        by = self.by if isinstance(self.by, str) else getattr(self.by, "__name__", "own")
        return re.sub(r"[^A-Za-z0-9]+", "-", by).strip("-") or "own"

    @property
    def is_early(self) -> bool:
        """Whether it counts before authentication, so that guesses of credentials count too."""
        return self.by == "address"

    def key_of(self, request: HttpRequest) -> str | None:
        """Return who sent a request: the address, if it has no user, no key or no tenant; ``None`` if it is not limited."""
        if not isinstance(self.by, str):
            return self.by(request)
        found: str | None = None
        if self.by == "tenant":
            tenant = current_tenant(request)
            found = None if tenant is None else f"tenant:{tenant.pk}"
        elif self.by == "key":
            # Several keys of one user are several clients.
            auth = getattr(request, "auth", None)
            if auth and auth is not getattr(request, "user", None):
                found = name_principal(auth)
        if found is None and self.by != "address":
            found = principal_of(request)
        return found or f"address:{address_bucket(request)}"


def rate_limit(
    rate: str | None, *, by: By = "user", scope: str | None = None, on_error: OnError = "open"
) -> Callable[[View], View]:
    """Limit how many requests each client may send to a route; further ones get a 429.

    - ``rate`` is a text such as ``10/minute`` or ``100/15 minutes``.
    - ``by="user"`` counts each user, ``"key"`` what authenticated the request, ``"tenant"`` the tenant, and
      ``"address"`` the address of the client, before authentication. Requests without a user, key or tenant are
      counted by address. A function of the request returns the text to count by, or ``None`` for no limit.
    - Routes with the same ``scope``, rate and ``by`` share one limit. Without it, each route has its own.
    - While the store does not answer, ``on_error="open"`` lets requests pass; ``"closed"`` refuses them with a 503.

    Use the decorator several times for several limits. ``@rate_limit(None)`` exempts a route from the limits of its API.

    >>> @rate_limit("10/minute")
    ... def search(request, q: str): ...
    """

    def mark(view: View) -> View:
        known: tuple[Any, ...] = get_metadata("rate_limit", view) or ()
        added = None if rate is None else make_limit(rate, by, scope or _name_of(view), on_error)
        return set_metadata("rate_limit", (*known, added), hook=_HOOK)(view)

    return mark


def limit_api(api: Any, rate: str, *, by: By = "user", on_error: OnError = "open") -> None:
    """Limit how many requests each client may send to all operations of an API together. Call it before the API is used.

    >>> limit_api(api, "1000/hour", by="key")
    """
    _of_apis.setdefault(api, []).append(make_limit(rate, by, f"api:{api.urls_namespace}", on_error))


def limits_of(operation: Operation, api: Any) -> list[Limit]:
    """Return the limits of an operation: those of its API, then its own."""
    own = get_metadata("rate_limit", operation.view_func) or ()
    # throttle=[] is how a route of Ninja's says that it is not limited, as those of contrib.health do.
    is_exempt = None in own or getattr(operation, "throttle_param", None) == []
    return [*([] if is_exempt else limits_of_api(api)), *filter(None, own)]


def limits_of_api(api: Any) -> list[Limit]:
    """Return the limits of all operations of an API: those of the settings, then those of ``limit_api``."""
    scope = f"api:{api.urls_namespace}"
    return [*(parse_limit(text, scope) for text in get_settings().API), *_of_apis.get(api, ())]


def parse_limit(text: str, scope: str) -> Limit:
    """Return the limit of a text such as ``1000/hour by user``; raise ``ImproperlyConfigured`` for any other."""
    rate, _, by = text.partition(" by ")
    given: Any = by or "user"
    return make_limit(rate, given, scope, "open")


def make_limit(rate: str, by: By, scope: str, on_error: OnError) -> Limit:
    """Return a limit; raise ``ImproperlyConfigured`` for a wrong argument."""
    if not callable(by) and by not in _NAMES:
        raise ImproperlyConfigured(
            f"A rate limit counts by {by!r}; it must be one of {', '.join(_NAMES)}, or a function."
        )
    if on_error not in ("open", "closed"):
        raise ImproperlyConfigured(
            f"on_error of a rate limit is {on_error!r}; it must be open or closed."
        )
    return Limit(parse_rate(rate), by, scope, on_error)


def _name_of(view: Any) -> str:
    innermost = [*find_views(view)][-1]
    return f"{innermost.__module__}.{innermost.__qualname__}"
