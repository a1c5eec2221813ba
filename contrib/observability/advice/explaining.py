"""What the database says about a statement: its plan, and how many rows its tables have. Nothing is executed.

``EXPLAIN`` alone is sent, never ``EXPLAIN ANALYZE``, and only for statements that can only read. It needs no values:
PostgreSQL makes a generic plan, and SQLite takes NULL for each value.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from django.db import DatabaseError, connections, transaction

from django_matt.contrib.observability.statements import is_read

__all__ = ["Database", "Plan", "Refused"]

_SCAN = re.compile(r"^SCAN (?:TABLE )?(?!CONSTANT ROW)(\S+)(?! USING (?:COVERING )?INDEX)")
_COUNTED = 100_001
_numbers = count(1)


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A statement that is not explained, and why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a statement."""

    text: str
    scanned: frozenset[str]
    """The tables that are read from their first row to their last."""
    sorts: bool
    cost: float | None
    """PostgreSQL's estimate, in its own unit."""


class Database:
    """One database, of which each question is asked once."""

    def __init__(self, alias: str) -> None:
        """Take the alias; nothing is sent yet."""
        self.alias = alias
        self.connection: Any = connections[alias]
        self._plans: dict[str, Plan | Refused] = {}
        self._rows: dict[str, int] = {}
        self._indexes: dict[str, set[str]] = {}

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL."""
        return bool(self.connection.vendor == "postgresql")

    def explain(self, text: str) -> Plan:
        """Return the plan of a fingerprint; raise ``Refused`` if it may write, or if the database cannot plan it."""
        found = self._plans.get(text)
        if found is None:
            try:
                found = self._explain(text)
            except Refused as refused:
                found = refused
            self._plans[text] = found
        if isinstance(found, Refused):
            raise found
        return found

    def _explain(self, text: str) -> Plan:
        if not is_read(text):
            raise Refused("Only statements that can only read are explained.")
        try:
            if self.is_postgres:
                return self._explain_postgres(text)
            if self.connection.vendor == "sqlite":
                return self._explain_sqlite(text)
        except (DatabaseError, ValueError) as error:
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise Refused(f"The database cannot plan it: {line}") from error
        raise Refused(f"{self.connection.display_name} is not supported.")

    def _explain_sqlite(self, text: str) -> Plan:
        with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {text}", [None] * _count_values(text))
            lines = [row[3] for row in cursor.fetchall()]
        names = _aliases(text)
        scanned = [match[1] for match in map(_SCAN.match, lines) if match]
        return Plan(
            "\n".join(lines),
            frozenset(names.get(name, name) for name in scanned),
            any("TEMP B-TREE FOR ORDER BY" in line for line in lines),
            None,
        )

    def _explain_postgres(self, text: str) -> Plan:
        # Without parameters of its own, Django passes the text unchanged.
        numbered = _number_values(text)
        with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5s'")
            if self.connection.pg_version >= 160_000:
                cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {numbered}")
                data = cursor.fetchone()[0]
            else:
                data = _explain_prepared(cursor, numbered, _count_values(text))
            transaction.set_rollback(True, using=self.alias)
        data = json.loads(data) if isinstance(data, str) else data
        top = data[0]["Plan"]
        lines: list[str] = []
        scanned: set[str] = set()
        kinds = _walk(top, 0, lines, scanned)
        return Plan("\n".join(lines), frozenset(scanned), "Sort" in kinds, top["Total Cost"])

    def rows(self, table: str) -> int:
        """Return the number of rows of a table; not more than 100,001 are counted."""
        if table not in self._rows:
            name = self.connection.ops.quote_name(table)
            statement = f"SELECT COUNT(*) FROM (SELECT 1 FROM {name} LIMIT {_COUNTED}) AS counted"  # noqa: S608
            try:
                with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
                    cursor.execute(statement)
                    self._rows[table] = cursor.fetchone()[0]
            except DatabaseError:
                self._rows[table] = 0
        return self._rows[table]

    def has_index(self, table: str, column: str) -> bool:
        """Return whether an index of a table begins with a column."""
        if table not in self._indexes:
            with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
                found = self.connection.introspection.get_constraints(cursor, table)
            self._indexes[table] = {
                each["columns"][0]
                for each in found.values()
                if each["columns"] and (each["index"] or each["unique"] or each["primary_key"])
            }
        return column in self._indexes[table]

    @cached_property
    def has_hypopg(self) -> bool:
        """Whether the extension HypoPG is installed, which plans with indexes that do not exist."""
        if not self.is_postgres:
            return False
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'hypopg'")
            return cursor.fetchone() is not None

    def cost_with_index(self, text: str, table: str, column: str) -> float | None:
        """Return the cost of a statement if a column had an index; None without HypoPG. Nothing is written."""
        if not self.has_hypopg:
            return None
        quote = self.connection.ops.quote_name
        statement = f"CREATE INDEX ON {quote(table)} ({quote(column)})"
        try:
            with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
                cursor.execute("SELECT hypopg_create_index(%s)", [statement])
                return self._explain_postgres(text).cost
        except (DatabaseError, Refused):
            return None
        finally:
            # The hypothetical index is in the memory of this connection alone.
            with transaction.atomic(using=self.alias), self.connection.cursor() as cursor:
                cursor.execute("SELECT hypopg_reset()")


def _explain_prepared(cursor: Any, numbered: str, values: int) -> Any:
    """Explain a statement on PostgreSQL 14 and 15, which plan without values only what is prepared."""
    name = f"matt_explain_{next(_numbers)}"
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(f"PREPARE {name} AS {numbered}")
    try:
        given = f"({', '.join(['NULL'] * values)})" if values else ""
        cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {name}{given}")
        return cursor.fetchone()[0]
    finally:
        # In a transaction that has failed this fails too; the name is not used again.
        cursor.execute(f"DEALLOCATE {name}")


def _count_values(text: str) -> int:
    return text.replace("%%", "").count("%s")


def _number_values(text: str) -> str:
    """Return a fingerprint with ``$1``, ``$2`` … for its values."""
    first, *rest = text.replace("%%", "\0").split("%s")
    return (first + "".join(f"${at}{part}" for at, part in enumerate(rest, 1))).replace("\0", "%")


def _aliases(text: str) -> dict[str, str]:
    """Return the tables of a statement by their aliases."""
    found = re.findall(r'(?:FROM|JOIN) "?(\w+)"? (?:AS )?"?([A-Z]\d+)"?', text)
    return {alias: table for table, alias in found}


def _walk(node: Any, depth: int, lines: list[str], scanned: set[str]) -> set[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    where = f" on {table}" if table else ""
    lines.append(
        f"{'  ' * depth}{kind}{where}  (cost {node['Total Cost']:,.0f}, rows {node['Plan Rows']:,})"
    )
    for name in ("Filter", "Index Cond", "Sort Key"):
        if name in node:
            shown = node[name]
            shown = ", ".join(shown) if isinstance(shown, list) else shown
            lines.append(f"{'  ' * depth}  {name}: {shown}")
    if kind == "Seq Scan" and table:
        scanned.add(table)
    kinds = {kind}
    for each in node.get("Plans", ()):
        kinds |= _walk(each, depth + 1, lines, scanned)
    return kinds
