"""Compiled SQL, and whether rows can replace a queryset's items."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.db.models.query import ModelIterable, ValuesIterable

from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.query_plans import is_simple
from django_matt.upstream import Query

__all__ = ["CachedSQL", "check", "compiled", "evaluates_itself"]

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
        raise TierUnavailable("the queryset returns tuples, or creates its items itself")
    if queryset._result_cache is not None:
        raise TierUnavailable("the queryset is already evaluated")
    if type(query) is not Query or evaluates_itself(queryset):
        raise TierUnavailable(f"{type(queryset).__name__} evaluates itself")
    if not is_simple(query, distinct=True):
        raise TierUnavailable(
            "the query is combined, grouped or locked, or contains SQL written by hand"
        )
    if query.where.contains_over_clause:
        # Django wraps such a query and selects equal columns only once (SQLCompiler.get_qualify_sql), so the indexes of the
        # columns would be wrong.
        raise TierUnavailable("the query is filtered by a window")
    if query.distinct_fields or (query.distinct and query.annotations):
        raise TierUnavailable("the query is distinct by columns that the response does not show")
    if query.deferred_loading != (frozenset(), True):
        raise TierUnavailable("the view chose columns by only() or defer()")
    if not all(isinstance(lookup, str) for lookup in queryset._prefetch_related_lookups):
        raise TierUnavailable("the view chose a queryset for a Prefetch")
