"""The SQL cache: whether rows can replace a queryset's items, and compiled SQL that equal queries share.

Django compiles a query to SQL for every request, which can take longer than reading the rows. Here the SQL is kept under
a key that describes the query completely. A query with anything in it that the key does not describe is compiled each time.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FieldError
from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.query import ModelIterable, ValuesIterable

from django_matt.rows.raw_encodings import stored
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.query_plans import is_simple
from django_matt.upstream import Query, WhereNode

__all__ = ["CachedSQL", "check", "compiled", "evaluates_itself", "key_of"]

# A queryset class that overrides one of these may return anything when it is evaluated.
_EVALUATING = (
    "__iter__",
    "_fetch_all",
    "_clone",
    "_chain",
    "all",
    "annotate",
    "filter",
    "using",
    "values_list",
    "_values",
)
# The attributes of Django's Query that ``key_of`` takes into account. A query with any other attribute gets no key: a later
# Django may have added it, and it may change the SQL.
_QUERY_ATTRIBUTES = """
model alias_refcount alias_map alias_cols external_aliases table_map used_aliases where annotations extra base_table
_filtered_relations _annotation_select_cache filter_is_sticky _lookup_joins select_related default_ordering
standard_ordering order_by extra_order_by low_mark high_mark distinct distinct_fields
"""
_KNOWN_ATTRIBUTES = frozenset(_QUERY_ATTRIBUTES.split())
# Of these, the ones that ``key_of`` cannot describe. A query in which one is set gets no key.
_EMPTY_ATTRIBUTES = """
external_aliases annotations extra extra_order_by _filtered_relations filter_is_sticky distinct_fields
"""
_MUST_BE_EMPTY = tuple(_EMPTY_ATTRIBUTES.split())
# Lookups of Django's own make SQL from their class, column and value alone.
_LOOKUPS = frozenset({"django.db.models.lookups", "django.db.models.fields.related_lookups"})
# Values of these types are their own key.
_SIMPLE_TYPES = frozenset({bool, type(None), date, timedelta, UUID})
# A longer text, or a list of more values, is not kept: requests would fill the memory with their keys.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class CachedSQL:
    """A compiled SELECT: the SQL, its parameters, and the selected expressions, which know their converters.

    ``ORDER BY`` may have added columns at the end, which are not in ``expressions``.
    """

    sql: str
    params: tuple[Any, ...]
    expressions: list[Any]


def compiled(values: Any, using: str) -> CachedSQL | None:
    """Compile a ``values_list()`` queryset, or return None if Django knows that it has no rows."""
    compiler = values.query.get_compiler(using=using)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    return CachedSQL(sql, tuple(params), [found[0] for found in compiler.select])


def key_of(query: Any) -> Hashable | None:
    """Return a key that two queries share only if their SQL and parameters are the same, or None.

    The key leaves out the model, the database and the selected columns: each row plan has a cache of its own, for one of each.
    Values are in it with their types, because ``1 == True`` but they are different parameters.
    """
    if not vars(query).keys() <= _KNOWN_ATTRIBUTES or any(
        getattr(query, name) for name in _MUST_BE_EMPTY
    ):
        return None
    # Ordering by a relation means the Meta.ordering of its model, and an expression may be anything: only columns have a key.
    ordering = query.order_by or (query.default_ordering and tuple(query.model._meta.ordering))
    try:
        if not query.alias_cols or not all(_is_column(query, name) for name in ordering or ()):
            return None
        key = (
            query.distinct,
            query.low_mark,
            query.high_mark,
            query.standard_ordering,
            query.default_ordering,
            ordering,
            _key_of_node(query.where),
            tuple(
                (
                    alias,
                    join.identity,
                    getattr(join, "join_type", None),
                    query.alias_refcount[alias],
                )
                for alias, join in query.alias_map.items()
            ),
        )
        # What cannot be hashed has no key either; hash() raises TypeError here instead of in the look-up.
        hash(key)
    except (TypeError, AttributeError):
        return None
    return key


def _is_column(query: Any, name: Any) -> bool:
    """Tell whether a name in ``order_by()`` is a column of the model or of a joined table."""
    if not isinstance(name, str):
        return False
    try:
        *_, field, _, rest = query.names_to_path(
            name.lstrip("+-").split("__"), query.model._meta, fail_on_missing=True
        )
    except FieldError:
        return False
    return not rest and not field.is_relation


def _key_of_node(node: Any) -> Hashable:
    """Return the key of a ``WHERE`` condition, or raise ``TypeError`` for one that is not of Django's simple kinds."""
    if type(node) is WhereNode:
        return node.connector, node.negated, tuple(map(_key_of_node, node.children))
    column = node.lhs
    is_known = type(node).__module__ in _LOOKUPS and type(column) is Col
    if not is_known or node.bilateral_transforms:
        raise TypeError("a lookup of another kind")
    for field in (column.target, column.output_field):
        if not type(stored(field)).__module__.startswith("django.db.models.fields"):
            raise TypeError("a field that may prepare its values in its own way")
    return type(node), column.alias, column.target, column.output_field, _key_of_value(node.rhs)


def _key_of_value(value: Any) -> Hashable:
    """Return the key of a parameter, or raise ``TypeError`` if it is long, mutable or of an unknown type."""
    kind = type(value)
    if kind is list or kind is tuple:
        if len(value) > _LONGEST:
            raise TypeError("many values")
        return kind, tuple(map(_key_of_value, value))
    if kind in _SIMPLE_TYPES:
        return kind, value
    if kind is datetime or kind is time:
        return kind, value.isoformat(), value.fold, value.tzinfo
    if kind in (str, int, float, Decimal):
        text = value if kind is str else repr(value)
        if len(text) <= _LONGEST:
            return kind, text
    raise TypeError("a value that may change, or a long one")


def evaluates_itself(queryset: Any) -> bool:
    """Tell whether a queryset class overrides a method by which querysets get their items."""
    kind = type(queryset)
    return kind is not QuerySet and any(
        getattr(kind, name) is not getattr(QuerySet, name) for name in _EVALUATING
    )


def check(queryset: Any) -> None:
    """Raise ``TierUnavailable`` with the reason if rows cannot replace a queryset's instances or dictionaries."""
    query = queryset.query
    usual = ModelIterable if queryset._fields is None else ValuesIterable
    if queryset._iterable_class is not usual:
        raise TierUnavailable("the queryset gives tuples, or makes its items in its own way")
    if queryset._result_cache is not None:
        raise TierUnavailable("the queryset is already evaluated")
    if type(query) is not Query or evaluates_itself(queryset):
        raise TierUnavailable(f"{type(queryset).__name__} evaluates itself in its own way")
    if not is_simple(query, distinct=True):
        raise TierUnavailable("the query is combined, grouped, locked, or holds SQL by hand")
    if query.where.contains_over_clause:
        # Django wraps such a query and selects equal columns only once (SQLCompiler.get_qualify_sql), so the indexes of the
        # columns would be wrong.
        raise TierUnavailable("the query is filtered by a window")
    if query.distinct_fields or (query.distinct and query.annotations):
        raise TierUnavailable("the query is distinct by what is not answered")
    if query.deferred_loading != (frozenset(), True):
        raise TierUnavailable("the view chose columns by only() or defer()")
    if not all(isinstance(lookup, str) for lookup in queryset._prefetch_related_lookups):
        raise TierUnavailable("the view chose a queryset for a Prefetch")
