"""Narrowing queries: the tables that a request may not read whole get conditions, wherever a query reads them."""

import copy
from collections.abc import Iterator, Sequence, Set, ValuesView
from dataclasses import fields, is_dataclass
from types import SimpleNamespace
from typing import Any

from django.core.exceptions import (
    EmptyResultSet,
    FieldDoesNotExist,
    FullResultSet,
    SynchronousOnlyOperation,
)
from django.db.models import Manager, Model, Q, QuerySet
from django.db.models.query import RawQuerySet
from django.http import HttpRequest
from django.utils.functional import LazyObject
from ninja.responses import Status

from django_matt.scopes.current import OutOfScope, unscoped
from django_matt.scopes.registry import Narrow, Scopes
from django_matt.upstream import AND, INNER, Query, WhereNode, unwrapped

__all__ = ["RequestScopes", "reads"]

# Marks the queries inside of a scope's own condition: what decides what may be read is not narrowed itself.
_TRUSTED = "_matt_trusted"
# The number of keys in one statement. Every build of SQLite accepts so many parameters.
_KEYS = 5_000
_ITEMS = (Iterator, Sequence, Set, ValuesView)
_TEXTS = (str, bytes, bytearray, memoryview)


class RequestScopes:
    """What one request may read. Each function that narrows is called once, when its table is first read."""

    def __init__(self, scopes: Scopes, request: HttpRequest) -> None:
        """Take the scopes of the request's API."""
        self._scopes = scopes
        self._tables = scopes.tables
        self._request = request
        self._answers: dict[Narrow, Q | Exception | None] = {}
        self._conditions: dict[str, _Condition | None] = {}

    def ask(self) -> None:
        """Call every function that narrows, as an async operation does before its view: the view cannot wait for them."""
        for narrow in self._scopes.narrows:
            if narrow not in self._answers:
                self._ask(narrow)

    def _ask(self, narrow: Narrow) -> Q | Exception | None:
        answer: Q | Exception | None
        try:
            with unscoped():
                answer = narrow(self._request)
                if isinstance(answer, Q):
                    # A user that is loaded when it is looked at, as request.user, is loaded now.
                    answer = _trusted(answer)
        except SynchronousOnlyOperation:
            raise
        except Exception as error:  # noqa: BLE001 - raised where the table is read
            answer = error
        if not (answer is None or isinstance(answer, Q | Exception)):
            name = getattr(narrow, "__qualname__", repr(narrow))
            answer = TypeError(
                f"The scope {name} returned {answer!r}, which is neither a Q nor None."
            )
        self._answers[narrow] = answer
        return answer

    def condition(self, table: str) -> "_Condition | None":
        """Return the condition on the rows of a table; None if there is none."""
        if table not in self._conditions:
            self._conditions[table] = self._make_condition(table)
        return self._conditions[table]

    def _make_condition(self, table: str) -> "_Condition | None":
        found = self._tables.get(table)
        if found is None:
            return None
        chosen = Q()
        for narrow in found.narrows:
            answer = self._answers[narrow] if narrow in self._answers else self._ask(narrow)
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                chosen &= answer
        for key, target in found.keys.items():
            if self.condition(target) is not None:
                # A link counts as there if the objects on both its ends do.
                inside = self.narrow(QuerySet(self._tables[target].model)).values("pk")
                chosen &= Q(**{f"{key}__in": _trust(inside)})
        return _Condition(found.model, chosen) if chosen else None

    # ---- queries ----

    def narrow(self, queryset: Any) -> Any:
        """Return a queryset that a manager has made, narrowed to the rows of its own table."""
        table = queryset.model._meta.db_table
        condition = self.condition(table)
        if condition is None:
            return queryset
        made = queryset._chain()
        condition.add_to(made.query, _base_alias(made.query))
        return made

    def narrow_all(self, queryset: Any) -> Any:
        """Return a queryset narrowed in everything that it reads: its table, joins, subqueries and prefetches.

        Relations to narrowed models in ``select_related()`` are left out: code that reads them uses their base manager.
        """
        made = queryset._chain()
        query = self._narrow_query(made.query)
        if query.select_related is True:
            query.select_related = False
        elif query.select_related:
            query.select_related = self._unselect(made.model, query.select_related) or False
        # A related manager would attach the object that it belongs to to each row, even one that was found without the scope.
        made._known_related_objects = {
            field: objects
            for field, objects in made._known_related_objects.items()
            if self.condition(field.related_model._meta.db_table) is None
        }
        made._prefetch_related_lookups = tuple(
            self._narrow_prefetch(lookup) for lookup in made._prefetch_related_lookups
        )
        return made

    def _narrow_prefetch(self, lookup: Any) -> Any:
        inside = getattr(lookup, "queryset", None)
        if inside is None:
            return lookup
        made = copy.copy(lookup)
        made.queryset = self.narrow_all(inside)
        return made

    def _unselect(self, model: type[Model], selected: dict[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, below in selected.items():
            try:
                target: Any = model._meta.get_field(name).related_model
            except FieldDoesNotExist:
                continue  # a FilteredRelation, whose model is not known here
            if self.condition(target._meta.db_table) is None:
                kept[name] = self._unselect(target, below)
        return kept

    def _narrow_query(self, query: Any) -> Any:
        """Narrow a query in place, and return it."""
        if getattr(query, _TRUSTED, False):
            return query
        if query.combined_queries:
            query.combined_queries = tuple(
                self._narrow_query(each.clone()) for each in query.combined_queries
            )
            return query
        query.where = self._inside(query.where)
        annotations = {name: self._inside(each) for name, each in query.annotations.items()}
        if any(annotations[name] is not each for name, each in query.annotations.items()):
            query.annotations = annotations
            query._annotation_select_cache = None
        if isinstance(query.group_by, tuple):
            query.group_by = tuple(map(self._inside, query.group_by))
        query.order_by = tuple(map(self._inside, query.order_by))
        if not any(query.alias_refcount.values()):
            # Nothing has been read by this query, or all was forgotten when its SQL was made: the compiler begins with the
            # first table again.
            query.get_initial_alias()
        outer: set[str] = set()
        for alias, join in list(query.alias_map.items()):
            if not query.alias_refcount[alias]:
                continue
            condition = self.condition(join.table_name)
            if join.parent_alias is None:
                if condition is not None:
                    condition.add_to(query, alias)
                continue
            made = join
            if condition is not None and type(join.filtered_relation) is not _On:
                made = join.relabeled_clone({})
                made.filtered_relation = _On(condition.where(alias), made.filtered_relation)
                condition.reserve(query)
            if (made is not join or join.parent_alias in outer) and made.join_type == INNER:
                # An object that the request may not read is like one that is not there: the row of the other stays.
                made = made.promote()
            if made is not join:
                outer.add(alias)
                query.alias_map[alias] = made
        return query

    def _inside(self, node: Any) -> Any:
        """Return an expression or a condition with its subqueries narrowed; the same one if it has none."""
        if isinstance(node, Query):
            return node if getattr(node, _TRUSTED, False) else self._narrow_query(node.clone())
        if isinstance(node, WhereNode):
            children = list(map(self._inside, node.children))
            if all(new is old for new, old in zip(children, node.children, strict=True)):
                return node
            return node.create(children, node.connector, node.negated)
        if not hasattr(node, "get_source_expressions"):
            return node
        sources = node.get_source_expressions()
        inside = [None if each is None else self._inside(each) for each in sources]
        if all(new is old for new, old in zip(inside, sources, strict=True)):
            return node
        made = copy.copy(node)
        made.set_source_expressions(inside)
        return made

    # ---- results of views ----

    def settle(self, value: Any, loaded: list[Model]) -> Any:
        """Return what a view returned with its querysets narrowed; add to ``loaded`` the instances in it."""
        if isinstance(value, Manager):
            value = value.all()
        if isinstance(value, QuerySet):
            if value._result_cache is None:
                return self.narrow_all(value)
            _collect(value._result_cache, loaded)
        elif isinstance(value, RawQuerySet):
            value = list(value)
            _collect(value, loaded)
        elif isinstance(value, Model):
            loaded.append(value)
        elif type(value) is Status:
            settled = self.settle(value.value, loaded)
            if settled is not value.value:
                return Status(value.status_code, settled)
        elif isinstance(value, dict):
            below = {key: self.settle(each, loaded) for key, each in value.items()}
            if any(below[key] is not value[key] for key in below):
                return {**value, **below}
        elif isinstance(value, _ITEMS) and not isinstance(value, _TEXTS):
            return self._settle_items(value, loaded)
        elif is_dataclass(value) or isinstance(value, SimpleNamespace):
            return self._settle_fields(value, loaded)
        return value

    def _settle_items(self, value: Any, loaded: list[Model]) -> Any:
        """Do the same for what gives items."""
        # A generator can be read once: what is sent is what has been looked at.
        held = list(value) if isinstance(value, Iterator) else value
        items = [self.settle(each, loaded) for each in held]
        if held is value and all(new is old for new, old in zip(items, value, strict=True)):
            return value
        make = getattr(value, "_make", None)  # of a named tuple
        if make is not None:
            return make(items)
        return tuple(items) if type(value) is tuple else items

    def _settle_fields(self, value: Any, loaded: list[Model]) -> Any:
        """Do the same for an object of named fields, of which a copy is returned if one of them is narrowed."""
        made = value
        names = [each.name for each in fields(value)] if is_dataclass(value) else list(vars(value))
        for name in names:
            old = getattr(value, name, None)
            new = self.settle(old, loaded)
            if new is not old:
                made = copy.copy(value) if made is value else made
                object.__setattr__(made, name, new)
        return made

    def verify(self, loaded: list[Model]) -> None:
        """Raise ``OutOfScope`` if one of these instances, or one that is loaded with it, is outside: one query per model."""
        groups: dict[tuple[type[Model], str | None], dict[Any, None]] = {}
        for instance in _reach(loaded):
            for name, value in vars(instance).items():
                if isinstance(value, QuerySet) and value._result_cache is None:
                    vars(instance)[name] = self.narrow_all(value)
            kind: Any = type(instance)._meta.concrete_model
            saved = instance.pk is not None and not instance._state.adding
            if saved and self.condition(kind._meta.db_table) is not None:
                groups.setdefault((kind, instance._state.db), {})[instance.pk] = None
        for (model, using), keys in groups.items():
            wanted = list(keys)
            for start in range(0, len(wanted), _KEYS):
                part = wanted[start : start + _KEYS]
                queryset = self.narrow(QuerySet(model)).using(using).filter(pk__in=part)
                if outside := set(part) - set(queryset.values_list("pk", flat=True)):
                    raise OutOfScope(
                        f"The view returned a {model.__name__} that the request may not read (key {min(outside, key=str)!r}). "
                        "Find it with a manager of the model, and let the response schema read related objects."
                    )


class _Condition:
    """What must be true of the rows of a table, whatever alias the table has in a query."""

    def __init__(self, model: type[Model], chosen: Q) -> None:
        self._table = model._meta.db_table
        self._model = model
        self._chosen = chosen
        query = Query(model)
        query.add_q(chosen)
        base = query.get_initial_alias()
        joins = any(count for alias, count in query.alias_refcount.items() if alias != base)
        # A subquery may name the table that is outside of it. With another alias, that could be one of its own.
        self._moves = not joins and not _has_subquery(query.where)
        self._prefixes: frozenset[str] = query.subq_aliases
        # A condition that joins other tables might give a row twice.
        self._where = self._by_key() if joins else query.where

    def _by_key(self) -> WhereNode:
        """Return the condition as one on the key alone."""
        query = Query(self._model)
        query.add_q(Q(pk__in=_trust(QuerySet(self._model).filter(self._chosen).values("pk"))))
        self._prefixes |= query.subq_aliases
        return query.where

    def where(self, alias: str) -> WhereNode:
        """Return the condition for an alias of the table."""
        if alias == self._table:
            return self._where.clone()
        where = self._where if self._moves else self._by_key()
        made: WhereNode = where.relabeled_clone({self._table: alias})
        return made

    def add_to(self, query: Any, alias: str) -> None:
        """Add the condition to a query, unless it has it."""
        where = self.where(alias)
        if not _holds(query.where, where):
            query.where.add(where, AND)
        self.reserve(query)

    def reserve(self, query: Any) -> None:
        """Let a query that has the condition know the aliases in it: inside of another query it takes none of these."""
        if not self._prefixes <= query.subq_aliases:
            query.subq_aliases |= self._prefixes


def _has_subquery(node: Any) -> bool:
    if isinstance(node, Query) or hasattr(node, "query"):
        return True
    if isinstance(node, WhereNode):
        return any(map(_has_subquery, node.children))
    found = node.get_source_expressions() if hasattr(node, "get_source_expressions") else ()
    return any(map(_has_subquery, found))


def _trusted(condition: Q) -> Q:
    """Return a copy of a scope's condition whose querysets and subqueries are marked as its own."""
    children = list[Any]()
    for child in condition.children:
        name, value = child if isinstance(child, tuple) else (None, child)
        if isinstance(value, Q):
            value = _trusted(value)
        elif isinstance(value, QuerySet):
            value = _trust(value._chain())  # type: ignore[attr-defined]
        else:
            value = _trusted_expression(value)
        children.append(value if name is None else (name, value))
    made: Q = condition.create(children, condition.connector, condition.negated)
    return made


def _trusted_expression(node: Any) -> Any:
    """Do the same for an expression, at any depth: a subquery may be the condition of a ``Case``."""
    if isinstance(node, Q):
        return _trusted(node)
    if isinstance(node, Query):
        made = node.clone()
        vars(made)[_TRUSTED] = True
        return made
    sources = node.get_source_expressions() if hasattr(node, "get_source_expressions") else ()
    if all(each is None for each in sources):
        return node
    made = copy.copy(node)
    made.set_source_expressions(
        [None if each is None else _trusted_expression(each) for each in sources]
    )
    return made


def _trust(queryset: Any) -> Any:
    """Mark a queryset as part of a scope's own condition."""
    vars(queryset.query)[_TRUSTED] = True
    return queryset


def _base_alias(query: Any) -> str:
    """Return the alias of a query's first table. Django may have taken that out again, which must stay so."""
    alias: str = query.base_table if query.alias_map else query.get_initial_alias()
    return alias


def _holds(where: WhereNode, condition: WhereNode) -> bool:
    """Tell whether a condition is part of ``where`` already."""
    if where.connector != AND or where.negated:
        return False
    parts: list[Any] = [condition]
    if condition.connector == AND and not condition.negated:
        parts = condition.children
    return all(any(_same(part, child) for child in where.children) for part in parts)


def _same(part: Any, child: Any) -> bool:
    return bool(part is child or (type(part) is type(child) and part == child))


def reads(value: Any) -> bool:
    """Tell whether ``settle`` may have to query for a value: raw SQL and generators are read before they can be checked."""
    if isinstance(value, dict):
        return any(map(reads, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(reads, value))
    return isinstance(value, (RawQuerySet, Iterator)) or (
        type(value) is Status and reads(value.value)
    )


def _collect(values: Any, loaded: list[Model]) -> None:
    loaded.extend(value for value in values if isinstance(value, Model))


# Where an attribute of an instance may keep other instances, besides what Django keeps of its relations.
_HOLDERS = (list, tuple, set, Model, QuerySet)


def _reach(loaded: list[Model]) -> list[Model]:
    """Return instances with all that are loaded with them: joined, prefetched, or set as an attribute, as by ``to_attr``."""
    seen: dict[int, Model] = {}
    waiting: list[Any] = list(loaded)
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple, set)):
            waiting.extend(value)
        elif isinstance(value, QuerySet):
            waiting.extend(value._result_cache or ())
        elif isinstance(value, LazyObject) and isinstance(value, Model):
            # ``request.user``: the instance is inside.
            waiting.append(unwrapped(value))
        elif isinstance(value, Model) and id(value) not in seen:
            seen[id(value)] = value
            waiting.extend(value._state.fields_cache.values())
            held = vars(value)
            waiting.extend(held.get("_prefetched_objects_cache", {}).values())
            waiting.extend(each for each in held.values() if isinstance(each, _HOLDERS))
    return list(seen.values())


class _On:
    """What a narrowed join has in its ``ON`` besides the keys; it is where Django keeps a ``FilteredRelation``."""

    # Not hashable, so that no SQL is kept for a query with such a join: its parameters are the request's.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, where: WhereNode, own: Any) -> None:
        self.where = where
        self.own = own

    def __eq__(self, other: object) -> bool:
        return self is other

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return the condition as SQL."""
        parts, params = [], list[Any]()
        for each in filter(None, (self.own, self.where)):
            try:
                sql, more = compiler.compile(each)
            except FullResultSet:
                continue
            except EmptyResultSet:
                return "1 = 0", []
            parts.append(f"({sql})")
            params += more
        if not parts:
            raise FullResultSet
        return " AND ".join(parts), params

    def relabeled_clone(self, change_map: dict[str | None, str]) -> "_On":
        """Return the condition for other aliases."""
        own = None if self.own is None else self.own.relabeled_clone(change_map)
        return _On(self.where.relabeled_clone(change_map), own)
