"""Query plans: what a response schema will read of a model, asked of the database before it is read."""

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, get_args

from django.db import router
from django.db.models import Manager, Model, Prefetch, QuerySet, prefetch_related_objects
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init
from django.db.models.sql.where import ExtraWhere
from ninja.signature.details import is_collection_type
from pydantic import BaseModel

__all__ = [
    "Level",
    "QueryPlan",
    "is_plain",
    "is_quiet",
    "is_simple",
    "joins_by_key",
    "needs",
    "needs_of",
    "relations_of",
    "schemas_in",
]

F = TypeVar("F", bound=Callable[..., Any] | property)

_NEEDS = "_matt_needs"
# A schema may hold itself: so many of its levels are planned, deeper ones are read when they are reached.
_TURNS = 2


def needs(*paths: str) -> Callable[[F], F]:
    """Say which columns and relations a property, a method, a resolver or a route reads, by Django's lookups.

    >>> @needs("author", "tags")
    ... def resolve_label(book: Any) -> str:
    ...     return f"{book.author.name}: {len(book.tags.all())}"
    """

    def declare(function: F) -> F:
        setattr(_function_of(function), _NEEDS, paths)
        return function

    return declare


def _function_of(attribute: Any) -> Any:
    for name in ("fget", "__func__", "func"):
        attribute = getattr(attribute, name, None) or attribute
    return attribute


def needs_of(attribute: Any) -> tuple[str, ...] | None:
    """Return what ``needs`` declared on a property, method, resolver or view; None where nothing did."""
    found: tuple[str, ...] | None = getattr(_function_of(attribute), _NEEDS, None)
    return found


class Level:
    """What is read of one model: its columns (None for all of them), and what is read beyond each relation."""

    def __init__(self, model: type[Model]) -> None:
        """Start with nothing; a model whose instances look at themselves when they are made needs every column."""
        self.model = model
        self.columns: set[str] | None = set() if is_quiet(model) else None
        self.one: dict[str, Level] = {}
        self.many: dict[str, Level] = {}
        # Relations that only their own descriptors know how to fetch, and attributes that the model does not declare.
        self.other: set[str] = set()
        self.unknown: dict[str, Any] = {}

    def read(self, annotation: Any, path: tuple[Any, ...] = ()) -> None:
        """Add what the schemas in an annotation read."""
        for schema in schemas_in(annotation):
            if path.count(schema) >= _TURNS:
                self.columns = None
                continue
            resolvers = getattr(schema, "_ninja_resolvers", {})
            for name, field in schema.model_fields.items():
                key = field.alias or name
                if key in resolvers:
                    self.declare(needs_of(resolvers[key]._func))
                else:
                    self.follow(key.split("."), field.annotation, (*path, schema))

    def declare(self, paths: Iterable[str] | None) -> None:
        """Add what ``needs`` names, or every column where nothing was declared."""
        if paths is None:
            self.columns = None
        for path in paths or ():
            self.follow(path.split("__"), Any, ())

    def follow(self, parts: list[str], annotation: Any, path: tuple[Any, ...]) -> None:
        """Add what one attribute reads, and the attributes after it."""
        key, rest = parts[0], parts[1:]
        meta = self.model._meta
        if key == "pk":
            key = meta.pk.name
        field = relations_of(self.model).get(key)
        if field is None:
            column = next((f for f in meta.concrete_fields if key in (f.name, f.attname)), None)
            if column is not None:
                self._need(column.name)
            elif (attribute := inspect.getattr_static(self.model, key, None)) is not None:
                self.declare(needs_of(attribute))
            else:
                self.unknown[key] = annotation
            return
        below = self._beyond(key, field)
        if below is None:
            return
        if rest:
            below.follow(rest, annotation, path)
        elif any(schemas_in(annotation)):
            below.read(annotation, path)
        elif not _is_link(annotation):
            below.columns = None

    def _beyond(self, key: str, field: Any) -> "Level | None":
        """Return the level of a relation, with the columns by which Django matches both sides noted."""
        target = field.related_model
        if target is None or getattr(field, "content_type_field_name", None):
            for name in ("ct_field", "fk_field"):
                if hasattr(field, name):
                    self._need(getattr(field, name))
            self.other.add(key)
            return None
        if field.one_to_one or field.many_to_one:
            if field.concrete:
                self._need(field.name)
            elif field.name != key:
                self.other.add(key)
                return None
            return self.one.setdefault(key, Level(target))
        below = self.many.setdefault(key, Level(target))
        if field.one_to_many:
            below._need(field.field.name)
            for matched in field.field.foreign_related_fields:
                self._need(matched.name)
        elif not joins_by_key(field):
            self.columns = below.columns = None
        return below

    def _need(self, column: str) -> None:
        if self.columns is not None:
            self.columns.add(column)


class QueryPlan:
    """What one response schema asks of the database, whatever the model it is answered from."""

    def __init__(self, annotation: Any, *, narrow: bool, hints: tuple[str, ...] = ()) -> None:
        """``narrow`` allows ``only()``: nothing but the schema's fields is read; ``hints`` are the route's ``needs``."""
        self.annotation = annotation
        self.narrow = narrow
        self.hints = hints
        self._levels: dict[type[Model], Level] = {}
        self._fields: dict[str, QueryPlan] | None = None

    def level(self, model: type[Model]) -> Level:
        """Return what is read of a model's instances."""
        if model not in self._levels:
            level = Level(model)
            level.read(self.annotation)
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
        if (
            model is None
            or not issubclass(model, Model)
            or {type(value) for value in values} != {model}
        ):
            return
        if any(value._state.adding or value.pk is None for value in values):
            return
        lookups = list(_lookups(self.level(model), ""))
        if len(values) == 1:
            # One instance reads a relation by one query anyway.
            lookups = [lookup for lookup in lookups if "__" in lookup]
        if lookups:
            prefetch_related_objects(values, *lookups)


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
        if self._is_deferred(path):
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


def schemas_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the schemas that an annotation names: of a list, an optional value, a union."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from schemas_in(argument)


def _lookups(level: Level, prefix: str) -> Iterator[str]:
    for name, below in (level.one | level.many).items():
        yield prefix + name
        yield from _lookups(below, f"{prefix}{name}__")
    yield from (prefix + name for name in level.other)


def relations_of(model: type[Model]) -> dict[str, Any]:
    """The relations of a model by the attribute that holds them, in both directions."""
    fields: list[Any] = [field for field in model._meta.get_fields() if field.is_relation]
    return {
        field.get_accessor_name()
        if field.auto_created and not field.concrete
        else field.name: field
        for field in fields
    }


def _is_link(annotation: Any) -> bool:
    """Tell whether an annotation is the list of keys that a ``ModelSchema`` makes of a many-to-many field."""
    return any(
        "create_m2m_link_type" in getattr(each, "__qualname__", "") for each in get_args(annotation)
    )


def joins_by_key(field: Any) -> bool:
    """Tell whether a many-to-many relation matches primary keys, which are always loaded."""
    through = (field.remote_field if field.concrete else field).through
    return all(
        key.primary_key
        for link in through._meta.concrete_fields
        if link.many_to_one
        for key in link.foreign_related_fields
    )


def is_quiet(model: type[Model]) -> bool:
    """Tell whether making an instance reads none of its columns, so that one left out is not fetched again."""
    plain = all(
        getattr(model, name) == getattr(Model, name) for name in ("__init__", "__getattribute__")
    )
    own = model.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    return plain and own and not post_init.has_listeners(model)


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
