"""``@cached``: marks the routes whose responses are stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from inspect import iscoroutinefunction
from math import isfinite
from typing import Any, Literal, get_args

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.http import HttpRequest

from django_matt.decorators import View, get_metadata, set_metadata

__all__ = ["Caching", "Part", "Vary", "cached", "caching_of"]

_HOOK = "django_matt.contrib.caching.hooks.CachingHook"

Part = Literal["user", "tenant", "language"]
"""What a response may differ by."""
Vary = Part | Callable[[HttpRequest], Any]


@dataclass(frozen=True, slots=True)
class Caching:
    """The arguments of ``cached``."""

    seconds: float
    stale: float
    vary: tuple[Vary, ...] | None
    public: bool
    reads: tuple[type[Model] | str, ...] | None
    """``None`` if the route does not say."""


def cached(
    seconds: float | timedelta,
    *,
    stale: float | timedelta = 0,
    vary: Sequence[Vary] | None = None,
    public: bool = False,
    reads: Sequence[type[Model] | str] | None = None,
) -> Callable[[View], View]:
    """Store the responses of a route that reads, until a table that it has read is written, and ``seconds`` at most.

    For ``stale`` more seconds, the old response is sent while a new one is computed; never after a write. ``vary`` names
    what the response differs by besides: ``"user"``, or functions of the request. A route with authentication or permissions
    always differs by user, unless you write ``vary=[]``. ``public=True`` lets a CDN store it too. ``reads`` names models or
    tables that the view reads in a way that cannot be seen, such as a view of the database; ``reads=[]`` says that it reads
    no database.

    >>> @api.get("/books", response=list[BookOut])
    ... @cached(seconds=300, stale=3600)
    ... def books(request): ...
    """
    if callable(seconds):
        raise ImproperlyConfigured("@cached needs seconds: @cached(seconds=300).")
    duration, more = _seconds(seconds), _seconds(stale)
    if not duration > 0 or more < 0:
        raise ImproperlyConfigured("@cached needs seconds above 0, and stale of 0 or more.")
    if public and duration < 1:
        raise ImproperlyConfigured("@cached(public=True) needs at least one second.")
    if isinstance(vary, str) or isinstance(reads, str | type):
        raise ImproperlyConfigured("@cached: write vary and reads as lists.")
    for each in vary or ():
        if each not in get_args(Part) and not callable(each):
            raise ImproperlyConfigured(
                f"@cached(vary=…) does not know {each!r}. Use {', '.join(map(repr, get_args(Part)))} or a function."
            )
        if iscoroutinefunction(each):
            raise ImproperlyConfigured("@cached(vary=…) needs a plain function, not an async one.")
    if public and vary is not None and {"user", "tenant"} & {*vary}:
        raise ImproperlyConfigured(
            "@cached: what differs by user or tenant must not be public, because a CDN would send it to everyone."
        )
    chosen = None if vary is None else tuple(vary)
    read = None if reads is None else tuple(reads)
    mark = set_metadata("cached", Caching(duration, more, chosen, public, read), hook=_HOOK)

    def decorate(view: View) -> View:
        if not callable(view):
            raise ImproperlyConfigured(
                f"@cached belongs on a route, not on a {type(view).__name__}."
            )
        return mark(view)

    return decorate


def _seconds(value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ImproperlyConfigured(
            f"@cached: {value!r} is not a time; write seconds or a timedelta."
        )
    return value


def caching_of(view: Any) -> Caching | None:
    """Return the ``cached`` of a view function, also below other decorators; ``None`` without one."""
    found: Caching | None = get_metadata("cached", view)
    return found
