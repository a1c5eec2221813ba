"""Counts in the project's database, with one statement per request, for projects without Redis."""

from time import time
from typing import Any

from django.db import Error, connections

from django_matt.contrib.rate_limits.models import RateLimitState
from django_matt.contrib.rate_limits.rates import Outcome, Rate
from django_matt.contrib.rate_limits.stores import StoreUnavailable, hashed, outcome_of

__all__ = ["DatabaseStore"]

# The row is locked while it is compared and changed, so that parallel requests are counted one after the other.
# If the WHERE is false, nothing is written and nothing is returned.
_HIT = """
    INSERT INTO {table} (key, tat) VALUES (%(key)s, {now} + %(step)s)
    ON CONFLICT (key) DO UPDATE
        SET tat = {greatest}({table}.tat, {now}) + %(step)s
        WHERE {greatest}({table}.tat, {now}) + %(step)s - {now} <= %(tolerance)s
    RETURNING tat - {now}
"""
_AHEAD = "SELECT {greatest}(tat, {now}) + %(step)s - {now} FROM {table} WHERE key = %(key)s"
_DIALECTS = {
    # The clock of the database is the same for every process.
    "postgresql": {"now": "extract(epoch FROM clock_timestamp())::float8", "greatest": "greatest"},
    "sqlite": {"now": "%(now)s", "greatest": "max"},
}


class DatabaseStore:
    """Counts in the table ``matt_rate_limits_ratelimitstate`` of one database, PostgreSQL or SQLite."""

    blocks = True

    def __init__(self, alias: str) -> None:
        """Take the alias of the database."""
        self._alias = alias

    def hit(self, rate: Rate, key: str) -> Outcome:
        """Count one request of a client."""
        connection = connections[self._alias]
        names = {"table": RateLimitState._meta.db_table, **_DIALECTS[connection.vendor]}
        values: dict[str, str | float] = {
            "key": hashed(key),
            "step": rate.step,
            "tolerance": rate.tolerance,
            "now": time(),
        }
        try:
            with connection.cursor() as cursor:
                cursor.execute(_HIT.format(**names), values)
                counted: Any = cursor.fetchone()
                if counted is not None:
                    return outcome_of(rate, max(counted[0], rate.step), allowed=True)
                cursor.execute(_AHEAD.format(**names), values)
                refused: Any = cursor.fetchone()
        except Error as error:
            raise StoreUnavailable(str(error)) from error
        # The row may have been pruned in between.
        ahead = rate.seconds + rate.step if refused is None else refused[0]
        return outcome_of(rate, max(ahead, rate.seconds), allowed=False)

    def prune(self, *, dry_run: bool = False) -> int:
        """Delete the rows of clients whose requests are used up; return how many there are."""
        used_up = RateLimitState.objects.using(self._alias).filter(tat__lt=time())
        return used_up.count() if dry_run else used_up.delete()[0]
