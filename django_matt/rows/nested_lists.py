"""Nested lists: one more query reads the items of a to-many relation for all objects of a response.

This is what ``prefetch_related()`` does, with JSON instead of instances: the items are written while they are read,
grouped by the key of the object that they belong to, and put into that object by a step of the row writer.
"""

from collections.abc import Hashable
from sqlite3 import sqlite_version_info
from typing import Any

from django.db import connections
from django.db.models import F, Manager, Model

from django_matt.rows.drivers import Raw
from django_matt.rows.query_shapes import shape_of
from django_matt.rows.raw_encodings import key_packer
from django_matt.rows.sql_cache import CachedSQL, check, compiled
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import KINDS
from django_matt.serialization.requirements import accessor_of, is_reverse, joins_by_key

__all__ = ["Key", "NestedList"]

# The number of keys for one statement. Every build of SQLite accepts so many parameters (SQLITE_MAX_VARIABLE_NUMBER).
_KEYS = 30_000
_ONE = "IN (%s)"
# Django writes `IN (%s, %s, …)`, a different statement for each number of keys. These conditions take all keys as one
# parameter, so the statement is always the same and drivers keep it prepared.
_ALL = {"postgresql": "= ANY(%s)", "sqlite": "IN (SELECT value FROM json_each(%s))"}
# The first SQLite that has JSON functions in every build. Django's own test for them is a query, which would be one of the
# request's queries.
_JSON = (3, 38)
_MODEL, _LINK = KINDS["model"], KINDS["link"]


class Key(F):
    """A primary or foreign key that is selected to match rows with each other, not to be written.

    ``values_list()`` accepts a name only once. Under an alias of its own the key can be selected beside the same column when
    that is part of the response as well.
    """

    default_alias = "matt_key"


class NestedList:
    """A list inside the objects of a response."""

    def __init__(
        self, relation: Any, node: Any, parent: Any, model: type[Model], path: tuple[Any, ...]
    ) -> None:
        """Find the lookup from the items back to their objects, or raise ``TierUnavailable``.

        ``parent`` is the row plan of the objects, ``model`` their model, ``path`` the schemas around the list.
        """
        name, target = accessor_of(relation), relation.related_model
        self.name = name
        through = getattr(relation, "content_type_field_name", None)
        if target is None or through:
            raise TierUnavailable(f"{name} is a relation that may refer to any model")
        if node.longest >= 0 or node.shortest > 0:
            raise TierUnavailable(f"the length of {name} is bounded")
        # ``back`` is the lookup that filters items by their object; ``by_key`` tells whether it compares primary keys, which is
        # what the parent's rows contain.
        if relation.one_to_many:
            back = relation.field
            self.back = back.name
            by_key = back.foreign_related_fields == (model._meta.pk,)
        else:
            forward = not is_reverse(relation)
            self.back = relation.related_query_name() if forward else relation.field.name
            by_key = joins_by_key(relation) and target is not model
            if not self.back.isidentifier():
                raise TierUnavailable(
                    f"{name} cannot be followed backwards: its related_name is hidden"
                )
        if not by_key:
            raise TierUnavailable(f"{name} is matched by a column other than the primary key")
        item = node.item
        if item.nullable or item.kind not in (_MODEL, _LINK):
            raise TierUnavailable(f"{name} is a list of values without a schema")
        self.using = parent.using
        self.pack, self.types = key_packer(
            model._meta.pk, connections[self.using], as_text=parent.as_text
        )
        # The items have a row plan of their own. Its first column is the key of the object that an item belongs to.
        self.row_plan = type(parent)(
            item, target, self.using, parent.encoder, path=path, first=(Key(self.back),)
        )

    def queryset(self) -> Any:
        """Return all items as the relation's own manager would, before it filters by object."""
        queryset = self.row_plan.model._default_manager.all()
        check(queryset)
        if queryset._db not in (None, self.using):
            raise TierUnavailable(f"{self.name} is in another database, according to its manager")
        return queryset.using(self.using)

    def fetch(self, keys: list[Any], raw: Raw) -> dict[Any, list[bytes]]:
        """Return the items of each key as JSON, in the queryset's order."""
        found: dict[Any, list[bytes]] = {}
        for start in range(0, len(keys), _KEYS):
            statement = self.statement(keys[start : start + _KEYS])
            found.update(self.row_plan.row_writer.group(*self.row_plan.fetch(statement, raw)))
        return found

    def statement(self, keys: list[Any]) -> CachedSQL | None:
        """Return the SELECT of the items of these keys, which are raw values of the driver."""
        if self.pack is None:
            return self._compiled(keys)
        model = self.row_plan.model
        # Django's own manager always starts from the same query, which depends on Meta.ordering alone. A manager of the
        # project's own is asked every time, since its queryset may depend on the request.
        key: Hashable = tuple(model._meta.ordering)
        if type(model._default_manager) is not Manager:
            shape = shape_of(self.queryset().query, self.using)
            if shape is None or shape.params:
                return self._compiled(keys)
            key = shape.key
        known = self.row_plan.cached_sql.get(key)
        if known is None:
            connection = connections[self.using]
            # Compile the query for a single key once, then replace its one condition `IN (%s)` by one that takes all keys. If the
            # SQL is not of exactly that form, compile it for these keys and keep nothing.
            one = self._compiled(keys[:1])
            if (
                shape_of(self.queryset().query, self.using) is None
                or one is None
                or one.sql.count("%s") != 1
                or _ONE not in one.sql
                or (connection.vendor == "sqlite" and sqlite_version_info < _JSON)
            ):
                return self._compiled(keys)
            sql = one.sql.replace(_ONE, _ALL[connection.vendor])
            known = CachedSQL(sql, (), one.expressions)
            self.row_plan.keep(key, known)
        return CachedSQL(known.sql, (self.pack(keys),), known.expressions)

    def _compiled(self, keys: list[Any]) -> CachedSQL | None:
        chosen = self.queryset().filter(**{f"{self.back}__in": keys})
        return compiled(self.row_plan.select(chosen), self.using)
