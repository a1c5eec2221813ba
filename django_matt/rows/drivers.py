"""Cursors that return what the driver received, before psycopg or Django converts it.

SQLite gives its stored values (a date is text). psycopg gives PostgreSQL's text of each value.
"""

import re
from functools import cached_property
from typing import Any

from django_matt.serialization.encoder import ValueMismatch
from django_matt.upstream import is_psycopg3, psycopg_adapters

__all__ = ["COMPOSITES", "OBJECTS", "Raw", "Wire", "composite_type", "is_raw"]

# The PostgreSQL types (OIDs) of which psycopg would make Python objects:
# bool, int8, int2, int4, float4, float8, date, time, timestamptz, numeric, uuid.
_SCALARS = frozenset((16, 20, 21, 23, 700, 701, 1082, 1083, 1184, 1700, 2950))
# The arrays of these, and the ranges: psycopg would make their items by the loaders that ``Wire`` replaces.
COMPOSITES = frozenset(
    (
        *(1000, 1016, 1005, 1007, 1021, 1022, 1182, 1183, 1185, 1231, 2951),
        *(3904, 3905, 3906, 3907, 3910, 3911, 3912, 3913, 3926, 3927),
    )
)
OBJECTS = _SCALARS | COMPOSITES
_TEXT = 0


def is_raw(connection: Any) -> bool:
    """Tell whether a connection can give raw values that the engine knows. psycopg 2 cannot."""
    if connection.vendor == "postgresql":
        return is_psycopg3()
    return bool(connection.vendor == "sqlite")


def composite_type(field: Any, connection: Any) -> int | None:
    """Return the PostgreSQL type (OID) of Django's own array or range fields; None for other fields and for unknown types."""
    if not type(field).__module__.startswith("django.contrib.postgres.fields"):
        return None
    if connection.vendor != "postgresql" or not is_psycopg3():
        return None
    from psycopg import postgres

    # Without a length, and with one dimension: an array of arrays has the type of an array.
    name = re.sub(r"\(.*?\)", "", field.db_type(connection) or "").replace("[][]", "[]")
    try:
        return postgres.types.get_oid(name)
    except KeyError:
        return None


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
    """A cursor of psycopg that returns some types as text.

    The object passes itself to psycopg's ``Transformer`` as the connection-like context in which values are loaded.
    """

    def __init__(self, cursor: Any, oids: tuple[int, ...]) -> None:
        """Register the loader of text for these types, and keep the cursor's own. The cursor must not have run yet.

        Few types are registered: each costs as much as a step of the request.
        """
        text_loader, _ = psycopg_adapters()
        super().__init__(cursor)
        adapters = getattr(cursor, "adapters", None)
        if adapters is None:
            raise ValueMismatch("a cursor that is not psycopg's")
        self.connection = cursor.connection
        self._own = {oid: adapters.get_loader(oid, _TEXT) for oid in oids}
        for oid in oids:
            adapters.register_loader(oid, text_loader)

    @cached_property
    def adapters(self) -> Any:
        """The adapters with the cursor's own loaders."""
        _, adapt = psycopg_adapters()
        found = adapt.AdaptersMap(self.cursor.adapters)
        for oid, loader in self._own.items():
            found.register_loader(oid, loader)
        return found

    def types(self) -> list[int]:
        """Return the OIDs of the columns' types."""
        result = self.cursor.pgresult
        return [result.ftype(column) for column in range(result.nfields)]

    def load(self, values: list[Any], column: int) -> list[Any]:
        """Convert a column's raw values to the objects that the connection would have returned."""
        oid = self.cursor.pgresult.ftype(column)
        if oid not in self._own:
            return values
        _, adapt = psycopg_adapters()
        load = adapt.Transformer(self).get_loader(oid, _TEXT).load
        return [None if value is None else load(value.encode()) for value in values]
