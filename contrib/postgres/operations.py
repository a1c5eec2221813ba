"""The migration operation that partitions a table by time."""

from datetime import UTC, datetime
from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

from django_matt.contrib.postgres.partitions import (
    INTERVALS,
    MARK,
    Interval,
    Partitioned,
    create_partition,
)

__all__ = ["PartitionBy"]


class PartitionBy(Operation):
    """Partition the table of a model by a column of dates or datetimes; on other databases it does nothing.

    Put it behind ``CreateModel`` in the same migration: the table must be empty. The column must be a part of the primary
    key and of each unique constraint, so the model has a ``CompositePrimaryKey``. The partitions of the current interval
    and of the next are created, and one for all other rows. Then run ``matt_partitions`` regularly.

    >>> PartitionBy("Reading", "measured_at", "month")
    PartitionBy('Reading', 'measured_at', 'month')
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, column: str, interval: Interval) -> None:
        """Take the model, its field, and the length of a partition: ``day``, ``month`` or ``year``."""
        if interval not in INTERVALS:
            raise ValueError(f"PartitionBy: {interval!r} must be one of {', '.join(INTERVALS)}.")
        self.model_name = model_name
        self.column = column
        self.interval: Interval = interval

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model_name!r}, {self.column!r}, {self.interval!r})"

    def deconstruct(self) -> Any:
        """Return how a migration writes the operation."""
        return type(self).__name__, [self.model_name, self.column, self.interval], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Leave the models as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Replace the empty table by a partitioned one."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self._applies(app_label, schema_editor):
            return
        table = model._meta.db_table
        column = model._meta.get_field(self.column).column
        self._replace(
            schema_editor, table, f"PARTITION BY RANGE ({schema_editor.quote_name(column)})"
        )
        schema_editor.execute(
            f"COMMENT ON TABLE {schema_editor.quote_name(table)} IS '{MARK}{self.interval}'"
        )
        quote = schema_editor.quote_name
        schema_editor.execute(
            f"CREATE TABLE {quote(f'{table}_default')} PARTITION OF {quote(table)} DEFAULT"
        )
        made = Partitioned(table, self.interval, {})
        today = datetime.now(UTC).date()
        for name, start, end in made.missing(today, 1):
            create_partition(schema_editor.connection, table, name, start, end)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Replace the empty partitioned table by an ordinary one."""
        if self._applies(app_label, schema_editor):
            model = from_state.apps.get_model(app_label, self.model_name)
            self._replace(schema_editor, model._meta.db_table, "")

    def describe(self) -> str:
        """Return one line for ``migrate`` and ``sqlmigrate``."""
        return f"Partition {self.model_name} by {self.column}, each {self.interval}"

    @property
    def migration_name_fragment(self) -> str:
        """Part of the name of a migration."""
        return f"{self.model_name.lower()}_partitions"

    @staticmethod
    def _replace(schema_editor: Any, table: str, how: str) -> None:
        quote = schema_editor.quote_name
        old = quote(f"{table}_unpartitioned")
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {quote(table)})")  # noqa: S608
            if cursor.fetchone()[0]:
                raise ValueError(
                    f"PartitionBy: {table} has rows. Create a new model, and copy the rows into it."
                )
        schema_editor.execute(f"ALTER TABLE {quote(table)} RENAME TO {old}")
        schema_editor.execute(f"CREATE TABLE {quote(table)} (LIKE {old} INCLUDING ALL) {how}")
        schema_editor.execute(f"DROP TABLE {old}")

    def _applies(self, app_label: str, schema_editor: Any) -> bool:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            return False
        allowed: bool = router.allow_migrate(
            connection.alias, app_label, model_name=self.model_name.lower()
        )
        return allowed
