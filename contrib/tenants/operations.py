"""The migration operation that turns row-level security on."""

from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

__all__ = ["EnableRowLevelSecurity"]

_POLICY = "matt_tenant"


class EnableRowLevelSecurity(Operation):
    """Let PostgreSQL show and accept the rows of the current organization alone; on other databases it does nothing.

    ``table`` is the name of a ``TenantModel``'s table. The policy applies to the owner of the table too (``FORCE``).

    >>> EnableRowLevelSecurity("books_book")
    EnableRowLevelSecurity('books_book')
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, column: str = "organization_id") -> None:
        """Take the table, and its column with the organization's key."""
        self.table = table
        self.column = column

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.table!r})"

    def deconstruct(self) -> Any:
        """Return how a migration writes the operation."""
        kwargs = {} if self.column == "organization_id" else {"column": self.column}
        return type(self).__name__, [self.table], kwargs

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Leave the models as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Create the policy."""
        if not self._applies(app_label, schema_editor):
            return
        table, column = map(schema_editor.quote_name, (self.table, self.column))
        rule = f"{column} = nullif(current_setting('matt.tenant', true), '')::bigint"
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        schema_editor.execute(
            f"CREATE POLICY {_POLICY} ON {table} USING ({rule}) WITH CHECK ({rule})"
        )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop the policy."""
        if not self._applies(app_label, schema_editor):
            return
        table = schema_editor.quote_name(self.table)
        schema_editor.execute(f"DROP POLICY {_POLICY} ON {table}")
        schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    def describe(self) -> str:
        """Return one line for ``migrate`` and ``sqlmigrate``."""
        return f"Enable row-level security on {self.table}"

    @property
    def migration_name_fragment(self) -> str:
        """Part of the name of a migration."""
        return f"{self.table}_row_security"

    def _applies(self, app_label: str, schema_editor: Any) -> bool:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            return False
        allowed: bool = router.allow_migrate(connection.alias, app_label)
        return allowed
