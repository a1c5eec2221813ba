"""Examines the databases: whether they answer, their version, and migrations that are missing or not applied."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections

from django_matt.cli.diagnostics import Diagnostic
from django_matt.cli.examination.packages import line_for

__all__ = ["examine_changes", "examine_databases"]

PATIENCE = 5
"""How many seconds a database server has to answer."""


def examine_databases() -> Iterator[Diagnostic]:
    """Yield for each database whether it can be used and, if it can, which migrations are not applied."""
    for alias in connections:
        try:
            connection = connections[alias]
            engine = connection.vendor
        except Exception as error:  # noqa: BLE001 - a backend may raise anything on import
            yield Diagnostic(
                level="broken",
                what=f"The database {alias!r} cannot be used: {_first_line(error)}",
                why="Every request that asks for data fails.",
                fix=line_for(str(error)) or "Correct DATABASES.",
            )
            continue
        if engine == "dummy":
            yield Diagnostic(level="fine", what="No database is configured.")
            continue
        yield from _examine(alias, connection)


def _examine(alias: str, connection: Any) -> Iterator[Diagnostic]:
    name = connection.settings_dict["NAME"]
    if (
        connection.vendor == "sqlite"
        and not connection.is_in_memory_db()
        and not Path(name).exists()
    ):
        # Connecting would create the file.
        yield Diagnostic(
            level="broken",
            what=f"The database {alias!r} is not there yet: no file {name}.",
            why="Every request that asks for data fails.",
            fix=_migrate(alias),
        )
        return
    _be_impatient(connection)
    try:
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            # SQLite opens any file, and reads it only with the first query.
            connection.cursor().execute("PRAGMA schema_version")
        version = ".".join(map(str, connection.get_database_version()))
    except Exception as error:  # noqa: BLE001 - drivers raise their own
        yield Diagnostic(
            level="broken",
            what=f"The database {alias!r} does not answer: {_first_line(error)}",
            why="Every request that asks for data fails.",
            fix=_fix(connection, str(error)),
        )
        return
    yield Diagnostic(
        level="fine", what=f"The database {alias!r} answers: {connection.display_name} {version}"
    )
    yield from _examine_migrations(alias, connection)


def _fix(connection: Any, error: str) -> str:
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"Put {given['NAME']} back from a copy, or move it away and migrate, or correct DATABASE_URL (matt env show)."
    if f'database "{given["NAME"]}" does not exist' in error:
        return f"createdb {given['NAME']}"
    place = ":".join(
        str(part) for part in (given.get("HOST") or "this machine", given.get("PORT")) if part
    )
    return f"Start the server at {place}, or correct DATABASE_URL (matt env show)."


def _examine_migrations(alias: str, connection: Any) -> Iterator[Diagnostic]:
    from django.db.migrations.exceptions import InconsistentMigrationHistory
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    conflicts = executor.loader.detect_conflicts()
    for app, names in conflicts.items():
        yield Diagnostic(
            level="broken",
            what=f"The migrations of {app} have several ends: {', '.join(names)}.",
            why="migrate does not choose between them, and fails.",
            fix=f"python manage.py makemigrations --merge {app}",
        )
    try:
        executor.loader.check_consistent_history(connection)
    except InconsistentMigrationHistory as error:
        yield Diagnostic(
            level="broken",
            what=str(error),
            why="migrate fails until the history in the database fits the files.",
            fix="python manage.py showmigrations --plan",
        )
        return
    if conflicts:
        return
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if alias != DEFAULT_DB_ALIAS and not executor.loader.applied_migrations:
        # Django has never migrated this database: it belongs to something else.
        return
    if not plan:
        yield Diagnostic(level="fine", what=f"Every migration is applied to {alias!r}.")
        return
    names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    count = "1 migration is" if len(names) == 1 else f"{len(names)} migrations are"
    yield Diagnostic(
        level="broken",
        what=f"{count} not applied to {alias!r}: {', '.join(names[:3])}{more}.",
        why="Queries fail, because tables or columns are missing.",
        fix=_migrate(alias),
    )


def examine_changes() -> Iterator[Diagnostic]:
    """Yield the apps whose models have changes without a migration. This needs no database."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None, ignore_no_migrations=True)
    questioner = NonInteractiveMigrationQuestioner(specified_apps=set(), dry_run=True)
    detector = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps), questioner
    )
    changed = sorted(detector.changes(graph=loader.graph))
    if changed:
        yield Diagnostic(
            level="broken",
            what=f"Models of {', '.join(changed)} have changes without a migration.",
            why="The tables do not fit the code.",
            fix=f"python manage.py makemigrations {' '.join(changed)}",
        )
    bare = sorted(
        config.label
        for config in apps.get_app_configs()
        if config.label in loader.unmigrated_apps
        and any(model._meta.managed for model in config.get_models())
    )
    if bare:
        yield Diagnostic(
            level="doubtful",
            what=f"Models of {', '.join(bare)} have no migrations.",
            why="migrate creates their tables, but never changes them.",
            fix=f"python manage.py makemigrations {' '.join(bare)}",
        )


def _be_impatient(connection: Any) -> None:
    options = connection.settings_dict.setdefault("OPTIONS", {})
    # A pool waits for a connection, and its error does not say why there is none.
    options.pop("pool", None)
    if connection.vendor in {"postgresql", "mysql"}:
        options.setdefault("connect_timeout", PATIENCE)


def _migrate(alias: str) -> str:
    return f"python manage.py migrate{'' if alias == DEFAULT_DB_ALIAS else f' --database {alias}'}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if isinstance(error, Error) else f"{type(error).__name__}: {text}"
