"""Templates: one schema against one model, as the columns to select and the operations that write them."""

from collections.abc import Generator, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.db import connections, router
from django.db.models import Model
from django.db.models.sql import Query

from django_matt.serialization.columns import column_of
from django_matt.serialization.core_schemas import Closed
from django_matt.serialization.drivers import Raw, Wire, is_raw
from django_matt.serialization.encoder import KINDS, Fallback
from django_matt.serialization.forms import Column, converted
from django_matt.serialization.levels import (
    accessor_of,
    has_attribute,
    is_joinable,
    is_quiet,
    is_reverse,
    is_stock,
    relations_of,
)
from django_matt.serialization.lists import Key, Many
from django_matt.serialization.programs import COMPILED, Operation, program_of
from django_matt.serialization.statements import Statement, compiled, key_of

__all__ = ["Template", "TooMany"]

_STATEMENTS = 128
_MODEL, _LIST, _LINK = KINDS["model"], KINDS["list"], KINDS["link"]


class TooMany(Exception):  # noqa: N818 - no error
    """A list has more rows than it should be read in whole."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an object stands: its model, Django's lookup up to it, the schemas around it, the column of its key."""

    model: Any
    prefix: str = ""
    path: tuple[Any, ...] = ()
    key: int | None = None


class Template:
    """What is selected for a node, and what is written of it."""

    def __init__(
        self,
        node: Any,
        model: type[Model],
        using: str,
        encoder: Any,
        *,
        annotations: frozenset[str] = frozenset(),
        values: frozenset[str] | None = None,
        path: tuple[Any, ...] = (),
        first: tuple[Any, ...] = (),
    ) -> None:
        """Find every field of a node in the model, or raise ``Closed``; the columns of ``first`` come before them.

        With ``values`` a queryset gives dictionaries of these columns of the model and of the annotations.
        """
        self.model = model
        self.using = using
        self.encoder = encoder
        self.annotations = annotations
        self.values = values
        self.compiled = COMPILED and encoder.COMPILED and is_raw(connections[using])
        self.as_text = self.compiled and connections[using].vendor == "postgresql"
        self.selected: list[Any] = [*first]
        self.operations: list[Operation] = []
        # By operation: the column that Django makes for it and the key of the object that this is in; the list inside.
        self.made: dict[int, tuple[Column, int | None]] = {}
        self.manys: dict[int, Many] = {}
        # The types of PostgreSQL's that a column may have, and what it is called.
        self.typed: list[tuple[int, frozenset[int], str]] = []
        self.ones: set[str] = set()
        self.read: set[str] = set()
        # By Django's lookup up to an object: the column of its primary key, where a list needs it.
        self.keys: dict[str, int] = {}
        self.statements: dict[Hashable, Statement] = {}
        place = _Place(model, path=path)
        if node.kind == _LINK:
            key = encoder.Field("pk", "pk", "", encoder.Node("any", "key"), None)
            self._column(Operation("fragment"), place, model._meta.pk, key.node)
        else:
            self.operations.append(Operation("object"))
            self._object(node, place)
        self.program = program_of(self.operations, compiled=self.compiled)

    def _object(self, node: Any, place: _Place) -> None:
        model = place.model
        if not node.getter:
            raise Closed(f"{node.name} is no Schema of Ninja's")
        if self.values is None and not is_quiet(model):
            raise Closed(f"{model.__name__} makes its instances in its own way")
        if any(node.fields is seen for seen in place.path):
            raise Closed(f"{node.name} holds itself")
        below = replace(place, path=(*place.path, node.fields))
        for field in node.fields:
            operation = Operation(
                "fragment",
                field.node.name,
                prefix=b",%b:" % orjson.dumps(field.wire),
                nullable=bool(field.node.nullable),
                omit=bool(node.skip_none),
            )
            if self.values is None:
                self._field(operation, below, self._name(field, place), field)
            else:
                self._value(operation, below, field, self.values | self.annotations)
        self.operations.append(Operation("end"))

    def _name(self, field: Any, place: _Place) -> str:
        """Return what a field is read from: its key, or where instances have no such attribute its other one."""
        key: str = field.key
        made = not place.prefix and key in self.annotations
        if field.other and field.plain and not made and not has_attribute(place.model, key):
            key = field.other
        return str(place.model._meta.pk.attname) if key == "pk" else key

    def _field(self, operation: Operation, place: _Place, name: str, field: Any) -> None:
        meta, node = place.model._meta, field.node
        relation = relations_of(place.model).get(name)
        if not place.prefix and name in self.annotations:
            self._column(operation, place, name, node)
        elif relation is None:
            found = next((f for f in meta.concrete_fields if name in (f.name, f.attname)), None)
            if found is None:
                raise Closed(f"{name} is no column, annotation or relation of {meta.object_name}")
            self._column(operation, place, found, node)
        elif node.kind == _MODEL and (relation.one_to_one or relation.many_to_one):
            self._one(operation, place, relation, field)
        elif node.kind == _LIST and (relation.one_to_many or relation.many_to_many):
            self._many(operation, place, relation, node)
        else:
            raise Closed(f"{name} is a relation, and its schema is of another shape")
        if relation is not None and not is_stock(place.model, name):
            raise Closed(f"{name} is read through a descriptor of the project's own")

    def _value(
        self, operation: Operation, place: _Place, field: Any, given: frozenset[str]
    ) -> None:
        """Add what ``values()`` gives under one of the keys of a field."""
        name: str = field.key if field.key in given or not field.other else field.other
        if name in self.annotations:
            self._column(operation, place, name, field.node)
        elif name in given:
            _, _, targets, _ = Query(place.model).names_to_path(name.split("__"), place.model._meta)
            self._column(operation, replace(place, model=None), targets[0], field.node, name)
        else:
            raise Closed(f"values() does not give {name}")

    def _column(
        self, operation: Operation, place: _Place, field: Any, node: Any, name: str = ""
    ) -> None:
        """Add the column of a field, or of an annotation by its name."""
        name = name or (field if isinstance(field, str) else field.attname)
        self.read.add(name)
        column = column_of(
            place.model,
            None if isinstance(field, str) else field,
            node,
            self.using,
            self.encoder,
            compiled=self.compiled,
        )
        operation.code = column.code
        operation.least, operation.most = column.least, column.most
        operation.slow, operation.known = column.slow, column.known
        operation.column = len(self.selected)
        operation.nullable |= column.code == "fragment"
        if column.code == "fragment":
            self.made[len(self.operations)] = column, place.key
        elif column.types is not None:
            self.typed.append((operation.column, column.types, operation.name))
        self.selected.append(column.select(place.prefix + name))
        self.operations.append(operation)

    def _one(self, operation: Operation, place: _Place, relation: Any, field: Any) -> None:
        name, target = accessor_of(relation), relation.related_model
        if target is None:
            raise Closed(f"{name} is a relation to any model")
        if (target._meta.pk if is_reverse(relation) else relation).column is None:
            raise Closed(f"{name} is matched by several columns")
        if relation.concrete and not relation.db_constraint:
            raise Closed(f"{name} may point at a row that is not there")
        if not is_joinable(target):
            raise Closed(f"{name} is found by the base manager of {target.__name__}")
        if not relation.concrete and relation.name != name:
            raise Closed(f"{name} has another name in queries")
        if router.routers and not router.allow_migrate_model(self.using, target):
            raise Closed(f"{name} is in another database")
        if not place.prefix:
            self.ones.add(name)
        key = relation.attname if relation.concrete else f"{name}__{target._meta.pk.attname}"
        operation.code, operation.name, operation.column = "one", name, len(self.selected)
        if not relation.concrete:
            # What is not there is an attribute that is missing: Ninja gives the default of the field.
            plain = field.plain and not hasattr(place.model, "__getitem__")
            operation.nullable &= plain and field.default is None
            operation.omit |= field.node.skip_unset
        self.selected.append(Key(place.prefix + key))
        self.operations.append(operation)
        below = _Place(target, f"{place.prefix}{name}__", place.path, operation.column)
        self._object(field.node, below)
        operation.end = len(self.operations)

    def _many(self, operation: Operation, place: _Place, relation: Any, node: Any) -> None:
        name = accessor_of(relation)
        column = self.keys.setdefault(place.prefix, len(self.selected))
        if column == len(self.selected):
            self.selected.append(Key(place.prefix + place.model._meta.pk.attname))
        operation.code, operation.name, operation.column = "many", name, column
        many = Many(relation, node, self, place.model, place.path)
        if self.as_text and many.types is not None:
            self.typed.append((column, many.types, name))
        self.manys[len(self.operations)] = many
        self.operations.append(operation)

    def select(self, queryset: Any, *, keyed: bool = False) -> Any:
        """Return the queryset of the columns, at their end the key if that is asked for."""
        selected = self.selected
        if keyed or (queryset.query.distinct and self.values is None):
            # With the key and all else depending on it, rows are as distinct as instances are.
            selected = [*selected, Key(self.model._meta.pk.attname)]
        return queryset.values_list(*selected)

    def statement(
        self, queryset: Any, most: int | None = None, *, keyed: bool = False
    ) -> Statement | None:
        """Return the SELECT of a queryset's columns; None where nothing can come back.

        With ``most`` it gives at most one row more, ``keyed`` the key as its last column.
        """
        key = key_of(queryset.query)
        known = self.statements.get((key, most, keyed))
        if known is None:
            # A router may name another database each time that it is asked.
            values = self.select(queryset.using(self.using), keyed=keyed)
            if most is not None:
                values.query.set_limits(high=most + 1)
            known = compiled(values, self.using)
            if key is not None and known is not None:
                self.keep((key, most, keyed), known)
        return known

    def keep(self, key: Hashable, statement: Statement) -> None:
        """Keep a statement for other requests."""
        if len(self.statements) >= _STATEMENTS:
            self.statements.clear()
        self.statements[key] = statement

    def raw(self, cursor: Any) -> Raw:
        """Return a cursor, of the client or the server, as one that gives raw rows."""
        return Wire(cursor) if self.as_text else Raw(cursor)

    def extras(
        self, rows: list[Any], statement: Statement, raw: Raw, inside: Raw | None = None
    ) -> list[Any]:
        """Return columns made by Django, and the lists ``inside``, which another cursor may ask for than the rows'."""
        extras: list[Any] = [None] * len(self.operations)
        types = raw.types()
        for index, expected, name in self.typed:
            if types[index] not in expected:
                raise Fallback(f"{name}: a column of another type")
        for at, (column, key) in self.made.items():
            index = self.operations[at].column
            there = [row[index] for row in rows if key is None or row[key] is not None]
            values = raw.load(there, index)
            made = column.fragments(values, statement.expressions[index], connections[self.using])
            if len(made) < len(rows):
                # What is not there has no values in the columns.
                each = iter(made)
                made = [None if row[key] is None else next(each) for row in rows]
            extras[at] = made
        for at, many in self.manys.items():
            index = self.operations[at].column
            keys = [row[index] for row in rows]
            if index != self.keys.get(""):
                # Of joined objects the same may come often, and some may not be there.
                keys = [key for key in dict.fromkeys(keys) if key is not None]
            extras[at] = many.fetch(keys, inside or raw)
        return extras

    def fetch(
        self, statement: Statement | None, raw: Raw, most: int | None = None
    ) -> tuple[list[Any], list[Any]]:
        """Return the raw rows of a statement, and their extras; raise ``TooMany`` past ``most`` rows."""
        if statement is None:
            return [], []
        raw.run(statement)
        rows = raw.cursor.fetchall()
        if most is not None and len(rows) > most:
            raise TooMany
        return rows, self.extras(rows, statement, raw) if rows else []

    def write(self, queryset: Any, most: int | None = None) -> bytes | None:
        """Return a queryset's objects with commas between, None where there are none.

        Raises ``Fallback``, and ``TooMany`` past ``most`` rows.
        """
        statement = self.statement(queryset, most)
        if statement is None:
            return None
        with connections[self.using].cursor() as cursor:
            rows, extras = self.fetch(statement, self.raw(cursor), most)
        written: bytes = self.program.write(rows, extras, b",")
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
                with suppress(Fallback):
                    extras = self.extras(found, statement, raw, inside)
                    body = self.program.write(found, extras, separator)
                keys = raw.load([row[last] for row in found], last)
                yield converted(keys, statement.expressions[last], connection), body

    def queries(self, queryset: Any) -> list[str]:
        """Return the SQL of a queryset's columns, and of the lists inside, whose keys are those that came back."""
        found = [str(self.select(queryset).query)]
        for many in self.manys.values():
            found += many.template.queries(many.queryset())
        return found
