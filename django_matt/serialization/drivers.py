"""What a driver gives before anybody converts it: SQLite's values as they are stored, PostgreSQL's text of the wire."""

from typing import Any

from django_matt.serialization.encoder import Fallback

__all__ = ["Wire", "is_raw"]

# What psycopg makes objects of: bool, int8, int2, int4, float4, float8, date, time, timestamptz, numeric, uuid.
_OBJECTS = (16, 20, 21, 23, 700, 701, 1082, 1083, 1184, 1700, 2950)


def is_raw(connection: Any) -> bool:
    """Tell whether raw values of a connection are known: psycopg 2 gives its own objects."""
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import is_psycopg3

        return bool(is_psycopg3)
    return bool(connection.vendor == "sqlite")


class Wire:
    """A cursor of psycopg, of the client or the server, that gives the text of every column.

    It is the context in which psycopg would have loaded them.
    """

    def __init__(self, cursor: Any) -> None:
        """Keep the cursor's own loaders, and register others before it runs."""
        from django.db.backends.postgresql.psycopg_any import TextLoader, adapt

        if not hasattr(cursor, "adapters"):
            raise Fallback("a cursor that is not psycopg's")
        self.cursor = cursor
        self.connection = cursor.connection
        self.adapters = adapt.AdaptersMap(cursor.adapters)
        for oid in _OBJECTS:
            cursor.adapters.register_loader(oid, TextLoader)

    def type_of(self, column: int) -> int:
        """Return the OID of a column's type."""
        found: int = self.cursor.pgresult.ftype(column)
        return found

    def load(self, values: list[Any], column: int) -> list[Any]:
        """Return the objects that the connection makes of a column's text."""
        from django.db.backends.postgresql.psycopg_any import adapt

        oid = self.type_of(column)
        if oid not in _OBJECTS:
            return values
        load = adapt.Transformer(self).get_loader(oid, 0).load
        return [None if value is None else load(value.encode()) for value in values]
