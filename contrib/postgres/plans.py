"""How PostgreSQL finds the rows of a list: the plan of each query that the route's parameters can cause."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FieldError, ImproperlyConfigured
from django.db import DatabaseError, connections, transaction
from django.db.models import Q
from ninja import FilterSchema

from django_matt.operations import BoundOperation
from django_matt.reads import Reads

__all__ = ["Explained", "explain_operation"]

_PAGE = 100
_SAMPLES: dict[Any, Any] = {
    bool: True,
    int: 1,
    float: 1.5,
    str: "text",
    Decimal: Decimal(1),
    date: date(2026, 1, 31),
    datetime: datetime(2026, 1, 31, tzinfo=UTC),
    UUID: UUID(int=1),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A query of a route: what causes it, its SQL, its plan, and what is wrong with it."""

    route: str
    cause: str
    """``list``, or the parameter: ``ordering=name``, ``search=…``, ``title=…``."""
    sql: str
    plan: str
    problems: tuple[str, ...]
    milliseconds: float | None = None
    """How long it took, if it was run."""


def explain_operation(
    operation: BoundOperation, *, least: int, analyze: bool
) -> Iterator[Explained]:
    """Yield the plans of the queries of a route that returns a list of a model.

    ``least`` is the number of rows from which a table is large. Nothing is run, or with ``analyze`` in a transaction that
    is rolled back, with values such as 1 and "text".
    """
    reads = _list_of(operation)
    if reads is None:
        return
    route = f"GET {operation.path}"
    for cause, rows in _queries_of(operation, reads):
        explained = _explain(route, cause, rows, least=least, analyze=analyze)
        if explained is not None:
            yield explained
    problems = tuple(_missing_indexes(reads, least))
    if problems:
        yield Explained(route, "nested lists", "", "", problems)


def _list_of(operation: BoundOperation) -> Reads | None:
    if "GET" not in operation.methods:
        return None
    for each in operation.reads():
        if not isinstance(each.status, int) or each.status >= 300 or not each.models:
            continue
        schema = operation.response_schemas.get(each.status)
        if operation.paginators or get_origin(schema) is list:
            return each
    return None


def _queries_of(operation: BoundOperation, reads: Reads) -> Iterator[tuple[str, Any]]:
    """Yield what causes a query, and its queryset: of the default manager, because the view is not run."""
    rows = reads.models[0]._default_manager.all()
    is_paged = bool(operation.paginators)

    def page(queryset: Any) -> Any:
        return queryset[:_PAGE] if is_paged else queryset

    yield "list", page(rows)
    for name in operation.ordering_fields or ():
        yield f"ordering={name}", page(rows.order_by(name))
    if operation.search_fields:
        wanted = Q()
        for lookup in operation.search_fields:
            wanted |= Q(**{lookup if "__" in lookup else f"{lookup}__icontains": "text"})
        yield "search=…", page(rows.filter(wanted))
    for name, condition in _filters_of(operation):
        try:
            yield f"{name}=…", page(rows.filter(condition))
        except (FieldError, ValueError, TypeError):
            continue


def _filters_of(operation: BoundOperation) -> Iterator[tuple[str, Q]]:
    model = operation.request_models.get("query")
    for field in () if model is None else model.model_fields.values():
        schema = field.annotation
        if not (isinstance(schema, type) and issubclass(schema, FilterSchema)):
            continue
        for name, each in schema.model_fields.items():
            sample = _sample_of(each.annotation)
            if sample is None:
                continue
            try:
                yield name, schema.model_construct(**{name: sample}).get_filter_expression()
            except (ImproperlyConfigured, AttributeError):
                continue


def _sample_of(annotation: Any) -> Any:
    """Return a value of a type; None for a type that is not known."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is list:
        item = _sample_of(get_args(annotation)[0])
        return None if item is None else [item]
    kinds = [each for each in get_args(annotation) if each is not NoneType]
    return _SAMPLES.get(annotation) if not kinds else _sample_of(kinds[0])


def _explain(route: str, cause: str, rows: Any, *, least: int, analyze: bool) -> Explained | None:
    connection: Any = connections[rows.db]
    if connection.vendor != "postgresql":
        return None
    try:
        sql, values = rows.query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return None
    is_generic = not analyze and connection.pg_version >= 160_000
    options = "ANALYZE, " if analyze else "GENERIC_PLAN, " if is_generic else ""
    statement = f"EXPLAIN ({options}FORMAT JSON) {_numbered(sql) if is_generic else sql}"
    try:
        with transaction.atomic(using=rows.db), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '30s'")
            cursor.execute(statement, None if is_generic else values)
            found = cursor.fetchone()[0]
            transaction.set_rollback(True, using=rows.db)
    except DatabaseError as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        return Explained(route, cause, sql, "", (f"It cannot be explained: {line}",))
    data = (json.loads(found) if isinstance(found, str) else found)[0]
    lines: list[str] = []
    problems: dict[str, None] = {}
    large = lru_cache(maxsize=None)(lambda table: _is_large(connection, table, least))
    is_paged = rows.query.is_sliced
    _walk(data["Plan"], (), lines, problems, is_paged=is_paged, is_large=large)
    return Explained(
        route, cause, sql, "\n".join(lines), tuple(problems), data.get("Execution Time")
    )


def _numbered(sql: str) -> str:
    """Return SQL with ``$1``, ``$2`` … for its values."""
    first, *rest = sql.replace("%%", "\0").split("%s")
    return (first + "".join(f"${at}{part}" for at, part in enumerate(rest, 1))).replace("\0", "%")


def _walk(
    node: Any,
    above: tuple[str, ...],
    lines: list[str],
    problems: dict[str, None],
    *,
    is_paged: bool,
    is_large: Any,
) -> set[str]:
    """Write a node and those below it as lines, add what is wrong with them, and return the large tables that they scan."""
    kind, table = node["Node Type"], node.get("Relation Name")
    where = f" on {table}" if table else ""
    lines.append(
        f"{'  ' * len(above)}{kind}{where}  (cost {node['Total Cost']:,.0f}, rows {node['Plan Rows']:,})"
    )
    scanned = {table} if kind == "Seq Scan" and table and is_large(table) else set()
    if scanned:
        if condition := node.get("Filter"):
            problems[f"It reads all rows of {table} to find {condition}: an index may help."] = None
        elif "Hash" in above:
            problems[f"It reads all rows of {table} to join them."] = None
        elif "Sort" not in above and not is_paged:
            problems[f"It returns all rows of {table}: paginate the list."] = None
    for each in node.get("Plans", ()):
        scanned |= _walk(
            each, (*above, kind), lines, problems, is_paged=is_paged, is_large=is_large
        )
    if kind == "Sort" and scanned:
        keys = ", ".join(node["Sort Key"])
        names = ", ".join(sorted(scanned))
        problems[f"It sorts all rows of {names} by {keys}: an index may help."] = None
    return scanned


def _is_large(connection: Any, table: str, least: int) -> bool:
    """Return whether a table has at least so many rows; not more are counted."""
    name = connection.ops.quote_name(table)
    statement = f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT %s) AS counted"  # noqa: S608
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(statement, [least])
            return bool(cursor.fetchone()[0] >= least)
    except DatabaseError:
        return False


def _missing_indexes(reads: Reads, least: int) -> Iterator[str]:
    """Yield the foreign keys without an index by which the items of nested lists are found."""
    for relation in reads.relations:
        key = getattr(getattr(relation.model, relation.name, None), "field", None)
        if not relation.many or key is None or getattr(key, "column", None) is None:
            continue
        table, connection = key.model._meta.db_table, connections[key.model._default_manager.db]
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, table).values()
        firsts = {
            each["columns"][0]
            for each in found
            if each["columns"] and (each["index"] or each["unique"])
        }
        if key.column not in firsts and _is_large(connection, table, least):
            yield f"{table}.{key.column} has no index, by which {relation.name} are found."
