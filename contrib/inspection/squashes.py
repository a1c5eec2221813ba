"""Advises which migrations of an app to squash: how far, what stays of them, and what is in the way."""

import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.optimizer import MigrationOptimizer

__all__ = ["Advice", "Run", "advise"]

_FEW = 2
"""Fewer migrations in a row are not worth a squash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Migrations in a row that can become one."""

    first: str
    last: str
    migrations: int
    before: int
    """The operations that they have now."""
    after: int
    """The operations that are left of them."""

    def command(self, app_label: str) -> str:
        """Return the command that squashes them."""
        return f"manage.py squashmigrations {app_label} {self.first} {self.last}"


@dataclass(slots=True, kw_only=True)
class Advice:
    """What can be squashed in an app."""

    app: str
    migrations: int
    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is in the way, and what to do about it."""


def advise(using: str, app_labels: list[str] | None = None) -> list[Advice]:
    """Return the advice for some apps, or for all apps of the project, those with the longest chains first.

    Only the database's list of applied migrations is read. Apps of installed packages are left out, because their
    migrations are not yours, unless they are named.
    """
    loader = MigrationExecutor(connections[using]).loader
    labels = (
        sorted({app for app, _ in loader.disk_migrations}) if app_labels is None else app_labels
    )
    found = [
        _advice(app, loader) for app in labels if app_labels is not None or _is_of_project(app)
    ]
    return sorted(found, key=lambda each: -each.migrations)


def _is_of_project(app_label: str) -> bool:
    path = Path(apps.get_app_config(app_label).path).resolve()
    packages = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    module = apps.get_app_config(app_label).name
    return not module.startswith("django_matt.") and packages.isdisjoint(path.parents)


def _advice(app_label: str, loader: Any) -> Advice:
    leaves = loader.graph.leaf_nodes(app_label)
    chain = [
        loader.graph.nodes[key]
        for key in dict.fromkeys(key for leaf in leaves for key in loader.graph.forwards_plan(leaf))
        if key[0] == app_label
    ]
    advice = Advice(app=app_label, migrations=len(chain))
    if len(leaves) > 1:
        advice.notes.append(
            f"{', '.join(name for _, name in leaves)} have no order: run makemigrations --merge first."
        )
        return advice
    run: list[Migration] = []
    for migration in chain:
        reason = _stays(migration, loader) or _circle(run, migration, loader)
        if reason:
            advice.notes.append(f"{migration.name} {reason}")
            _close(run, app_label, advice)
            # One that only needs another beginning may be the first of the next run.
            run = [] if _stays(migration, loader) else [migration]
        else:
            run.append(migration)
        advice.notes += _kept(migration)
    _close(run, app_label, advice)
    return advice


def _stays(migration: Migration, loader: Any) -> str:
    """Return why a migration cannot be part of a squash; an empty text if it can."""
    if (migration.app_label, migration.name) not in loader.applied_migrations:
        return "is not applied yet: squash when every database has it."
    if migration.replaces:
        return (
            "is a squash itself: delete the migrations that it replaces, and its `replaces`, once every database has "
            "it."
        )
    if not migration.atomic:
        return "has `atomic = False`, and a squash is one transaction: it stays as it is."
    return ""


def _circle(run: list[Migration], migration: Migration, loader: Any) -> str:
    """Return which app is between a migration and those before it, so that one of them all would need itself."""
    members = {(each.app_label, each.name) for each in run}
    own = (migration.app_label, migration.name)
    # Those of `dependencies`, and of `run_before` of others.
    for app, name in sorted(parent.key for parent in loader.graph.node_map[own].parents):
        if app != migration.app_label and members.intersection(
            loader.graph.forwards_plan((app, name))
        ):
            return (
                f"needs {app}.{name}, which needs an earlier migration of {migration.app_label}: a squash of both would "
                "need itself, so a new one begins here."
            )
    return ""


def _kept(migration: Migration) -> Iterator[str]:
    """Yield the operations that a squash keeps as they are, and that nothing is optimized across."""
    for operation in migration.operations:
        if (
            isinstance(operation, operations.RunPython | operations.RunSQL)
            and not operation.elidable
        ):
            kind = type(operation).__name__
            yield (
                f"{migration.name} has {kind} without `elidable=True`: it is kept, and nothing is merged across it. Set "
                "that if a new database does not need it."
                + (" Otherwise copy its function by hand." if kind == "RunPython" else "")
            )


def _close(run: list[Migration], app_label: str, advice: Advice) -> None:
    """Add a run to the advice, if it is worth a squash."""
    if len(run) < _FEW:
        return
    before = [operation for migration in run for operation in migration.operations]
    # As squashmigrations does.
    after = MigrationOptimizer().optimize(before, app_label)
    advice.runs.append(
        Run(
            first=run[0].name,
            last=run[-1].name,
            migrations=len(run),
            before=len(before),
            after=len(after),
        )
    )
