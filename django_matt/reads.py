"""``Reads``: what a response reads from the database, as data, without a query."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, Literal, cast

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import Manager, Model, QuerySet
from django.db.models.expressions import Col, RawSQL

from django_matt.serialization.requirements import ModelRequirements, is_generic, relations_of
from django_matt.tiers import Tiers
from django_matt.upstream import ExtraWhere, Query

__all__ = ["Reads", "Relation", "ResponseTier", "Source", "describe_reads"]

ResponseTier = Literal["rows", "rows or instances", "instances", "pydantic"]
"""The tier of a response. ``rows or instances`` depends on the model, or on whether the view returns a queryset."""

Source = type[Model] | QuerySet[Any] | Manager[Any] | None
"""The source of a response: a model, or a queryset; None for the model that its schema names."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that is followed: from which model, by which attribute, to which model, and whether to a list."""

    model: type[Model]
    name: str
    target: type[Model]
    many: bool


@dataclass(frozen=True, slots=True)
class Reads:
    """What the response of one status reads, and which tier writes it.

    ``queries`` counts those that load the response. Those of a paginator's count, of authentication and of other code
    of the view are not included. Filters and orderings of the view are known only if its queryset was given.
    """

    status: int | EllipsisType
    schema: str
    """The name of the response schema."""
    tier: ResponseTier
    reason: str | None
    """Why no faster tier writes it."""
    models: tuple[type[Model], ...] = ()
    """The models whose rows are read: the model of the response first, many-to-many tables last."""
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By table, the columns that are selected, filtered by or ordered by."""
    relations: tuple[Relation, ...] = ()
    queries: int | None = None
    """How many queries load the response, however many rows there are; None if that is not known."""
    sql: tuple[str, ...] = ()
    """The queries as text, for people to read: a statement, or ``one more for`` a relation."""
    unknown: str | None = None
    """Why the response may read more than this; None if this is everything."""
    own_code: str | None = None
    """The project's own code that writes the response instead of a faster tier: a renderer, a ``create_response``."""
    without_own_code: ResponseTier | None = None
    """The tier that would write it without that code."""
    streamed: bool = False
    """Whether a queryset of many rows is streamed (``MATT["STREAM_ROWS"]``)."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that are read, that of the response's model first."""
        return tuple(self.columns)


def describe_reads(
    tiers: Tiers, source: Source, *, status: int | EllipsisType, streamed: bool
) -> Reads:
    """Return what a response reads whose rows come from ``source``; nothing is asked of the database."""
    found = _Collected()
    queryset = _queryset_of(source if source is not None else tiers.model, found)
    tier, reason, ask = tiers.describe(queryset)
    sql: list[str] = []
    count: int | None = None
    if queryset is None:
        found.doubt("the schema names no model; pass the model, or the view's queryset, to reads()")
    else:
        level = tiers.row_query.requirements(queryset.model)
        found.add_level(level, by_rows=tier.startswith("rows"))
        found.add_queryset(queryset)
        found.add_managers()
        if tier.startswith("rows"):
            # Of rows it is known without asking the managers: what is one is joined, each list is one query.
            count = 1 + found.lists
        try:
            sql = ask()
        except Exception as error:  # noqa: BLE001 - a manager is the project's own code
            found.doubt(f"its queries cannot be built now: {_describe(error)}")
        else:
            count = len(sql) if count is None and not found.by_code else count
    return Reads(
        status=status,
        schema=tiers.name,
        tier=cast("ResponseTier", tier),
        reason=reason,
        models=tuple(found.models),
        columns={table: frozenset(columns) for table, columns in found.columns.items()},
        relations=tuple(found.relations),
        queries=count,
        sql=tuple(sql),
        unknown="; ".join(found.doubts) or None,
        streamed=streamed,
    )


def _queryset_of(source: Source, found: "_Collected") -> Any:
    """Return the queryset of a source; of a model whose default manager fails, one without it."""
    if isinstance(source, type):
        try:
            manager: Any = source._default_manager
            return manager.all()
        except Exception as error:  # noqa: BLE001 - a manager is the project's own code
            found.doubt_manager(source, error)
            return QuerySet(source)
    return source.all() if isinstance(source, Manager) else source


class _Collected:
    """What has been found to be read: by the schema, level by level, and by the querysets themselves."""

    def __init__(self) -> None:
        self.models: dict[type[Model], None] = {}
        self.columns: dict[str, set[str]] = {}
        self.relations: dict[Relation, None] = {}
        self.doubts: dict[str, None] = {}
        self.lists = 0
        self.by_code = False
        # The tables between many-to-many relations, and whose managers the queries of relations begin with.
        self._through: dict[type[Model], None] = {}
        self._managers: dict[tuple[type[Model], str], None] = {}

    def doubt(self, reason: str) -> None:
        self.doubts[reason] = None

    def doubt_manager(self, model: type[Model], error: Exception) -> None:
        self.doubt(f"the default manager of {model.__name__} fails: {_describe(error)}")

    def add_level(self, level: ModelRequirements, *, by_rows: bool) -> None:
        """Add what the schemas read of a model, and beyond its relations."""
        self._add_below(level, by_rows)
        for model in self._through:
            self.models[model] = None
            self._add_columns(
                model, [each for each in model._meta.concrete_fields if each.is_relation]
            )

    def _add_below(self, level: ModelRequirements, by_rows: bool) -> None:
        model, meta = level.model, level.model._meta
        self.models[model] = None
        wanted = [
            each
            for each in meta.concrete_fields
            if level.columns is None or each.name in level.columns
        ]
        if level.many or not by_rows:
            wanted.append(meta.pk)
        self._add_columns(model, wanted)
        if not by_rows:
            self._doubt_level(level)
        relations = relations_of(model)
        for name, below in level.one.items():
            self.relations[Relation(model, name, below.model, many=False)] = None
            self._managers[below.model, "_base_manager"] = None
            self._add_below(below, by_rows)
        for name, below in level.many.items():
            self.lists += 1
            self.relations[Relation(model, name, below.model, many=True)] = None
            self._managers[below.model, "_default_manager"] = None
            relation = relations[name]
            if relation.many_to_many and not is_generic(relation):
                through = getattr(relation, "through", None) or relation.remote_field.through
                self._through[through] = None
            self._add_below(below, by_rows)
        for name in level.other:
            target = getattr(relations.get(name), "related_model", None)
            if target is not None:
                self.relations[Relation(model, name, target, many=False)] = None
                self.models[target] = None
                self._add_columns(target, target._meta.concrete_fields)

    def _doubt_level(self, level: ModelRequirements) -> None:
        name = level.model.__name__
        if level.by_code:
            self.by_code = True
            self.doubt(
                f"code reads {name} (a property, a method, a resolver) and may read more; declare it with needs()"
            )
        if level.unknown:
            keys = ", ".join(sorted(level.unknown))
            self.doubt(
                f"{keys}: not a column or relation of {name}; it may be an annotation of the view's queryset"
            )
        for key in sorted(level.generic):
            self.by_code = True
            self.doubt(f"{key} of {name} is a relation that may refer to any model")

    def _add_columns(self, model: type[Model], fields: Any) -> None:
        own = model._meta.db_table
        self._add_column(own, None)
        for each in fields:
            # A column may be inherited from another table, and a key of several columns has none of its own.
            if each.column is None:
                continue
            inherited = each.model._meta.db_table
            self._add_column(inherited, each.column)
            if inherited != own:
                # The two rows are joined by their keys.
                self._add_column(inherited, each.model._meta.pk.column)
                self._add_column(own, model._meta.pk.column)

    def _add_column(self, table: str, column: str | None) -> None:
        columns = self.columns.setdefault(table, set())
        if column is not None:
            columns.add(column)

    def add_managers(self) -> None:
        """Add what the managers of related models filter and order by; one that fails is a doubt."""
        for model, name in self._managers:
            try:
                queryset = getattr(model, name).all()
            except Exception as error:  # noqa: BLE001 - a manager is the project's own code
                self.doubt_manager(model, error)
            else:
                self.add_queryset(queryset)

    def add_queryset(self, queryset: Any) -> None:
        """Add what a queryset filters by, orders by and computes, and its own prefetches."""
        try:
            self._add_query(queryset.query, queryset.db, selects=queryset._fields is not None)
        except Exception as error:  # noqa: BLE001 - an expression may be the project's own code
            self.doubt(f"its query cannot be read: {_describe(error)}")
        for lookup in queryset._prefetch_related_lookups:
            inside = getattr(lookup, "queryset", None)
            if inside is not None:
                self.models[inside.model] = None
                self.add_queryset(inside)

    def _add_query(self, query: Query, using: str, *, selects: bool) -> None:
        for part in query.combined_queries:
            self._add_query(part, using, selects=selects)
        if query.extra_tables or query.extra or query.extra_order_by:
            self.doubt("SQL written by hand may read other tables")
        # The joins of an ordering and of select_related() are made when SQL is.
        query = query.clone()
        compiler: Any = query.get_compiler(using)
        ordered: list[Any] = []
        with suppress(EmptyResultSet, FullResultSet):
            ordered = [expression for expression, _ in compiler.pre_sql_setup()[1]]
        for alias, uses in query.alias_refcount.items():
            if uses:
                self._add_column(query.alias_map[alias].table_name, None)
        parts = [*ordered, query.where, *query.annotations.values()]
        if selects:
            parts += [selected[0] for selected in compiler.select or ()]
        for part in parts:
            for node in _walk(part):
                self._add_node(node, using)

    def _add_node(self, node: Any, using: str) -> None:
        if isinstance(node, Col):
            self._add_column(node.target.model._meta.db_table, node.target.column)
        elif isinstance(node, Query):
            self.models.setdefault(cast("type[Model]", node.model))
            self._add_query(node, using, selects=True)
        elif isinstance(node, (RawSQL, ExtraWhere)):
            self.doubt("SQL written by hand may read other tables")


def _walk(part: Any) -> Iterator[Any]:
    """Yield an expression or a condition and all that is inside of it, except what is inside of subqueries."""
    yield part
    if isinstance(part, Query):
        return
    for inner in getattr(part, "children", ()):
        yield from _walk(inner)
    if hasattr(part, "get_source_expressions"):
        for inner in part.get_source_expressions():
            if inner is not None:
                yield from _walk(inner)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
