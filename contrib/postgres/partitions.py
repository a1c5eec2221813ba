"""Partitions by time: which there are of a table, which are needed next, and which are old."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal, get_args

from django.db import transaction

__all__ = [
    "INTERVALS",
    "MARK",
    "Interval",
    "Partitioned",
    "create_partition",
    "drop_partition",
    "find_partitioned",
]

Interval = Literal["day", "month", "year"]
INTERVALS: tuple[Interval, ...] = get_args(Interval)
_FORMATS = {"day": "%Y_%m_%d", "month": "%Y_%m", "year": "%Y"}
MARK = "matt_partitions:"
"""The comment of a table begins with it, and ends with the interval."""

_TABLES = """
SELECT c.relname, obj_description(c.oid, 'pg_class'),
       ARRAY(SELECT child.relname FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid WHERE i.inhparent = c.oid)
FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
WHERE pg_table_is_visible(c.oid) AND obj_description(c.oid, 'pg_class') LIKE 'matt_partitions:%'
ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A table that ``PartitionBy`` has made, and its partitions by the day on which they begin."""

    table: str
    interval: Interval
    partitions: dict[date, str]

    def missing(self, today: date, ahead: int) -> Iterator[tuple[str, date, date]]:
        """Yield the name, the start and the end of each partition that is needed from today on."""
        starts = _starts_from(self.interval, today, ahead + 2)
        for start, end in pairwise(starts):
            if start not in self.partitions:
                yield f"{self.table}_{start.strftime(_FORMATS[self.interval])}", start, end

    def older(self, today: date, keep: int) -> Iterator[str]:
        """Yield the partitions that ended at least ``keep`` intervals before the current one."""
        first = _starts_from(self.interval, today, 1)[0]
        for _ in range(keep):
            first = _start_of(self.interval, first - timedelta(days=1))
        for start, name in sorted(self.partitions.items()):
            if start < first:
                yield name


def _starts_from(interval: Interval, today: date, count: int) -> list[date]:
    """Return the first days of the current interval and of those after it."""
    found = [_start_of(interval, today)]
    while len(found) < count:
        found.append(_next(interval, found[-1]))
    return found


def find_partitioned(connection: Any) -> list[Partitioned]:
    """Return the tables that ``PartitionBy`` has made."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        rows = cursor.fetchall()
    found = []
    for table, comment, names in rows:
        interval = comment.removeprefix(MARK)
        if interval in INTERVALS:
            known = {start: name for name in names if (start := _read(table, interval, name))}
            found.append(Partitioned(table, interval, known))
    return found


def create_partition(connection: Any, table: str, name: str, start: date, end: date) -> None:
    """Create one partition."""
    quote = connection.ops.quote_name
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {quote(name)} PARTITION OF {quote(table)} FOR VALUES FROM (%s) TO (%s)",
            [start.isoformat(), end.isoformat()],
        )


def drop_partition(connection: Any, name: str) -> None:
    """Delete one partition with its rows."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")


def _start_of(interval: str, day: date) -> date:
    if interval == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if interval == "month" else day


def _next(interval: str, start: date) -> date:
    days = {"day": 1, "month": 31, "year": 366}[interval]
    return _start_of(interval, start + timedelta(days=days))


def _read(table: str, interval: str, name: str) -> date | None:
    """Return the first day of a partition by its name; None for a name that is not a partition's, such as the default's."""
    parts = name.removeprefix(f"{table}_").split("_")
    if not name.startswith(f"{table}_") or not all(part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts] + [1, 1]
    try:
        start = date(numbers[0], numbers[1], numbers[2])
    except ValueError:
        return None
    return start if name == f"{table}_{start.strftime(_FORMATS[interval])}" else None
