"""System checks of the databases: ``matt.E003``, ``matt.W004``, ``matt.W005`` and two notes on what costs speed.

Those that ask the server run where Django's own do: with ``migrate`` and ``check --database``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import django
from django.conf import settings
from django.core.checks import (
    CheckMessage,
    Error,
    Info,
    Tags,
    Warning,  # noqa: A004 - Django's name
    register,
)
from django.db import NotSupportedError, connections

from django_matt.upstream import is_psycopg3

__all__ = ["check_databases"]

# As many keys as the tier of rows puts into one IN.
_KEYS = 30_000


# Not "matt" too: Django 6.1 hands every database to each check of a tag that was asked for.
@register(Tags.database)
def check_databases(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report a database that is too old, or whose connection closes or slows the tier of rows."""
    found: list[CheckMessage] = []
    checks: tuple[Callable[[str, Any], Iterator[CheckMessage]], ...] = (
        _check_keys,
        _check_rows,
        _check_time_zone,
    )
    for alias in databases or ():
        connection = connections[alias]
        try:
            connection.check_database_version_supported()
        except NotSupportedError as error:
            found.append(_too_old(alias, error))
            continue
        for check in checks:
            found.extend(check(alias, connection))
    return found


def _too_old(alias: str, error: NotSupportedError) -> CheckMessage:
    release = ".".join(map(str, django.VERSION[:2]))
    return Error(
        f"Database {alias!r} is too old: {error}",
        hint=f"Upgrade it: Django {release} refuses to connect. Only routes that do not use this database work.",
        id="matt.E003",
    )


def _check_keys(alias: str, connection: Any) -> Iterator[CheckMessage]:
    if connection.vendor != "sqlite":
        return
    import sqlite3  # not every Python is built with it

    connection.ensure_connection()
    most = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    if most < _KEYS:
        yield Warning(
            f"SQLite ({alias!r}) accepts {most} parameters per query: longer lists with to-many relations fail.",
            hint=f"Run Python with SQLite 3.32 or newer (now {sqlite3.sqlite_version}), built with its own limits. "
            f"Pages of up to {most} items, and lists without to-many relations, are not affected.",
            id="matt.W005",
        )


def _check_rows(alias: str, connection: Any) -> Iterator[CheckMessage]:
    vendor = connection.vendor
    if vendor not in {"sqlite", "postgresql"}:
        yield Info(
            f"Lists of {connection.display_name} ({alias!r}) are written from model instances.",
            hint="Every route works. The faster rows tier supports SQLite and PostgreSQL.",
            id="matt.I001",
        )
    elif vendor == "postgresql" and not is_psycopg3():
        yield Info(
            f"Lists of PostgreSQL ({alias!r}) are not read at full speed through psycopg2.",
            hint="Every route works. The rows tier needs psycopg 3: pip install 'psycopg[binary]'.",
            id="matt.I001",
        )


def _check_time_zone(alias: str, connection: Any) -> Iterator[CheckMessage]:
    zone = connection.settings_dict["TIME_ZONE"]
    if settings.USE_TZ and zone is not None:
        yield Info(
            f"DATABASES[{alias!r}]['TIME_ZONE'] is {zone!r}: datetimes are converted one by one.",
            hint="Remove it unless other programs write local times into this database: without it Django stores UTC, "
            "which needs no conversion. Responses are the same, and other columns are not slower.",
            id="matt.I002",
        )
