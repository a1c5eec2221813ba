"""Plans migrations: each step with its SQL, what it locks, and whether the code of the last release still runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlparse
from django.db import connections
from django.db.migrations import Migration, operations
from django.db.migrations.exceptions import BadMigrationError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, UniqueConstraint

from django_matt.contrib.inspection.migration_code import break_of, fault_of
from django_matt.contrib.inspection.statements import Lock, lock_of
from django_matt.contrib.inspection.statistics import numbers_of

__all__ = ["Statement", "Step", "plan", "steps_of"]

_EVERYTHING = Lock("the whole database", "brief")
"""SQLite has one writer, and readers go on."""
_NOT_UNIQUE = "The last release may write rows that are not unique. Let its code prevent that in one release before."
_BATCHES = (
    "Do it in batches, in a command or a migration with `atomic = False`, if the table is large."
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and what it locks."""

    sql: str
    lock: Lock


@dataclass(slots=True, kw_only=True)
class Step:
    """One operation of a migration."""

    migration: str
    operation: str
    table: str | None
    is_new: bool = False
    """Whether the table is made by the same plan, so that nobody waits for it."""
    rows: int | None = None
    bytes: int | None = None
    statements: list[Statement] = field(default_factory=list)
    breaks: str = ""
    """Why the code of the last release fails on the new schema; empty if it runs."""
    fault: str = ""
    """What is wrong with the migration itself; empty if nothing is known."""
    note: str = ""
    keeps: str = ""
    """Which lock of an earlier step of the same transaction lasts as long as this step; empty if none."""

    @property
    def waits(self) -> list[Statement]:
        """The statements for which others wait as long as the table is large."""
        return [] if self.is_new else [each for each in self.statements if not each.lock.is_safe]

    @property
    def is_safe(self) -> bool:
        """Whether nothing waits, and the last release still runs."""
        return not (self.waits or self.breaks or self.keeps or self.fault)


def plan(using: str) -> list[Step]:
    """Return the steps of the migrations that are not applied to a database; it is only read."""
    connection = connections[using]
    executor = MigrationExecutor(connection)
    # As `migrate` does.
    executor.loader.check_consistent_history(connection)
    for app_label, names in executor.loader.detect_conflicts().items():
        raise BadMigrationError(
            f"{', '.join(sorted(names))} of {app_label} have no order. Run `manage.py makemigrations --merge`."
        )
    graph = executor.loader.graph
    applied = [key for key in executor.loader.applied_migrations if key in graph.nodes]
    state = executor.loader.project_state(applied) if applied else ProjectState()
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
    found: list[Step] = []
    made: set[str] = set()
    released = state.clone()
    for migration, _ in executor.migration_plan(graph.leaf_nodes()):
        found += steps_of(migration, state, connection, made, released)
    tables = sorted({each.table for each in found if each.table in present and each.table})
    numbers = numbers_of(connection, tables)
    for step in found:
        own = numbers.get(step.table or "", {})
        step.rows, step.bytes = own.get("rows"), own.get("bytes")
    return found


def steps_of(
    migration: Migration, state: Any, connection: Any, made: set[str], released: Any = None
) -> Iterator[Step]:
    """Yield the steps of a migration and move ``state`` to what it is afterwards.

    ``made`` has the tables that did not exist before; those of this migration are added. ``released`` is the state that
    the code of the last release knows; without it, that before this migration.
    """
    earlier: Step | None = None
    released = state.clone() if released is None else released
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        step = Step(
            migration=f"{migration.app_label}.{migration.name}",
            operation=operation.describe(),
            table=_table(operation, migration.app_label, before, state),
        )
        if step.table and _is_create(operation):
            made.add(step.table)
        step.is_new = step.table in made
        if step.is_new and isinstance(
            operation, operations.RenameModel | operations.AlterModelTable
        ):
            made.add(_table_names(operation, migration.app_label, before, state)[1])
        is_python = isinstance(operation, operations.RunPython)
        if is_python:
            step.note = f"It runs Python code, which is not carried out by a plan. {_BATCHES}"
            step.fault = fault_of(operation)
        else:
            try:
                step.statements = list(_statements(operation, migration, before, state, connection))
            except (TypeError, ValueError) as error:
                # As AddIndexConcurrently on SQLite, or a column that becomes a many-to-many field.
                raise BadMigrationError(
                    f"{step.migration}: {step.operation!r} cannot be applied to {connection.display_name}: {error}"
                ) from error
        # Without a statement, this database stays as it is: only the state changes, or a router keeps the model elsewhere.
        if step.statements and not step.is_new:
            step.breaks = (
                _breaks(operation, migration.app_label, before, state)
                or _becomes_unique(operation, migration.app_label, before)
                or break_of(operation, [each.sql for each in step.statements], released)
            )
            if isinstance(operation, operations.AddConstraint) and not step.breaks:
                step.note = "The last release may write rows that the constraint refuses: let its code obey it first."
        if not operation.reversible:
            undo = "It cannot be undone: give it a `reverse_code` or `reverse_sql`, if only `noop`."
            step.note = f"{step.note} {undo}".strip()
        takes_long = is_python or any(s.lock.duration != "brief" for s in step.statements)
        if earlier and takes_long and not step.is_new:
            step.keeps = (
                f"The lock of the step {earlier.operation!r} is kept until this one is done, because both are in one "
                "transaction. Put them into two migrations."
            )
        if migration.atomic and not step.is_new and any(s.lock.stops for s in step.statements):
            earlier = earlier or step
        yield step


def _is_create(operation: Any) -> bool:
    """Whether an operation creates its table: that of a model, or that between two models."""
    if isinstance(operation, operations.AddField):
        remote = operation.field.remote_field
        return bool(operation.field.many_to_many and not getattr(remote, "through", None))
    return isinstance(operation, operations.CreateModel)


def _statements(
    operation: Any, migration: Migration, before: Any, after: Any, connection: Any
) -> Iterator[Statement]:
    # Nothing is carried out. Without a transaction, so that a concurrent index can be planned.
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(migration.app_label, editor, before.clone(), after.clone())
        # Deferred statements, such as the indexes of a new table, follow.
        texts = [*editor.collected_sql, *map(str, editor.deferred_sql)]
        editor.deferred_sql.clear()
    keeps_rows = isinstance(operation, operations.AlterField) and _only_grows(
        _field(before, migration.app_label, operation),
        _field(after, migration.app_label, operation),
    )
    for text in (part for each in texts for part in sqlparse.split(each)):
        if sqlparse.format(text, strip_comments=True).strip():
            is_postgres = connection.vendor == "postgresql"
            yield Statement(
                text, lock_of(text, keeps_rows=keeps_rows) if is_postgres else _EVERYTHING
            )


def _only_grows(old: Any, new: Any) -> bool:
    """Whether a change of type rewrites nothing: a varchar that becomes longer, or text, or a number with more digits."""
    if old.get_internal_type() == new.get_internal_type() == "DecimalField":
        same: bool = old.decimal_places == new.decimal_places
        return same and old.max_digits <= new.max_digits
    if getattr(old, "db_collation", None) != getattr(new, "db_collation", None):
        return False
    texts = ("CharField", "TextField", "SlugField")
    if old.get_internal_type() not in texts or new.get_internal_type() not in texts:
        return False
    if new.get_internal_type() == "TextField" or new.max_length is None:
        return True
    return old.max_length is not None and old.max_length <= new.max_length


def _field(state: Any, app_label: str, operation: Any) -> Any:
    return state.apps.get_model(app_label, operation.model_name)._meta.get_field(operation.name)


def _table(operation: Any, app_label: str, before: Any, after: Any) -> str | None:
    """Return the table that an operation is about."""
    name = getattr(operation, "model_name", None) or getattr(operation, "name", None)
    if isinstance(operation, operations.RenameModel):
        name = operation.old_name
    if not isinstance(name, str) or isinstance(operation, operations.RunSQL | operations.RunPython):
        return None
    if isinstance(operation, operations.AddField) and _is_create(operation):
        own = after.apps.get_model(app_label, name)._meta.get_field(operation.name)
        return str(own.remote_field.through._meta.db_table)
    for state in (before, after):
        key = (app_label, name.lower())
        if key in state.models:
            return str(state.apps.get_model(app_label, name)._meta.db_table)
    return None


def _breaks(operation: Any, app_label: str, before: Any, after: Any) -> str:
    """Return why code that knows only the schema before would fail on the one after."""
    match operation:
        case operations.DeleteModel():
            return "The last release still reads this table. Remove its uses in one release, and the model in the next."
        case operations.RenameModel() | operations.AlterModelTable():
            old, new = _table_names(operation, app_label, before, after)
            if old == new:
                return ""
            return "The last release knows the table by its old name. Keep `db_table` as it is."
        case operations.RemoveField():
            return (
                "The last release reads this column in every query of the model. Use SeparateDatabaseAndState: remove the "
                "field from the state in one release, and from the database in the next. If it takes no NULL, give it a "
                "db_default or null=True first, so that rows can be inserted without it."
            )
        case operations.RenameField():
            return "The last release knows the column by its old name. Keep it with `db_column`."
        case operations.AlterOrderWithRespectTo():
            if operation.order_with_respect_to:
                return "The last release inserts rows without the column `_order`, which takes no NULL."
            return "The last release reads the column `_order`."
        case operations.AddField():
            field = operation.field
            has_value = field.null or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
            if field.many_to_many or has_value or getattr(field, "generated", False):
                return ""
            return "The last release inserts rows without this column, which takes no NULL. Give it a db_default, or null=True."
        case operations.AlterField():
            old_field = _field(before, app_label, operation)
            if old_field.null and not operation.field.null:
                return "The last release may write NULL, which is refused now. Stop writing it in one release before."
            if (
                old_field.get_internal_type() != operation.field.get_internal_type()
                and not _only_grows(old_field, operation.field)
            ):
                return "The last release reads and writes the old type."
            if _is_shorter(old_field, operation.field):
                return "The last release may write texts that are too long now."
            return ""
    return ""


def _becomes_unique(operation: Any, app_label: str, before: Any) -> str:
    """Return that the last release may write what is not unique, if an operation begins to ask for it."""
    match operation:
        case operations.AddConstraint():
            asks = isinstance(operation.constraint, UniqueConstraint)
        case operations.AlterUniqueTogether():
            options = before.models[app_label, operation.name.lower()].options
            asks = bool(
                set(operation.option_value or ()) - set(options.get("unique_together") or ())
            )
        case operations.AlterField():
            asks = operation.field.unique and not _field(before, app_label, operation).unique
        case _:
            asks = False
    return _NOT_UNIQUE if asks else ""


def _is_shorter(old: Any, new: Any) -> bool:
    if new.max_length is None or new.get_internal_type() == "TextField":
        return False
    return old.max_length is None or new.max_length < old.max_length


def _table_names(operation: Any, app_label: str, before: Any, after: Any) -> tuple[str, str]:
    old_name = getattr(operation, "old_name", None) or operation.name
    new_name = getattr(operation, "new_name", None) or operation.name
    return (
        before.apps.get_model(app_label, old_name)._meta.db_table,
        after.apps.get_model(app_label, new_name)._meta.db_table,
    )
