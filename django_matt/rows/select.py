"""SELECT: the columns of a row plan as SQL, and the rows that come back as JSON."""

from collections.abc import Generator, Hashable
from contextlib import suppress
from functools import cached_property
from typing import Any

from django.db import connections
from django.db.models import Model

from django_matt.rows.drivers import COMPOSITES, OBJECTS, Raw, Wire
from django_matt.rows.nested_lists import Key, NestedList
from django_matt.rows.query_shapes import compile_shape, shape_of
from django_matt.rows.raw_encodings import Column, converted
from django_matt.rows.row_writers import WriteStep
from django_matt.rows.sql_cache import CachedSQL, compiled
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import ValueMismatch

__all__ = ["Select", "TooMany"]

_MAX_STATEMENTS = 128


class TooMany(Exception):  # noqa: N818 - no error
    """The queryset has more rows than may be read into memory."""

    # The plan that read the rows. Asked again, a router may name another database, which would be another plan.
    row_plan: Any = None


class Select:
    """What a row plan selects, and how it runs the query. ``RowPlan`` fills the lists from a schema."""

    as_text: bool
    row_writer: Any

    def __init__(
        self, model: type[Model], using: str, values: frozenset[str] | None, first: tuple[Any, ...]
    ) -> None:
        """Begin with the columns of ``first``. With ``values`` the queryset gives dictionaries of these columns."""
        self.model = model
        self.using = using
        self.values = values
        self.selected: list[Any] = [*first]
        self.steps: list[WriteStep] = []
        # Two lists are kept apart from the steps, by the index of their step: columns without a raw encoding, which Django
        # converts (with the column of their object's key, None for the outermost), and nested lists.
        self.converted_columns: dict[int, tuple[Column, int | None]] = {}
        self.nested_lists: dict[int, NestedList] = {}
        # For raw PostgreSQL columns: the index, the types (OIDs) that the step can write, the name for messages.
        self.expected_types: list[tuple[int, frozenset[int], str]] = []
        # Whether an annotation may be an array or a range, whose items psycopg would make by the loaders of the columns above.
        self.has_unknown_types = False
        # The index of the primary key's column by the lookup of its object (``""``, ``"author__"``), where a nested list needs it.
        self.key_columns: dict[str, int] = {}
        # The relations that are read, at any depth, as (model, related model, name): routers are asked about each.
        self.relations: list[tuple[type[Model], type[Model], str]] = []
        self.cached_sql: dict[Hashable, CachedSQL] = {}

    def select(self, queryset: Any, *, keyed: bool = False) -> Any:
        """Return the queryset with the plan's columns as tuples; with ``keyed`` the primary key is the last column."""
        selected = self.selected
        if keyed or (queryset.query.distinct and self.values is None):
            # DISTINCT on instances compares whole rows, which differ by their keys. On fewer columns it would remove more rows, so
            # the key is selected too.
            selected = [*selected, Key(self.model._meta.pk.attname)]
        return queryset.values_list(*selected)

    def statement(
        self, queryset: Any, most: int | None = None, *, keyed: bool = False
    ) -> CachedSQL | None:
        """Return the compiled SELECT for a queryset, or None if it cannot have rows.

        With ``most`` it asks for one row more than that, which shows that there are more. With ``keyed`` the primary key is
        the last column. The SQL is kept for all queries of the same shape (``query_shapes``).
        """
        shape = shape_of(queryset.query, self.using, most)
        if shape is None:
            return compiled(self._limited(queryset, most, keyed=keyed), self.using)
        key = shape.key, keyed
        known = self.cached_sql.get(key)
        if known is None:
            known = compile_shape(self._limited(queryset, most, keyed=keyed), self.using, shape)
            if known is None:
                return compiled(self._limited(queryset, most, keyed=keyed), self.using)
            self.keep(key, known)
        sql = f"{known.sql} {shape.limits}" if shape.limits else known.sql
        return CachedSQL(sql, shape.params, known.expressions)

    def _limited(self, queryset: Any, most: int | None, *, keyed: bool) -> Any:
        # Name the database: a router that spreads reads would be asked again, and might name another.
        values = self.select(queryset.using(self.using), keyed=keyed)
        if most is not None:
            values.query.set_limits(high=most + 1)
        return values

    def keep(self, key: Hashable, statement: CachedSQL) -> None:
        """Keep a statement for later requests. Where there are many, the one that was compiled first makes place."""
        if len(self.cached_sql) >= _MAX_STATEMENTS:
            # A list, because another thread may keep one meanwhile.
            oldest, *_ = list(self.cached_sql)
            self.cached_sql.pop(oldest, None)
        self.cached_sql[key] = statement

    def raw(self, cursor: Any) -> Raw:
        """Wrap a cursor, of the client or the server, so that it gives raw rows."""
        return Wire(cursor, self.text_types) if self.as_text else Raw(cursor)

    @cached_property
    def text_types(self) -> tuple[int, ...]:
        """The PostgreSQL types that a step here or in a nested list writes from their text."""
        found = {oid for _, expected, _ in self.expected_types for oid in expected & OBJECTS}
        found.update(*(each.row_plan.text_types for each in self.nested_lists.values()))
        return tuple(found | COMPOSITES if found and self.has_unknown_types else found)

    def extras(
        self, rows: list[Any], statement: CachedSQL, raw: Raw, inside: Raw | None = None
    ) -> list[Any]:
        """Return for each step what it writes that is not in the rows: JSON made of a column, or the items of lists.

        ``inside`` is the cursor for nested lists, if ``raw`` is still in use by the rows.
        """
        extras: list[Any] = [None] * len(self.steps)
        # A view or a hand-made table may have another type than the model says. Its text would be misread.
        types = raw.types()
        for index, expected, name in self.expected_types:
            if types[index] not in expected:
                raise ValueMismatch(f"{name}: a column of another type")
        for at, (column, key) in self.converted_columns.items():
            index = self.steps[at].column
            # A column of a joined object has a value only if the object exists.
            there = [row[index] for row in rows if key is None or row[key] is not None]
            values = raw.load(there, index)
            try:
                made = column.fragments(
                    values, statement.expressions[index], connections[self.using]
                )
            except ValueMismatch:
                raise ValueMismatch(self.steps[at].name) from None
            if len(made) < len(rows):
                # Put the values back beside their rows; a missing object has None.
                each = iter(made)
                made = [None if row[key] is None else next(each) for row in rows]
            extras[at] = made
        for at, nested in self.nested_lists.items():
            index = self.steps[at].column
            keys = [row[index] for row in rows]
            if index != self.key_columns.get(""):
                # Many rows may join the same object, or none: ask for each key once.
                keys = [key for key in dict.fromkeys(keys) if key is not None]
            extras[at] = nested.fetch(keys, inside or raw)
        return extras

    def fetch(self, statement: CachedSQL | None, raw: Raw) -> tuple[list[Any], list[Any]]:
        """Run a statement; return its raw rows, and what ``extras`` makes of them."""
        if statement is None:
            return [], []
        raw.run(statement)
        rows = raw.cursor.fetchall()
        return rows, self.extras(rows, statement, raw) if rows else []

    def write(self, queryset: Any, most: int | None = None, first: int = 0) -> bytes | None:
        """Return a queryset's objects as JSON with commas between them, or None if there are no rows.

        Raises ``ValueMismatch``. With more than ``most`` rows it raises ``TooMany``, after it has written the ``first`` of them
        to see that they can be written.
        """
        statement = self.statement(queryset, most)
        if statement is None:
            return None
        with connections[self.using].cursor() as cursor:
            raw = self.raw(cursor)
            raw.run(statement)
            rows = cursor.fetchall()
            long = most is not None and len(rows) > most
            if long:
                rows = rows[:first]
            extras = self.extras(rows, statement, raw) if rows else []
        written: bytes = self.row_writer.write(rows, extras, b",")
        if long:
            raise TooMany
        return written if rows else None

    def batches(
        self, queryset: Any, rows: int, separator: bytes
    ) -> Generator[tuple[list[Any], bytes | None]]:
        """Read a queryset from a server-side cursor; yield the primary keys of each batch of ``rows`` rows, and their JSON.

        The JSON is None if a value of the batch does not fit: the caller reads these keys again as instances.
        """
        statement = self.statement(queryset, keyed=True)
        if statement is None:
            return
        connection, last = connections[self.using], len(self.selected)
        # The server's cursor is busy with the rows, so nested lists use an ordinary one.
        with connection.chunked_cursor() as cursor, connection.cursor() as other:
            raw, inside = self.raw(cursor), self.raw(other)
            raw.run(statement)
            while found := cursor.fetchmany(rows):
                body = None
                with suppress(TierUnavailable, ValueMismatch):
                    extras = self.extras(found, statement, raw, inside)
                    body = self.row_writer.write(found, extras, separator)
                keys = raw.load([row[last] for row in found], last)
                yield converted(keys, statement.expressions[last], connection), body

    def queries(self, queryset: Any) -> list[str]:
        """Return the SQL of a queryset and of its nested lists, without the condition on the keys."""
        found = [str(self.select(queryset).query)]
        for nested in self.nested_lists.values():
            found += nested.row_plan.queries(nested.queryset())
        return found
