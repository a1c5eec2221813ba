"""Bounds how long a database may work for one request."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, transaction

__all__ = ["TimeIsUp", "limit_time"]

_CANCELLED = "57014"
"""PostgreSQL's query_canceled."""
_STEPS = 10_000
"""SQLite asks after so many of its instructions: some thousand times per second."""


class TimeIsUp(Exception):  # noqa: N818 - said by the database, and answered by a page
    """The database has worked for as long as it may."""


@contextmanager
def limit_time(connection: Any, seconds: float) -> Iterator[None]:
    """Raise ``TimeIsUp`` if the statements within take longer; on PostgreSQL, nothing can be written within.

    Databases other than PostgreSQL and SQLite are stopped between two statements alone.
    """
    end = time.monotonic() + seconds
    is_postgres = connection.vendor == "postgresql"

    def is_late() -> bool:
        return time.monotonic() > end

    def watch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if is_late():
            raise TimeIsUp
        return execute(sql, params, many, context)

    try:
        with transaction.atomic(using=connection.alias), connection.execute_wrapper(watch):
            if is_postgres:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION READ ONLY")
                    cursor.execute(
                        "SELECT set_config('statement_timeout', %s, true)",
                        [f"{int(seconds * 1000)}ms"],
                    )
            elif connection.vendor == "sqlite":
                connection.connection.set_progress_handler(is_late, _STEPS)
            yield
    except DatabaseError as error:
        cause = error.__cause__
        state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
        if state == _CANCELLED or (connection.vendor == "sqlite" and "interrupted" in str(error)):
            raise TimeIsUp from error
        raise
    finally:
        if connection.vendor == "sqlite" and connection.connection is not None:
            connection.connection.set_progress_handler(None, 0)
