"""Selections: the columns of a template as SQL, and the rows that come back as JSON."""

from collections.abc import Generator, Hashable
from contextlib import suppress
from typing import Any

from django.db import connections
from django.db.models import Model

from django_matt.rows.drivers import Raw, Wire
from django_matt.rows.nested_lists import Key, NestedList
from django_matt.rows.raw_encodings import Column, converted
from django_matt.rows.row_writers import WriteStep
from django_matt.rows.sql_cache import CachedSQL, compiled, key_of
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import ValueMismatch

__all__ = ["Select", "TooMany"]

_MAX_STATEMENTS = 128


class TooMany(Exception):  # noqa: N818 - no error
    """A list has more rows than it should be read in whole."""

    # What selected them: a router may name another database, and so another template, when it is asked again.
    row_plan: Any = None


class Select:
    """What is selected of a model, and the steps over its rows; ``Template`` fills both from a schema."""

    as_text: bool
    row_writer: Any

    def __init__(
        self, model: type[Model], using: str, values: frozenset[str] | None, first: tuple[Any, ...]
    ) -> None:
        """Begin with the columns of ``first``; with ``values`` a queryset gives dictionaries."""
        self.model = model
        self.using = using
        self.values = values
        self.selected: list[Any] = [*first]
        self.steps: list[WriteStep] = []
        # By operation: the column that Django makes for it and the key of the object that this is in; the list inside.
        self.converted_columns: dict[int, tuple[Column, int | None]] = {}
        self.nested_lists: dict[int, NestedList] = {}
        # The types of PostgreSQL's that a column may have, and what it is called.
        self.expected_types: list[tuple[int, frozenset[int], str]] = []
        # By Django's lookup up to an object: the column of its primary key, where a list needs it.
        self.key_columns: dict[str, int] = {}
        # The relations that are read with it, at any depth: the model of one end, that of the other, the name.
        self.relations: list[tuple[type[Model], type[Model], str]] = []
        self.cached_sql: dict[Hashable, CachedSQL] = {}

    def select(self, queryset: Any, *, keyed: bool = False) -> Any:
        """Return the queryset of the columns, at their end the key if that is asked for."""
        selected = self.selected
        if keyed or (queryset.query.distinct and self.values is None):
            # With the key and all else depending on it, rows are as distinct as instances are.
            selected = [*selected, Key(self.model._meta.pk.attname)]
        return queryset.values_list(*selected)

    def statement(
        self, queryset: Any, most: int | None = None, *, keyed: bool = False
    ) -> CachedSQL | None:
        """Return the SELECT of a queryset's columns; None where nothing can come back.

        With ``most`` it gives at most one row more, ``keyed`` the key as its last column.
        """
        key = key_of(queryset.query)
        known = self.cached_sql.get((key, most, keyed))
        if known is None:
            # A router may name another database each time that it is asked.
            values = self.select(queryset.using(self.using), keyed=keyed)
            if most is not None:
                values.query.set_limits(high=most + 1)
            known = compiled(values, self.using)
            if key is not None and known is not None:
                self.keep((key, most, keyed), known)
        return known

    def keep(self, key: Hashable, statement: CachedSQL) -> None:
        """Keep a statement for other requests."""
        if len(self.cached_sql) >= _MAX_STATEMENTS:
            self.cached_sql.clear()
        self.cached_sql[key] = statement

    def raw(self, cursor: Any) -> Raw:
        """Return a cursor, of the client or the server, as one that gives raw rows."""
        return Wire(cursor) if self.as_text else Raw(cursor)

    def extras(
        self, rows: list[Any], statement: CachedSQL, raw: Raw, inside: Raw | None = None
    ) -> list[Any]:
        """Return columns made by Django, and the lists ``inside``, which another cursor may ask for than the rows'."""
        extras: list[Any] = [None] * len(self.steps)
        types = raw.types()
        for index, expected, name in self.expected_types:
            if types[index] not in expected:
                raise ValueMismatch(f"{name}: a column of another type")
        for at, (column, key) in self.converted_columns.items():
            index = self.steps[at].column
            there = [row[index] for row in rows if key is None or row[key] is not None]
            values = raw.load(there, index)
            try:
                made = column.fragments(
                    values, statement.expressions[index], connections[self.using]
                )
            except ValueMismatch:
                raise ValueMismatch(self.steps[at].name) from None
            if len(made) < len(rows):
                # What is not there has no values in the columns.
                each = iter(made)
                made = [None if row[key] is None else next(each) for row in rows]
            extras[at] = made
        for at, nested in self.nested_lists.items():
            index = self.steps[at].column
            keys = [row[index] for row in rows]
            if index != self.key_columns.get(""):
                # Of joined objects the same may come often, and some may not be there.
                keys = [key for key in dict.fromkeys(keys) if key is not None]
            extras[at] = nested.fetch(keys, inside or raw)
        return extras

    def fetch(self, statement: CachedSQL | None, raw: Raw) -> tuple[list[Any], list[Any]]:
        """Return the raw rows of a statement, and their extras."""
        if statement is None:
            return [], []
        raw.run(statement)
        rows = raw.cursor.fetchall()
        return rows, self.extras(rows, statement, raw) if rows else []

    def write(self, queryset: Any, most: int | None = None, first: int = 0) -> bytes | None:
        """Return a queryset's objects with commas between, None where there are none.

        Raises ``ValueMismatch``; past ``most`` rows ``TooMany``, or ``ValueMismatch`` where one of the ``first`` does not fit.
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
        """Yield from a cursor of the database's the keys of so many rows at a time, and their joined JSON.

        None stands for rows that do not fit.
        """
        statement = self.statement(queryset, keyed=True)
        if statement is None:
            return
        connection, last = connections[self.using], len(self.selected)
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
        """Return the SQL of a queryset's columns, and of the lists inside, whose keys are those that came back."""
        found = [str(self.select(queryset).query)]
        for nested in self.nested_lists.values():
            found += nested.row_plan.queries(nested.queryset())
        return found
