"""Cursors that return what the driver received, before psycopg or Django converts it.

SQLite gives its stored values (a date is text). psycopg gives PostgreSQL's text of each value.
"""

from typing import Any

from django_matt.serialization.encoder import ValueMismatch
from django_matt.upstream import is_psycopg3, psycopg_adapters

__all__ = ["Raw", "Wire", "is_raw"]

# The PostgreSQL types (OIDs) of which psycopg would make Python objects:
# bool, int8, int2, int4, float4, float8, date, time, timestamptz, numeric, uuid.
_OBJECTS = (16, 20, 21, 23, 700, 701, 1082, 1083, 1184, 1700, 2950)


def is_raw(connection: Any) -> bool:
    """Tell whether a connection can give raw values that the engine knows. psycopg 2 cannot."""
    if connection.vendor == "postgresql":
        return is_psycopg3()
    return bool(connection.vendor == "sqlite")


class Raw:
    """A cursor of Django's whose driver gives raw rows without further work: SQLite's."""

    def __init__(self, cursor: Any) -> None:
        """Take the cursor. It may run several statements, one after the other."""
        self.cursor = cursor

    def run(self, statement: Any) -> None:
        """Run a statement through Django's cursor, so that execute wrappers and the query log see it."""
        self.cursor.execute(statement.sql, statement.params)

    def types(self) -> list[int]:
        """Return the database types of the columns; none on SQLite, where each value has its own type."""
        return []

    def load(self, values: list[Any], column: int) -> list[Any]:
        """Convert a column's raw values to what the driver would have returned."""
        return values


class Wire(Raw):
    """A cursor of psycopg that returns every column as text.

    The object passes itself to psycopg's ``Transformer`` as the connection-like context in which values are loaded.
    """

    def __init__(self, cursor: Any) -> None:
        """Save the cursor's own loaders, then register text loaders in their place. The cursor must not have run yet."""
        text_loader, adapt = psycopg_adapters()
        super().__init__(cursor)
        adapters = getattr(cursor, "adapters", None)
        if adapters is None:
            raise ValueMismatch("a cursor that is not psycopg's")
        self.connection = cursor.connection
        self.adapters = adapt.AdaptersMap(adapters)
        for oid in _OBJECTS:
            adapters.register_loader(oid, text_loader)

    def types(self) -> list[int]:
        """Return the OIDs of the columns' types."""
        result = self.cursor.pgresult
        return [result.ftype(column) for column in range(result.nfields)]

    def load(self, values: list[Any], column: int) -> list[Any]:
        """Convert a column's text to the objects that the connection would have returned."""
        oid = self.cursor.pgresult.ftype(column)
        if oid not in _OBJECTS:
            return values
        _, adapt = psycopg_adapters()
        load = adapt.Transformer(self).get_loader(oid, 0).load
        return [None if value is None else load(value.encode()) for value in values]
