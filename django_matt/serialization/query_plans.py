"""Query plans: what a response schema reads, loaded in a fixed number of queries, so that no view has an N+1.

A queryset gets ``select_related()``, ``prefetch_related()`` and ``only()`` for exactly what the schema reads. For instances
that exist already, the missing relations are prefetched.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from django.db import router
from django.db.models import Manager, Model, Prefetch, QuerySet, prefetch_related_objects
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable
from pydantic import BaseModel, RootModel

from django_matt import upstream
from django_matt.serialization.databases import reads_every_model_from, source_of
from django_matt.serialization.generics import fill_generic, filling, reads_generic
from django_matt.serialization.requirements import (
    NARROWED,
    ModelRequirements,
    is_generic,
    is_joinable,
    relations_of,
    schemas_in,
)
from django_matt.upstream import ExtraWhere, is_collection_type

__all__ = ["QueryPlan", "is_simple", "yields_instances"]


class QueryPlan:
    """What one response schema reads of the database, for whatever model it is used with."""

    def __init__(self, annotation: Any, *, narrow: bool, hints: tuple[str, ...] = ()) -> None:
        """``narrow`` allows ``only()``, because nothing but the schema's fields is read. ``hints`` are the route's ``needs``."""
        self.annotation = annotation
        self.narrow = narrow
        self.hints = hints
        # Without the names of Django's that tell what a queryset does, everything stays as the view made it.
        self._off = upstream.lost("queries") is not None
        self._requirements: dict[type[Model], ModelRequirements] = {}
        self._known: dict[type[Model], tuple[list[str], list[str]]] = {}
        self._fields: dict[str, QueryPlan] | None = None
        self._inside: tuple[dict[str, QueryPlan], QueryPlan | None] | None = None
        self._fillings: dict[type[Model], Any] = {}

    def requirements(self, model: type[Model]) -> ModelRequirements:
        """Return what is read of a model's instances."""
        if model not in self._requirements:
            requirements = ModelRequirements(model)
            requirements.read(self.annotation)
            if not any(schemas_in(self.annotation)):
                # The annotation is Any: a renderer of the project's own may read every column.
                requirements.columns = None
            requirements.declare(self.hints)
            self._requirements[model] = requirements
        return self._requirements[model]

    @property
    def fields(self) -> dict[str, "QueryPlan"]:
        """The plans of the schema's fields, for a result that is a dictionary of querysets and instances."""
        if self._fields is None:
            inner = _inner(self.annotation)
            schema = self.annotation if inner is self.annotation else None
            self._fields = {
                field.alias or name: QueryPlan(
                    field.annotation, narrow=self.narrow, hints=self.hints
                )
                for name, field in getattr(schema, "model_fields", {}).items()
                if any(schemas_in(field.annotation))
            }
        return self._fields

    @property
    def items(self) -> "QueryPlan | None":
        """The plan of a page's items, which are the one field that is a list of schemas; else None."""
        lists = [plan for plan in self.fields.values() if is_collection_type(plan.annotation)]
        return lists[0] if len(lists) == 1 else None

    def load(self, value: Any) -> Any:
        """Return a route's result with everything loaded, or planned to load, that the schema reads."""
        if self._off:
            return value
        if isinstance(value, Manager):
            value = value.all()
        if isinstance(value, QuerySet):
            if value._result_cache is None and not value.query.combinator:
                return self.apply(value)
            self.fill(list(value))
        elif isinstance(value, Model):
            self.fill([value])
        elif type(value) is list:
            loaded = self.load_all(value)
            return value if loaded is value or _are_same(loaded, value) else loaded
        elif (type(value) is dict or isinstance(value, OrderedDict)) and self.fields:
            loaded_fields = {
                key: plan.load(value[key]) for key, plan in self.fields.items() if key in value
            }
            if any(loaded_fields[key] is not value[key] for key in loaded_fields):
                return {**value, **loaded_fields}
        elif type(value) is dict:
            return self.load_all([value])[0]
        return value

    @property
    def inside(self) -> "tuple[dict[str, QueryPlan], QueryPlan | None]":
        """What a dictionary in a list may contain: plans for the fields of a schema, or one plan for the values of a ``dict[…]``."""
        if self._inside is None:
            inner = _inner(self.annotation)
            if isinstance(inner, type) and inner is not self.annotation:
                self._inside = self._plan(inner).fields, None
            elif isinstance(inner, type):
                self._inside = self.fields, None
            else:
                self._inside = {}, None if inner is None else self._plan(get_args(inner)[1])
        return self._inside

    def _plan(self, annotation: Any) -> "QueryPlan":
        return QueryPlan(annotation, narrow=self.narrow, hints=self.hints)

    def load_all(self, values: list[Any]) -> list[Any]:
        """Return values of one annotation, loaded together: one query for each relation of all of them.

        Querysets among the values are evaluated for that, each by its one query.
        """
        if all(issubclass(kind, Model) for kind in set(map(type, values))):
            self.fill(values)
            return values
        loaded: list[Any] = []
        instances: list[Any] = []
        for given in values:
            value = given.all() if isinstance(given, Manager) else given
            if isinstance(value, Model):
                instances.append(value)
            elif isinstance(value, QuerySet) and yields_instances(value):
                instances.extend(value)
            loaded.append(value)
        if instances:
            self.fill(instances)
        if len(instances) < len(loaded):
            self._load_lists(loaded)
            self._load_dicts(loaded)
        return loaded

    def _load_lists(self, values: list[Any]) -> None:
        """Load the items of the lists among the values. A list whose items changed is replaced."""
        places = [index for index, value in enumerate(values) if type(value) is list]
        items = (
            self.load_all([item for index in places for item in values[index]]) if places else []
        )
        start = 0
        for index in places:
            found = items[start : start + len(values[index])]
            start += len(found)
            if not _are_same(found, values[index]):
                values[index] = found

    def _load_dicts(self, values: list[Any]) -> None:
        """Load the values of the dictionaries among the values. A dictionary whose values changed is replaced."""
        fields, every = self.inside
        if not fields and every is None:
            return
        places = [index for index, value in enumerate(values) if type(value) is dict]
        held = [(index, key) for index in places for key in (fields or values[index])]
        groups: dict[str, list[tuple[int, Any]]] = {}
        for index, key in held:
            if key in values[index]:
                groups.setdefault(key if fields else "", []).append((index, key))
        for name, group in groups.items():
            plan = fields.get(name) or every
            before = [values[index][key] for index, key in group]
            loaded = before if plan is None else plan.load_all(before)
            for (index, key), old, new in zip(group, before, loaded, strict=True):
                if new is not old:
                    values[index] = {**values[index], key: new}

    def apply(self, queryset: Any, columns: Iterable[str] | None = ()) -> Any:
        """Return the queryset with the joins, prefetches and columns that the schema needs.

        ``columns`` are read besides the schema's; None means every column. What the queryset asks for already is kept. One that
        gives dictionaries or tuples is returned unchanged.
        """
        if self._off:
            return queryset
        made = not yields_instances(queryset) or queryset._result_cache is not None
        if made or queryset.query.combinator:
            return queryset
        requirements = self.requirements(queryset.model)
        optimizer = _QueryOptimizer(queryset, self.narrow and columns is not None)
        planned = optimizer.apply(requirements, columns or ())
        filled = self._filling(queryset.model)
        if filled is not None:
            planned = planned.all()
            planned._iterable_class = filled
        return planned

    def queries(self, queryset: Any) -> list[str]:
        """Return the queries of a planned queryset for people to read: its SQL, then one line for each prefetch."""
        planned = self.apply(queryset)
        return [str(planned.query), *(f"one more for {path}" for path in _prefetched(planned))]

    def _filling(self, model: type[Model]) -> Any:
        """Return the iterable class that loads generic foreign keys (``generics``), or None if the schema reads none of the model."""
        if model not in self._fillings:
            requirements = self.requirements(model)
            self._fillings[model] = (
                filling(requirements, _lookups) if reads_generic(requirements) else None
            )
        return self._fillings[model]

    def fill(self, values: list[Any]) -> None:
        """Load what the schema reads of existing instances, one query for each relation."""
        alone = len(values) == 1
        kinds = {kind for kind in {type(value) for value in values} if self._reads(kind, alone)}
        # Django takes the model and the database of the first instance for all of them, so each group is apart.
        groups: dict[tuple[type[Any], str | None], list[Any]] = {}
        for value in values if kinds else ():
            if type(value) in kinds:
                groups.setdefault((type(value), value._state.db), []).append(value)
        for (model, using), found in groups.items():
            if any(value._state.adding or value.pk is None for value in found):
                continue
            generic = self._filling(model) is not None
            # For one instance, reading the relation is one query as well. Only relations of relations are worth a prefetch;
            # and those to narrowed models, as reading these raises for what is outside of the scope.
            lookups = self._lookups(model, using)[len(found) == 1 and not generic]
            if lookups:
                prefetch_related_objects(found, *lookups)
            if generic:
                fill_generic(found, self.requirements(model), _lookups)

    def _reads(self, kind: type[Any], alone: bool) -> bool:
        """Tell whether instances of a class have relations to load. For one ``alone`` only relations of relations count."""
        if not issubclass(kind, Model):
            return False
        requirements = self.requirements(kind)
        relations = requirements.one | requirements.many
        deep = (
            below.one or below.many or below.other or below.model in NARROWED
            for below in relations.values()
        )
        found = any(deep) if alone else bool(relations or requirements.other)
        return found or self._filling(kind) is not None

    def _lookups(self, model: type[Model], using: str | None) -> tuple[list[str], list[str]]:
        """Return the relations that are read of a model's instances, and of these the ones that lie beyond another relation."""
        known = None if router.routers else self._known.get(model)
        if known is None:
            requirements = self.requirements(model)
            every = list(_lookups(requirements, using))
            odd = {name for name, below in requirements.one.items() if below.model in NARROWED}
            known = every, [lookup for lookup in every if "__" in lookup or lookup in odd]
            if not router.routers:
                self._known[model] = known
        return known


class _QueryOptimizer:
    """Works out what to add to one queryset."""

    def __init__(self, queryset: Any, narrow: bool, using: str | None = None) -> None:
        """``using`` is the database that the queryset will be read from, if it is not the queryset's own."""
        self.queryset = queryset
        query = queryset.query
        # Databases matter only if there are routers. "" means that there are none; None, that nothing is known.
        self.using: str | None = ""
        self.sources: dict[str, str | None] = {}
        if router.routers:
            # select_related() without names joins whatever it finds, so the databases of the joined rows are not known.
            self.using = None if query.select_related is True else using or queryset.db
            self.sources = _sources(queryset, self.using)
        self.joins: list[str] = []
        self.columns: list[str] = []
        self.lookups: list[Any] = []
        self.deferred, self.defers = query.deferred_loading
        self.chosen = {
            "__".join(path[: depth + 1])
            for lookup in queryset._prefetch_related_lookups
            for path in [getattr(lookup, "prefetch_to", lookup).split("__")]
            for depth in range(len(path))
        }
        # A related manager (author.books) has set the instance that it came from already.
        self.chosen |= {known.name for known in queryset._known_related_objects}
        simple = is_simple(query)
        self.joined = simple and query.select_related is not True
        self.narrow = narrow and simple and not self.deferred and query.select_related is False

    def apply(self, requirements: ModelRequirements, columns: Iterable[str]) -> Any:
        """Return the queryset with everything that the requirements need."""
        queryset = self.queryset
        self.collect(requirements, "", self.joined, self.using)
        self.collect_made(requirements)
        if self.joins:
            queryset = queryset.select_related(*self.joins)
            if self.using:
                # A router may name another database each time that it is asked.
                queryset = queryset.using(self.using)
        if self.narrow and requirements.columns is not None:
            queryset = queryset.only(*self.columns, *columns, requirements.model._meta.pk.name)
        if self.lookups:
            queryset = queryset.prefetch_related(*self.lookups)
        return queryset

    def collect(
        self, requirements: ModelRequirements, prefix: str, joined: bool, using: str | None
    ) -> None:
        """Collect what one model's requirements need. If the model is ``joined``, it is read by columns and joins, else by lookups.

        ``using`` is the database of its instances. If a router names the database of a relation for each instance, the
        relation is left out, and each instance reads it.
        """
        if joined and prefix and not requirements.columns:
            self.columns.append(
                prefix + requirements.model._meta.pk.name
                if requirements.columns is not None
                else prefix[:-2]
            )
        elif joined:
            self.columns.extend(prefix + name for name in requirements.columns or ())
        for name, below in requirements.one.items():
            path = prefix + name
            source = self._source(requirements, below, path, using)
            if source is None:
                # The router may read any column of the instance. A column that was left out would cost a query then.
                self.narrow = False
            if path in self.chosen:
                if source is not None:
                    self.collect(below, path + "__", False, source)
            elif joined and self._may_join(path, below.model, source):
                self.joins.append(path)
                self.collect(below, path + "__", True, source)
            elif source is not None and not self._is_deferred(path):
                self.lookups.append(path)
                self.collect(below, path + "__", False, source)
        for name, below in requirements.many.items():
            path = prefix + name
            source = self._source(requirements, below, path, using)
            if source is None:
                self.narrow = False
                continue
            if path in self.chosen:
                self.collect(below, path + "__", False, source)
            else:
                self.lookups.append(
                    Prefetch(path, queryset=self._inside(requirements, name, using, source))
                )
        self.lookups.extend(
            prefix + name
            for name in _others(requirements, using)
            if prefix + name not in self.chosen
        )

    def _source(
        self,
        requirements: ModelRequirements,
        below: ModelRequirements,
        path: str,
        using: str | None,
    ) -> str | None:
        """Return the database that a relation is read from, or None if a router names it for each instance."""
        if not self.using:
            return self.using
        if path in self.sources:
            return self.sources[path]
        return source_of(requirements.model, below.model, using)

    def collect_made(self, requirements: ModelRequirements) -> None:
        """Collect what is read of attributes that the user's own ``Prefetch(to_attr=…)`` sets."""
        for lookup in self.queryset._prefetch_related_lookups:
            made = getattr(lookup, "to_attr", None)
            if made in requirements.unknown and getattr(lookup, "queryset", None) is not None:
                below = ModelRequirements(lookup.queryset.model)
                below.read(requirements.unknown[made])
                source = self._source(requirements, below, lookup.prefetch_to, self.using)
                if source is not None:
                    self.collect(below, f"{made}__", False, source)

    def _inside(
        self, requirements: ModelRequirements, name: str, using: str | None, source: str
    ) -> Any:
        """Return the queryset for a to-many relation of instances from ``using``; it is read from ``source``."""
        below, known = requirements.many[name], None
        queryset: Any = below.model._default_manager.all()
        source = queryset._db or source
        relation = relations_of(requirements.model)[name]
        if (
            self.using
            and relation.one_to_many
            and not is_generic(relation)
            and source_of(below.model, requirements.model, source) != using
        ):
            # Django sets the parent on each item, so it is not read again, from whatever database. But a column that only() left out of
            # the parent would be. So no column is left out.
            known, self.narrow = relation.field.name, False
        optimizer = _QueryOptimizer(queryset, self.narrow, source)
        if known is not None:
            optimizer.sources[known] = None
        return optimizer.apply(below, ())

    def _may_join(self, path: str, model: type[Model], source: str | None) -> bool:
        """Tell whether a relation can be joined: the same database, a plain manager, and its key is loaded."""
        if self._is_deferred(path) or not is_joinable(model) or source != self.using:
            return False
        return not self.using or router.allow_migrate_model(self.using, model)

    def _is_deferred(self, path: str) -> bool:
        """Tell whether the user's ``only()`` or ``defer()`` leaves out the key of a relation."""
        if not self.deferred:
            return False
        named = any(name == path or name.startswith(path + "__") for name in self.deferred)
        return named if self.defers else not named


def yields_instances(queryset: Any) -> bool:
    """Tell whether a queryset gives model instances, made in Django's own way."""
    if not isinstance(queryset, QuerySet):
        return False
    made: Any = queryset
    return made._fields is None and made._iterable_class is ModelIterable


def _prefetched(queryset: Any, prefix: str = "") -> Iterator[str]:
    """Yield the paths for which a queryset makes a query of its own, with those inside of its prefetches."""
    known = set(_joined(queryset.query.select_related or {}))
    for lookup in queryset._prefetch_related_lookups:
        path = getattr(lookup, "prefetch_to", lookup)
        parts = path.split("__")
        for end in range(1, len(parts) + 1):
            # A relation on the way that is neither joined nor fetched yet takes a query too.
            part = "__".join(parts[:end])
            if part not in known:
                known.add(part)
                yield prefix + part
        inside = getattr(lookup, "queryset", None)
        if inside is not None:
            yield from _prefetched(inside, f"{prefix}{path}__")


def _inner(annotation: Any) -> Any:
    """Return the annotation of a dictionary among some values: a schema, a ``dict[…]``, or None if it is neither.

    Lists, optional values and ``Annotated`` around it are ignored.
    """
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, RootModel):
            return _inner(annotation.model_fields["root"].annotation)
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) is dict:
        return annotation
    found = [each for each in get_args(annotation) if any(schemas_in(each))]
    return _inner(found[0]) if len(found) == 1 else None


def _are_same(loaded: list[Any], values: list[Any]) -> bool:
    return all(new is old for new, old in zip(loaded, values, strict=True))


def _lookups(requirements: ModelRequirements, using: str | None, prefix: str = "") -> Iterator[str]:
    for name, below in (requirements.one | requirements.many).items():
        source = source_of(requirements.model, below.model, using)
        if source is None and router.routers:
            continue
        yield prefix + name
        yield from _lookups(below, source, f"{prefix}{name}__")
    yield from (prefix + name for name in _others(requirements, using))


def _others(requirements: ModelRequirements, using: str | None) -> Iterator[str]:
    """Yield the relations that only their descriptors can load, except those that a router places for each instance."""
    for name in requirements.other:
        if name in requirements.generic and not reads_every_model_from(using):
            continue
        target = getattr(relations_of(requirements.model).get(name), "related_model", None)
        if target is None or not router.routers or source_of(requirements.model, target, using):
            yield name


def _sources(queryset: Any, using: str | None) -> dict[str, str | None]:
    """Return the databases of the relations that the queryset reads itself, by their lookup, as far as it names them."""
    found: dict[str, str | None] = dict.fromkeys(
        _joined(queryset.query.select_related or {}), using
    )
    for lookup in queryset._prefetch_related_lookups:
        chosen = getattr(lookup, "queryset", None)
        if chosen is not None and chosen._db is not None:
            found[lookup.prefetch_to] = chosen._db
    for field, known in queryset._known_related_objects.items():
        aliases = {instance._state.db for instance in known.values()}
        found[field.name] = aliases.pop() if len(aliases) == 1 else None
    return found


def _joined(selected: Any, prefix: str = "") -> Iterator[str]:
    """Yield the relations in the user's own ``select_related()``."""
    for name, below in selected.items() if isinstance(selected, dict) else ():
        yield prefix + name
        yield from _joined(below, f"{prefix}{name}__")


def is_simple(query: Any, *, distinct: bool = False) -> bool:
    """Tell whether a query returns the same rows if columns are left out and tables are joined."""
    more = (
        (query.distinct and not distinct)
        or query.combinator
        or query.group_by is not None
        or query.select_for_update
        or query.extra
        or query.extra_tables
        or query.extra_order_by
    )
    return not more and not any(
        _holds_raw(part) for part in (query.where, *query.annotations.values(), *query.order_by)
    )


def _holds_raw(part: Any) -> bool:
    """Tell whether an expression contains raw SQL, whose bare column names may become ambiguous with a join."""
    if isinstance(part, (RawSQL, ExtraWhere)):
        return True
    # Of the conditions of a `WhereNode` as well: these are its children.
    below = part.get_source_expressions() if hasattr(part, "get_source_expressions") else ()
    return any(map(_holds_raw, below))
