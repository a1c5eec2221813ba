"""Counts the database queries of a request, in whichever thread they run."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django_matt.connection_wrappers import wrap_connections

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
    wrap_connections(_count)


def _count(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
    """Run a query; Django calls this around each one. ``executemany`` counts as one."""
    count = current_count.get()
    if count is not None:
        count.number += 1
    return execute(sql, params, many, context)
