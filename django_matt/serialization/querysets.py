"""Query plans: what a response schema will read of a model, asked of the database before it is read."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import router
from django.db.models import Manager, Model, Prefetch, QuerySet, prefetch_related_objects
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable
from django.db.models.sql.where import ExtraWhere
from ninja.signature.details import is_collection_type

from django_matt.serialization.levels import Level, is_joinable, schemas_in

__all__ = ["QueryPlan", "is_plain", "is_simple"]


class QueryPlan:
    """What one response schema asks of the database, whatever the model it is answered from."""

    def __init__(self, annotation: Any, *, narrow: bool, hints: tuple[str, ...] = ()) -> None:
        """``narrow`` allows ``only()``: nothing but the schema's fields is read; ``hints`` are the route's ``needs``."""
        self.annotation = annotation
        self.narrow = narrow
        self.hints = hints
        self._levels: dict[type[Model], Level] = {}
        self._known: dict[type[Model], tuple[list[str], list[str]]] = {}
        self._fields: dict[str, QueryPlan] | None = None

    def level(self, model: type[Model]) -> Level:
        """Return what is read of a model's instances."""
        if model not in self._levels:
            level = Level(model)
            level.read(self.annotation)
            if not any(schemas_in(self.annotation)):
                # Any: a renderer of the project's own may read all of an instance.
                level.columns = None
            level.declare(self.hints)
            self._levels[model] = level
        return self._levels[model]

    @property
    def fields(self) -> dict[str, "QueryPlan"]:
        """The plans of the fields of the schema, for an answer that is a dictionary of querysets and instances."""
        if self._fields is None:
            schema = self.annotation if isinstance(self.annotation, type) else None
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
        """The plan of a page's items: of the one field that is a list of schemas."""
        lists = [plan for plan in self.fields.values() if is_collection_type(plan.annotation)]
        return lists[0] if len(lists) == 1 else None

    def load(self, value: Any) -> Any:
        """Return a route's result with what the schema reads of it planned or fetched."""
        if isinstance(value, Manager):
            value = value.all()
        if isinstance(value, QuerySet):
            if value._result_cache is None and not value.query.combinator:
                return self.apply(value)
            self.fill(list(value))
        elif isinstance(value, Model):
            self.fill([value])
        elif type(value) is list:
            self.fill(value)
        elif type(value) is dict or isinstance(value, OrderedDict):
            loaded = {
                key: plan.load(value[key]) for key, plan in self.fields.items() if key in value
            }
            if any(loaded[key] is not value[key] for key in loaded):
                return {**value, **loaded}
        return value

    def apply(self, queryset: Any, columns: Iterable[str] | None = ()) -> Any:
        """Return the queryset with the joins, prefetches and columns that the schema needs.

        ``columns`` come on top of the schema's; None asks for every column.

        What the queryset already says is kept, and one of dictionaries or tuples is returned as it is.
        """
        made = not is_plain(queryset) or queryset._result_cache is not None
        if made or queryset.query.combinator:
            return queryset
        choice = _Choice(queryset, self.narrow and columns is not None)
        return choice.apply(self.level(queryset.model), columns or ())

    def fill(self, values: list[Any]) -> None:
        """Fetch for instances made elsewhere what the schema will read of them, one query a relation."""
        model = type(values[0]) if values else None
        if model is None or not issubclass(model, Model):
            return
        # One instance reads a relation by one query anyway.
        lookups = self._lookups(model)[len(values) == 1]
        if not lookups or {type(value) for value in values} != {model}:
            return
        if not any(value._state.adding or value.pk is None for value in values):
            prefetch_related_objects(values, *lookups)

    def _lookups(self, model: type[Model]) -> tuple[list[str], list[str]]:
        """Return the relations that are read of a model's instances, and those of relations alone."""
        if model not in self._known:
            every = list(_lookups(self.level(model), ""))
            self._known[model] = every, [lookup for lookup in every if "__" in lookup]
        return self._known[model]


class _Choice:
    """What to add to one queryset."""

    def __init__(self, queryset: Any, narrow: bool) -> None:
        self.queryset = queryset
        query = queryset.query
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
        # A related manager has put the instance that it came from there already.
        self.chosen |= {known.name for known in queryset._known_related_objects}
        simple = is_simple(query)
        self.joined = simple and query.select_related is not True
        self.narrow = narrow and simple and not self.deferred and query.select_related is False

    def apply(self, level: Level, columns: Iterable[str]) -> Any:
        queryset = self.queryset
        self.collect(level, "", self.joined)
        self.collect_made(level)
        if self.joins:
            queryset = queryset.select_related(*self.joins)
        if self.narrow and level.columns is not None:
            queryset = queryset.only(*self.columns, *columns, level.model._meta.pk.name)
        if self.lookups:
            queryset = queryset.prefetch_related(*self.lookups)
        return queryset

    def collect(self, level: Level, prefix: str, joined: bool) -> None:
        """Add a level: joined ones by columns and joins, others by lookups alone."""
        if joined and prefix and not level.columns:
            self.columns.append(
                prefix + level.model._meta.pk.name if level.columns is not None else prefix[:-2]
            )
        elif joined:
            self.columns.extend(prefix + name for name in level.columns or ())
        for name, below in level.one.items():
            path = prefix + name
            if path in self.chosen:
                self.collect(below, path + "__", False)
            elif joined and self._may_join(path, below.model):
                self.joins.append(path)
                self.collect(below, path + "__", True)
            elif not self._is_deferred(path):
                self.lookups.append(path)
                self.collect(below, path + "__", False)
        for name, below in level.many.items():
            path = prefix + name
            if path in self.chosen:
                self.collect(below, path + "__", False)
            else:
                self.lookups.append(self._prefetch(path, below))
        self.lookups.extend(
            prefix + name for name in level.other if prefix + name not in self.chosen
        )

    def collect_made(self, level: Level) -> None:
        """Add what is read beyond the attributes that the user's own ``Prefetch(to_attr=…)`` make."""
        for lookup in self.queryset._prefetch_related_lookups:
            made = getattr(lookup, "to_attr", None)
            if made in level.unknown and getattr(lookup, "queryset", None) is not None:
                below = Level(lookup.queryset.model)
                below.read(level.unknown[made])
                self.collect(below, f"{made}__", False)

    def _prefetch(self, path: str, level: Level) -> Any:
        planned = _Choice(level.model._default_manager.all(), self.narrow).apply(level, ())
        return Prefetch(path, queryset=planned)

    def _may_join(self, path: str, model: type[Model]) -> bool:
        """Tell whether a relation's table is in the same database, and its key is loaded."""
        if self._is_deferred(path) or not is_joinable(model):
            return False
        return not router.routers or router.allow_migrate_model(self.queryset.db, model)

    def _is_deferred(self, path: str) -> bool:
        """Tell whether the user's own ``only()`` or ``defer()`` leaves a relation's key out."""
        if not self.deferred:
            return False
        named = any(name == path or name.startswith(path + "__") for name in self.deferred)
        return named if self.defers else not named


def is_plain(queryset: Any) -> bool:
    """Tell whether a queryset gives model instances, made in Django's way."""
    if not isinstance(queryset, QuerySet):
        return False
    made: Any = queryset
    return made._fields is None and made._iterable_class is ModelIterable


def _lookups(level: Level, prefix: str) -> Iterator[str]:
    for name, below in (level.one | level.many).items():
        yield prefix + name
        yield from _lookups(below, f"{prefix}{name}__")
    yield from (prefix + name for name in level.other)


def is_simple(query: Any, *, distinct: bool = False) -> bool:
    """Tell whether a query stays the same when columns are left out and tables joined."""
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
    """Tell whether SQL by hand, whose bare column names a join may make ambiguous, stands in an expression."""
    if isinstance(part, (RawSQL, ExtraWhere)):
        return True
    below = list(getattr(part, "children", ()))
    if hasattr(part, "get_source_expressions"):
        below += part.get_source_expressions()
    return any(_holds_raw(each) for each in below)
