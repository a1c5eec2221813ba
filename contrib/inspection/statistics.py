"""What the database itself knows: sizes, rows, the use of indexes, slow statements."""

from typing import Any, NamedTuple

from django.db import DatabaseError, transaction

from django_matt.contrib.inspection.schemas import Query

__all__ = [
    "Column",
    "Numbers",
    "columns_of",
    "numbers_of",
    "orders_of",
    "partial_indexes",
    "sequences_of",
    "slow_queries",
]


class Column(NamedTuple):
    """A column, as the database describes it."""

    null_ok: bool
    default: str | None


Numbers = dict[str, dict[str, Any]]
"""By the name of a table or an index: ``rows``, ``exact``, ``bytes``, ``index_bytes``, ``dead_rows``, ``scans``."""

_COLUMNS = """
SELECT m.name, p.name, NOT p."notnull", p.dflt_value
FROM sqlite_master m JOIN pragma_table_xinfo(m.name) p WHERE m.type = 'table' AND p.hidden <> 1
"""
# SQLite takes 500 SELECTs in one statement.
_COUNTED_AT_ONCE = 100
_TABLES = """
SELECT c.relname, GREATEST(c.reltuples, s.n_live_tup, 0)::bigint, pg_table_size(c.oid), pg_indexes_size(c.oid), s.n_dead_tup
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_INDEXES = """
SELECT s.indexrelname, pg_relation_size(s.indexrelid), s.idx_scan
FROM pg_stat_user_indexes s WHERE pg_table_is_visible(s.relid)
"""
_PARTIAL = {
    # An index that could not be built concurrently is there, and serves no query.
    "postgresql": """
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE (i.indpred IS NOT NULL OR NOT i.indisvalid) AND pg_table_is_visible(c.oid)
    """,
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'",
}
_ORDERS = """
SELECT c.relname, ARRAY(
    SELECT concat(i.indclass[at], ' ', i.indcollation[at], ' ', i.indoption[at]) FROM generate_series(0, i.indnkeyatts - 1) at
)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE pg_table_is_visible(c.oid)
"""
_SEQUENCES = """
SELECT t.relname, a.attname, format_type(a.atttypid, NULL), s.last_value
FROM pg_sequences s
JOIN pg_class q ON q.oid = format('%I.%I', s.schemaname, s.sequencename)::regclass AND pg_table_is_visible(q.oid)
JOIN pg_depend d ON d.objid = q.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE s.last_value IS NOT NULL
"""
_STATEMENTS = """
SELECT query, calls, mean_exec_time, total_exec_time FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
AND query !~* '^(begin|commit|rollback|savepoint|release|set|show)'
ORDER BY total_exec_time DESC LIMIT 10
"""


def numbers_of(connection: Any, tables: list[str]) -> Numbers:
    """Return the numbers of tables and indexes. SQLite counts rows and may not know sizes; PostgreSQL estimates rows."""
    if connection.vendor == "postgresql":
        return _of_postgres(connection)
    found: Numbers = {}
    quote = connection.ops.quote_name
    sizes = _sizes_of_sqlite(connection)
    for start in range(0, len(tables), _COUNTED_AT_ONCE):
        part = tables[start : start + _COUNTED_AT_ONCE]
        counts = (
            f"SELECT {at}, COUNT(*) FROM {quote(table)}"  # noqa: S608 - a quoted name
            for at, table in enumerate(part)
        )
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(counts))
            for at, rows in cursor.fetchall():
                found[part[at]] = {"rows": rows, "exact": True, "bytes": sizes.get(part[at])}
    return {name: {"bytes": size} for name, size in sizes.items()} | found


def _sizes_of_sqlite(connection: Any) -> dict[str, int]:
    if connection.vendor != "sqlite":
        return {}
    try:
        # dbstat is compiled into most builds of SQLite.
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY name")
            return dict(cursor.fetchall())
    except DatabaseError:
        return {}


def _of_postgres(connection: Any) -> Numbers:
    found: Numbers = {}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for name, rows, size, index_size, dead in cursor.fetchall():
            found[name] = {
                "rows": rows,
                "exact": False,
                "bytes": size,
                "index_bytes": index_size,
                "dead_rows": dead,
            }
        cursor.execute(_INDEXES)
        for name, size, scans in cursor.fetchall():
            found[name] = {"bytes": size, "scans": scans}
    return found


def columns_of(connection: Any, tables: list[str]) -> dict[str, dict[str, Column]]:
    """Return the columns of each table, by their names."""
    found: dict[str, dict[str, Column]] = {table: {} for table in tables}
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # Django's introspection of SQLite has a query per column.
            cursor.execute(_COLUMNS)
            for table, column, null_ok, default in cursor.fetchall():
                if table in found:
                    found[table][column] = Column(bool(null_ok), default)
        else:
            for table in tables:
                for each in connection.introspection.get_table_description(cursor, table):
                    found[table][each.name] = Column(each.null_ok, each.default)
    return found


def partial_indexes(connection: Any) -> set[str]:
    """Return the names of indexes that have only some rows of their table."""
    statement = _PARTIAL.get(connection.vendor)
    if statement is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {name for (name,) in cursor.fetchall()}


def orders_of(connection: Any) -> dict[str, list[str]]:
    """Return what PostgreSQL sorts each column of an index by; the columns that it only carries (INCLUDE) have nothing."""
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS)
        return dict(cursor.fetchall())


def sequences_of(connection: Any) -> list[tuple[str, str, str, int]]:
    """Return the table, the column, its type and the last number of each sequence of PostgreSQL."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCES)
        return list(cursor.fetchall())


def slow_queries(connection: Any) -> list[Query] | None:
    """Return the statements that took most time in all; None without the extension pg_stat_statements."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'")
        if cursor.fetchone() is None:
            return None
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(_STATEMENTS)
            return [
                Query(sql=" ".join(sql.split()), calls=calls, mean_ms=mean, total_ms=total)
                for sql, calls, mean, total in cursor.fetchall()
            ]
    except DatabaseError:
        # The library is not in shared_preload_libraries, or the role may not read it.
        return None
