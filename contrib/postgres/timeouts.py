"""``@statement_timeout`` and ``@lock_timeout``: how long the statements of one route may take, and wait for locks."""

from collections.abc import Callable

from django_matt.contrib.postgres.settings import check_number
from django_matt.decorators import View, set_metadata

__all__ = ["lock_timeout", "statement_timeout"]

_HOOK = "django_matt.contrib.postgres.hooks.TimeLimits"


def statement_timeout(milliseconds: int | None) -> Callable[[View], View]:
    """Limit how long each statement of a route may take; None for no limit. A slower one is a 503 ``query_timeout``.

    The route runs in one transaction, in which PostgreSQL is told the limit. It is gone when the transaction ends.

    >>> @statement_timeout(500)
    ... def search(request): ...
    """
    return _mark("statement_timeout", milliseconds)


def lock_timeout(milliseconds: int | None) -> Callable[[View], View]:
    """Limit how long each statement of a route may wait for a lock; None for no limit. Then it is a 409 ``lock_timeout``."""
    return _mark("lock_timeout", milliseconds)


def _mark(name: str, milliseconds: int | None) -> Callable[[View], View]:
    if milliseconds is not None:
        check_number(milliseconds, f"@{name}")
    return set_metadata(name, (milliseconds,), hook=_HOOK)
