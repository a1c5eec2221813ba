"""Counts the database queries of a request, in whichever thread they run."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

__all__ = ["Count", "count_queries", "current_count"]


class Count:
    """The number of queries of one request."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        """Start at none."""
        self.number = 0


current_count: ContextVar[Count | None] = ContextVar("matt_query_count", default=None)


def count_queries() -> None:
    """Count the queries of every connection, those that are open and those that will be opened."""
    connection_created.connect(_watch, dispatch_uid="matt_request_logs")
    for connection in connections.all(initialized_only=True):
        _watch(connection)


def _watch(connection: Any, **_: Any) -> None:
    if _count not in connection.execute_wrappers:
        # First: connection.execute_wrapper() ends by removing the last, and may be what opens the connection.
        connection.execute_wrappers.insert(0, _count)


def _count(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
    """Run a query; Django calls this around each one. ``executemany`` counts as one."""
    count = current_count.get()
    if count is not None:
        count.number += 1
    return execute(sql, params, many, context)
