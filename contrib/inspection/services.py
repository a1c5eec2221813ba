"""Inspects a database: reads its tables, compares them with the models, and looks for what costs time or space."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connections, router
from django.db.models import Model

from django_matt.contrib.inspection.schemas import LEVELS, Finding, Index, Report, Table
from django_matt.contrib.inspection.statistics import (
    Column,
    Numbers,
    columns_of,
    numbers_of,
    orders_of,
    partial_indexes,
    sequences_of,
    slow_queries,
)

__all__ = ["inspect"]

_MANY_ROWS = 10_000
_LARGE_BYTES = 1024 * 1024
_MOST_OF_INTEGERS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def inspect(using: str, models: list[type[Model]] | None = None) -> Report:
    """Return the report of a database, of all its tables or of those of some models."""
    connection = connections[using]
    with connection.cursor() as cursor:
        present = connection.introspection.table_names(cursor)
    wanted = [
        model
        for model in (_models() if models is None else models)
        if router.allow_migrate_model(using, model) and not _has_schema(model)
    ]
    names = [model._meta.db_table for model in wanted]
    there = [name for name in names if name in present]
    numbers, columns = numbers_of(connection, there), columns_of(connection, there)
    partial, orders = partial_indexes(connection), orders_of(connection)
    tables, findings = [], list[Finding]()
    for model in sorted(wanted, key=lambda each: each._meta.db_table):
        name = model._meta.db_table
        if name not in present:
            findings.append(_missing_table(model))
            continue
        with connection.cursor() as cursor:
            constraints: Any = connection.introspection.get_constraints(cursor, name)
        table = _table(name, model._meta.label, constraints, numbers)
        tables.append(table)
        findings += _drift(model, columns[name])
        findings += [
            found
            for found in _indexes(table, constraints, partial, orders)
            if found.id != "repeated_index" or _is_of_project(model)
        ]
        findings += _dead_rows(table)
    if models is None:
        # Also those that Django does not make.
        used = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
        findings += [
            Finding(
                id="table_without_model",
                level="info",
                table=name,
                message="No installed model has this table.",
                hint="Delete it if nothing else uses it.",
            )
            for name in sorted(set(present) - used - {"django_migrations"})
        ]
    findings += _numbers(sequences_of(connection), set(names))
    findings.sort(key=lambda each: (LEVELS.index(each.level), each.table, each.id))
    return Report(
        database=using,
        vendor=connection.vendor,
        tables=tables,
        findings=findings,
        queries=slow_queries(connection) if models is None else None,
    )


def _models() -> Iterator[type[Model]]:
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.managed and not meta.proxy and not meta.swapped:
            yield model


def _has_schema(model: type[Model]) -> bool:
    """Whether the name of a table is quoted, with that of a schema, which Django does not look into."""
    return '"' in model._meta.db_table


def _is_of_project(model: type[Model]) -> bool:
    """Whether a project can change the indexes of a model: Django makes those between two models, and of its own."""
    return not model._meta.auto_created and not model.__module__.startswith("django.contrib.")


def _table(
    name: str, label: str, constraints: dict[str, dict[str, Any]], numbers: Numbers
) -> Table:
    own = numbers.get(name, {})
    indexes = [
        Index(
            name=key,
            columns=[column for column in value["columns"] if column],
            unique=value["unique"],
            primary=value["primary_key"],
            bytes=numbers.get(key, {}).get("bytes"),
            scans=numbers.get(key, {}).get("scans"),
        )
        for key, value in sorted(constraints.items())
        if value["index"] or value["unique"] or value["primary_key"]
    ]
    sizes = [index.bytes for index in indexes if index.bytes is not None]
    return Table(
        name=name,
        model=label,
        rows=own.get("rows", 0),
        exact=own.get("exact", False),
        bytes=own.get("bytes"),
        index_bytes=own.get("index_bytes", sum(sizes) if sizes else None),
        dead_rows=own.get("dead_rows"),
        indexes=indexes,
    )


def _missing_table(model: type[Model]) -> Finding:
    return Finding(
        id="missing_table",
        level="error",
        table=model._meta.db_table,
        message=f"{model._meta.label} has no table.",
        hint="Run `manage.py migrate`.",
    )


def _drift(model: type[Model], columns: dict[str, Column]) -> Iterator[Finding]:
    """Yield where the columns of a table are not those of its model."""
    name = model._meta.db_table
    fields: dict[str, Any] = {
        field.column: field for field in model._meta.local_concrete_fields if field.column
    }
    for column in sorted(fields.keys() - columns.keys()):
        yield Finding(
            id="missing_column",
            level="error",
            table=name,
            message=f"{model._meta.label}.{fields[column].name} has no column {column!r}.",
            hint="Run `manage.py makemigrations --check` and `manage.py migrate`.",
        )
    for column in sorted(columns.keys() - fields.keys()):
        required = not columns[column].null_ok and columns[column].default is None
        yield Finding(
            id="unknown_column",
            level="error" if required else "warning",
            table=name,
            message=f"The column {column!r} is not in {model._meta.label}"
            + (", and every insert needs a value for it." if required else "."),
            hint="Write a migration that removes it, or add the field to the model.",
        )
    for column in sorted(fields.keys() & columns.keys()):
        field = fields[column]
        if columns[column].null_ok != field.null and not (field.primary_key or field.generated):
            in_database = "takes" if columns[column].null_ok else "refuses"
            yield Finding(
                id="different_null",
                level="warning",
                table=name,
                message=f"The column {column!r} {in_database} NULL, unlike {model._meta.label}.{field.name}.",
                hint="Write a migration that makes both the same.",
            )


def _indexes(
    table: Table,
    constraints: dict[str, dict[str, Any]],
    partial: set[str],
    orders: dict[str, list[str]],
) -> Iterator[Finding]:
    whole = [index for index in table.indexes if index.columns and index.name not in partial]
    covered = {constraints[index.name]["columns"][0] for index in whole}
    for value in constraints.values():
        columns = value["columns"]
        if value["foreign_key"] and len(columns) == 1 and columns[0] not in covered:
            target = value["foreign_key"][0]
            yield Finding(
                id="foreign_key_without_index",
                level="warning",
                table=table.name,
                message=f"The foreign key {columns[0]!r} has no index: each delete in {target} reads this whole table.",
                hint="Remove `db_index=False`, or add an index that begins with this column.",
            )
    plain = [
        (each, _parts(each, constraints[each.name], orders))
        for each in whole
        if _is_plain(constraints[each.name])
    ]
    for index, parts in plain:
        longer = next(
            (other for other, others in plain if _repeats(index, parts, other, others)), None
        )
        if longer is not None:
            yield Finding(
                id="repeated_index",
                level="warning",
                table=table.name,
                message=f"The index {index.name} is the beginning of {longer.name}, which does its work.",
                hint="Remove it from the model, as with `db_index=False` for a foreign key.",
            )
    for index in table.indexes:
        is_kept = index.unique or index.primary
        if index.scans == 0 and not is_kept and (index.bytes or 0) >= _LARGE_BYTES:
            yield Finding(
                id="unused_index",
                level="info",
                table=table.name,
                message=f"The index {index.name} was never used since the statistics were reset.",
                hint="Ask the replicas too, then remove it: every insert pays for it.",
            )


def _is_plain(constraint: dict[str, Any]) -> bool:
    """Whether an index is of columns alone, in a tree. Others, such as GIN and those of expressions, do other work."""
    kind = constraint.get("type")
    plain = kind in (None, "idx", "btree") and None not in constraint["columns"]
    return plain and not constraint.get("definition")


def _parts(
    index: Index, constraint: dict[str, Any], orders: dict[str, list[str]]
) -> list[tuple[str, Any]]:
    """Return the columns that an index is sorted by, each with its order."""
    known = orders.get(index.name) or constraint.get("orders") or ["ASC"] * len(index.columns)
    return list(zip(index.columns, known, strict=False))


def _repeats(index: Index, parts: list[Any], other: Index, others: list[Any]) -> bool:
    if index.unique or index.primary or index is other or parts != others[: len(parts)]:
        return False
    # Columns that an index only carries answer queries without the table.
    if not set(index.columns) <= set(other.columns):
        return False
    if len(parts) == len(others) and len(index.columns) == len(other.columns):
        return other.unique or other.primary or index.name > other.name
    return True


def _dead_rows(table: Table) -> Iterator[Finding]:
    dead = table.dead_rows or 0
    if dead >= _MANY_ROWS and dead > (table.rows + dead) / 4:
        yield Finding(
            id="dead_rows",
            level="warning",
            table=table.name,
            message=f"{dead:,} rows are dead, beside {table.rows:,} that live: reads pass over them.",
            hint="Run VACUUM, and lower autovacuum_vacuum_scale_factor of this table.",
        )


def _numbers(sequences: list[tuple[str, str, str, int]], names: set[str]) -> Iterator[Finding]:
    for table, column, kind, last in sequences:
        most = _MOST_OF_INTEGERS.get(kind)
        if table in names and most is not None and last > most // 2:
            yield Finding(
                id="numbers_run_out",
                level="error" if last > most * 9 // 10 else "warning",
                table=table,
                message=f"{last / most:.0%} of the numbers of {column!r} ({kind}) are used.",
                hint="Change the key to a BigAutoField.",
            )
