"""The hook that runs a route with limits in one transaction, and tells PostgreSQL the limits for that transaction."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from ninja.operation import Operation

from django_matt.contrib.postgres.settings import get_settings
from django_matt.decorators import get_metadata
from django_matt.hooks import Call, OperationHook
from django_matt.urls import non_atomic_aliases

__all__ = ["TimeLimits"]


class TimeLimits(OperationHook):
    """Limits the statements of a route on the default database.

    ``SET LOCAL`` and ``set_config(…, true)`` last until the end of the transaction, so that a connection of a pool, or one
    that ``CONN_MAX_AGE`` keeps, never carries a limit to another request.
    """

    order = -1_050
    """Outside of the scopes of the core, whose queries are limited too."""

    def __init__(self, limits: dict[str, int]) -> None:
        """Take the limits in milliseconds, by the names of PostgreSQL's settings."""
        calls = ", ".join("set_config(%s, %s, true)" for _ in limits)
        self._statement = f"SELECT {calls}"
        self._values = [part for name, value in limits.items() for part in (name, str(value))]

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route with limits; None for any other route, and on another database."""
        options = get_settings()
        limits: dict[str, int] = {}
        marked = False
        for name, usual in (
            ("statement_timeout", options.STATEMENT_TIMEOUT),
            ("lock_timeout", options.LOCK_TIMEOUT),
        ):
            own = get_metadata(name, operation.view_func)
            value = usual if own is None else own[0]
            marked |= own is not None and value is not None
            if value is not None:
                limits[name] = value
        if not limits or connections[DEFAULT_DB_ALIAS].vendor != "postgresql":
            return None
        if DEFAULT_DB_ALIAS in non_atomic_aliases(operation):
            if marked:
                raise ImproperlyConfigured(
                    "@statement_timeout and @lock_timeout need a transaction, and the route has "
                    "@transaction.non_atomic_requests."
                )
            return None
        return cls(limits)

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Run the view in a transaction with the limits."""
        with transaction.atomic():
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(self._statement, self._values)
            yield

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route, in the thread of its queries."""
        block = self.around(call)
        await sync_to_async(block.__enter__)()
        try:
            yield
        except BaseException as error:
            await sync_to_async(block.__exit__)(type(error), error, error.__traceback__)
            raise
        await sync_to_async(block.__exit__)(None, None, None)

    def error_statuses(self, method: str) -> tuple[int, ...]:
        """Return the statuses of statements that were ended."""
        return (409, 503)
