"""What a driver gives before anybody converts it: SQLite's values as they are stored, PostgreSQL's text of the wire."""

from typing import Any

from django_matt.serialization.encoder import ValueMismatch

__all__ = ["Raw", "Wire", "is_raw"]

# What psycopg makes objects of: bool, int8, int2, int4, float4, float8, date, time, timestamptz, numeric, uuid.
_OBJECTS = (16, 20, 21, 23, 700, 701, 1082, 1083, 1184, 1700, 2950)


def is_raw(connection: Any) -> bool:
    """Tell whether raw values of a connection are known: psycopg 2 gives its own objects."""
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import is_psycopg3

        return bool(is_psycopg3)
    return bool(connection.vendor == "sqlite")


class Raw:
    """A cursor of Django's whose rows are as its driver gives them: SQLite's."""

    def __init__(self, cursor: Any) -> None:
        """Take the cursor, which may run many statements, one after the other."""
        self.cursor = cursor

    def run(self, statement: Any) -> None:
        """Run a statement; execute wrappers and the log of queries see it."""
        self.cursor.execute(statement.sql, statement.params)

    def types(self) -> list[int]:
        """Return the types of the columns, where they have any."""
        return []

    def load(self, values: list[Any], column: int) -> list[Any]:
        """Return the objects that the connection makes of a column's values."""
        return values


class Wire(Raw):
    """A cursor of psycopg, of the client or the server, that gives the text of every column.

    It is the context in which psycopg would have loaded them.
    """

    def __init__(self, cursor: Any) -> None:
        """Keep the cursor's own loaders, and register others before it runs."""
        from django.db.backends.postgresql.psycopg_any import TextLoader, adapt

        super().__init__(cursor)
        adapters = getattr(cursor, "adapters", None)
        if adapters is None:
            raise ValueMismatch("a cursor that is not psycopg's")
        self.connection = cursor.connection
        self.adapters = adapt.AdaptersMap(adapters)
        for oid in _OBJECTS:
            adapters.register_loader(oid, TextLoader)

    def types(self) -> list[int]:
        """Return the OIDs of the columns' types."""
        result = self.cursor.pgresult
        return [result.ftype(column) for column in range(result.nfields)]

    def load(self, values: list[Any], column: int) -> list[Any]:
        """Return the objects that the connection makes of a column's text."""
        from django.db.backends.postgresql.psycopg_any import adapt

        oid = self.cursor.pgresult.ftype(column)
        if oid not in _OBJECTS:
            return values
        load = adapt.Transformer(self).get_loader(oid, 0).load
        return [None if value is None else load(value.encode()) for value in values]
