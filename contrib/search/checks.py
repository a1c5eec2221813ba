"""The system checks ``matt_search.…``: the indexes are valid, their libraries installed, and their tables up to date."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from django_matt.contrib.search.indexes import SearchIndex, list_indexes
from django_matt.contrib.search.services import inspect, operation_of
from django_matt.contrib.search.storages.distances import can_load_extensions
from django_matt.installation import install_line

__all__ = ["check_databases", "check_indexes"]

_SLOW = 20_000
_MIN_PGVECTOR = (0, 8)


def check_indexes(**_: Any) -> list[CheckMessage]:
    """Report indexes that are wrong, and missing libraries."""
    found: list[CheckMessage] = []
    for index in list_indexes():
        try:
            definition = index.definition()
        except ImproperlyConfigured as error:
            hint = f"Fix {index.__module__}.{index.__qualname__}."
            found.append(Error(str(error), hint=hint, obj=index, id="matt_search.E001"))
            continue
        if definition.dimensions and not _has_libraries():
            found.append(
                Error(
                    f"The search index of {definition.label} has vectors, and their libraries are not installed.",
                    hint=f"Run: {install_line('vectors')}",
                    obj=index,
                    id="matt_search.E002",
                )
            )
    return found


def check_databases(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report indexes that no migration has created, that are older than their class, and a PostgreSQL without pgvector."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        for index in list_indexes():
            if not router.allow_migrate_model(alias, index.model):
                continue
            try:
                found += _check(index, alias)
            except ImproperlyConfigured as error:
                found.append(Error(str(error), obj=index, id="matt_search.E001"))
    return found


def _check(index: type[SearchIndex], alias: str) -> list[CheckMessage]:
    label, connection = index.model._meta.label, connections[alias]
    if index.vectors is not None and connection.vendor == "postgresql":
        version = _pgvector(connection)
        if version is None or version < _MIN_PGVECTOR:
            what = "no pgvector" if version is None else "an old pgvector"
            return [
                Error(
                    f"The search index of {label} has vectors, and the PostgreSQL of {alias!r} has {what}.",
                    hint="Install pgvector 0.8 or newer on the server, and run ALTER EXTENSION vector UPDATE.",
                    obj=index,
                    id="matt_search.E003",
                )
            ]
    with connection.cursor() as cursor:
        if index.model._meta.db_table not in connection.introspection.table_names(cursor):
            # Before the first `migrate`, which runs the checks as well.
            return []
    status = inspect(index, alias)
    if status.state != "current":
        if index.model._meta.db_table not in connection.introspection.table_names():
            # Before the first migrate, which checks the database too.
            return []
        return [
            checks.Warning(
                f"The search index of {label} is {status.state} in the database {alias!r}.",
                hint="Run migrate."
                if hasattr(index, "is_declared")
                else f"Run migrate. If no migration has it, write one with the operation {operation_of(index)!r}.",
                obj=index,
                id="matt_search.W004",
            )
        ]
    vectors = sum(count for _, count in status.vectors)
    if connection.vendor == "sqlite" and vectors > _SLOW and not can_load_extensions():
        return [
            checks.Warning(
                f"The search index of {label} has {vectors} vectors, and this Python cannot load sqlite-vec.",
                hint="Use a Python that can load extensions of SQLite, or PostgreSQL.",
                obj=index,
                id="matt_search.W005",
            )
        ]
    return []


def _has_libraries() -> bool:
    return all(find_spec(name) is not None for name in ("numpy", "sqlite_vec"))


def _pgvector(connection: Any) -> tuple[int, ...] | None:
    """Return the version of pgvector that the server has, or could install; None if it has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'"
        )
        row = cursor.fetchone()
    return None if row is None else tuple(int(part) for part in row[0].split(".")[:2])
