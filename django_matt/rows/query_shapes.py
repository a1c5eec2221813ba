"""Query shapes: what the SQL of a query depends on, apart from the values that the database gets as parameters.

Two queries of one shape have the same SQL, so that it is compiled once and kept: one object by another key, a list of
another tenant, another page. The values are prepared for every query, by the methods of Django's lookups that also
prepare them when Django compiles. A query with anything in it whose SQL may depend on a value has no shape.
"""

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import FieldError
from django.db import connections
from django.db.models import lookups
from django.db.models.expressions import Col
from django.db.models.fields import related_lookups
from django.db.models.fields.related import ForeignObject
from django.db.models.fields.reverse_related import ForeignObjectRel

from django_matt import upstream
from django_matt.rows.sql_cache import CachedSQL, compiled
from django_matt.upstream import BaseTable, Join, Query, WhereNode

__all__ = ["Shape", "compile_shape", "shape_of"]

# The attributes of Django's Query that ``shape_of`` takes into account. A query with any other attribute gets no shape: a
# later Django may have added it, and it may change the SQL.
_QUERY_ATTRIBUTES = """
model alias_refcount alias_map alias_cols external_aliases table_map used_aliases where annotations extra base_table
_filtered_relations _annotation_select_cache filter_is_sticky _lookup_joins select_related default_ordering
standard_ordering order_by extra_order_by low_mark high_mark distinct distinct_fields
"""
_KNOWN_ATTRIBUTES = frozenset(_QUERY_ATTRIBUTES.split())
# The lookups whose ``process_rhs()`` reads nothing but the column, the value and the connection, and changes nothing, and
# whose ``as_sql()`` puts what it returns beside the column.
_LOOKUPS = """
Exact IExact GreaterThan GreaterThanOrEqual LessThan LessThanOrEqual IntegerFieldExact IntegerGreaterThan
IntegerGreaterThanOrEqual IntegerLessThan IntegerLessThanOrEqual In Range IsNull Contains IContains StartsWith IStartsWith
EndsWith IEndsWith Regex IRegex RelatedExact RelatedLessThan RelatedGreaterThan RelatedGreaterThanOrEqual
RelatedLessThanOrEqual RelatedIn RelatedIsNull
"""
_KNOWN_LOOKUPS = frozenset(
    found
    for name in _LOOKUPS.split()
    for module in (lookups, related_lookups)
    if (found := module.__dict__.get(name)) is not None
)
# The SQL of a list of values has a mark for each of them, so each length is a shape of its own.
_LONGEST = 200
_XOR = "XOR"
_OFF = upstream.lost("shapes") is not None


class _NoShapeError(Exception):
    """A condition gives a query no shape, because its SQL may depend on the value that it compares with."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a query, and the values of this one.

    ``key`` describes the SQL up to its ``LIMIT`` and ``OFFSET``, which are ``limits``. It leaves out the model, the database
    and the selected columns: each row plan keeps SQL of its own, for one of each. ``params`` are in the order of the SQL.
    """

    key: Hashable
    params: tuple[Any, ...]
    limits: str


def shape_of(query: Any, using: str, most: int | None = None) -> Shape | None:
    """Return the shape of a query, or None if its SQL has to be compiled.

    ``most`` limits the query to one row more than that, as ``set_limits()`` would.
    """
    if (
        not vars(query).keys() <= _KNOWN_ATTRIBUTES
        or query.external_aliases
        or query.annotations
        or query.extra
        or query.extra_order_by
        or query._filtered_relations
        or query.filter_is_sticky
        or query.distinct_fields
        or not query.alias_cols
        or _OFF
    ):
        return None
    # Ordering by a relation means the Meta.ordering of its model, and an expression may be anything: only columns have a key.
    ordering = query.order_by or (query.default_ordering and tuple(query.model._meta.ordering))
    connection = connections[using]
    low, high = query.low_mark, query.high_mark
    if most is not None:
        high = low + most + 1 if high is None else min(high, low + most + 1)
    params: list[Any] = []
    try:
        for name in ordering or ():
            if type(name) is not str or not _is_column(query.model, name):
                return None
        key = (
            ordering,
            query.default_ordering,
            query.standard_ordering,
            query.distinct,
            low > 0 or high is not None,
            _key_of_node(query.where, connection, params),
            *[
                _key_of_join(alias, join, query.alias_refcount[alias])
                for alias, join in query.alias_map.items()
            ],
        )
        hash(key)
    except Exception:  # noqa: BLE001 - Django compiles the query, and meets what is wrong with it again
        return None
    return Shape(key, tuple(params), connection.ops.limit_offset_sql(low, high))


@lru_cache(maxsize=1024)
def _is_column(model: Any, name: str) -> bool:
    """Tell whether a name in ``order_by()`` is a column of the model or of a joined table."""
    try:
        *_, field, _, rest = Query(model).names_to_path(
            name.lstrip("+-").split("__"), model._meta, fail_on_missing=True
        )
    except FieldError:
        return False
    return not rest and not field.is_relation


def _key_of_node(node: Any, connection: Any, params: list[Any]) -> Hashable:
    """Return the key of a ``WHERE`` condition and add its parameters, or raise if it is not of a kind that is known."""
    if type(node) is not WhereNode:
        return _key_of_lookup(node, connection, params)
    if node.connector == _XOR:
        # Some databases have no XOR: Django then repeats the conditions.
        raise _NoShapeError
    below = [_key_of_node(child, connection, params) for child in node.children]
    return node.connector, node.negated, node.resolved, *below


def _key_of_lookup(node: Any, connection: Any, params: list[Any]) -> Hashable:
    """Return the key of one condition and add its parameters, or raise if it is not of a kind that is known."""
    column = node.lhs
    if type(node) not in _KNOWN_LOOKUPS or type(column) is not Col or node.bilateral_transforms:
        raise _NoShapeError
    sql, values = _processed(node, connection)
    params += values
    # The database may cast the column by the type of its field.
    type_of_field = column.output_field.get_internal_type()
    return type(node), column.alias, column.target.column, type_of_field, sql


def _processed(node: Any, connection: Any) -> tuple[Hashable, Any]:
    """Return the SQL of a condition's value and its parameters, or raise if the SQL may depend on the value otherwise.

    A value that is in the SQL itself is returned instead of its SQL.
    """
    kind, value = type(node), node.rhs
    if issubclass(kind, lookups.IsNull):
        if type(value) is bool:
            return value, ()
        raise _NoShapeError
    if hasattr(value, "resolve_expression") or hasattr(value, "as_sql"):
        raise _NoShapeError
    if issubclass(kind, lookups.In | lookups.Range) and len(value) > _LONGEST:
        raise _NoShapeError
    if issubclass(kind, lookups.Exact) and isinstance(value, bool) and node.lhs.conditional:
        # `WHERE active`, or `WHERE NOT active`.
        return value, ()
    # An empty list, or a number that the column cannot contain, raises EmptyResultSet or FullResultSet.
    found: tuple[Hashable, Any] = node.process_rhs(None, connection)
    return found


def _key_of_join(alias: str, join: Any, references: int) -> Hashable:
    """Return the key of a table of the query, or raise if the join may have conditions of its own."""
    if type(join) is BaseTable:
        return alias, join.table_name, join.table_alias, references
    relation = join.join_field
    if type(join) is not Join or join.filtered_relation is not None:
        raise _NoShapeError
    if isinstance(relation, ForeignObjectRel):
        if type(relation).get_extra_restriction is not ForeignObjectRel.get_extra_restriction:
            raise _NoShapeError
        relation = relation.field
    # A generic relation compares the content type as well, and a field of the project's own may compare anything.
    if type(relation).get_extra_restriction is not ForeignObject.get_extra_restriction:
        raise _NoShapeError
    return alias, join.table_name, join.parent_alias, join.join_type, join.join_cols, references


def compile_shape(values: Any, using: str, shape: Shape) -> CachedSQL | None:
    """Compile a ``values_list()`` queryset of a shape for all queries of this shape, or return None if that fails.

    The values are replaced by marks. Only if the compiler returns exactly these marks, in the order of ``shape.params``, is
    every parameter of the SQL one of the shape's.
    """
    marks: list[object] = []
    _mark(values.query.where, connections[using], marks)
    found = compiled(values, using)
    if found is None or list(map(id, found.params)) != list(map(id, marks)):
        return None
    try:
        # The selected columns and the ordering have joins of their own, which are there now.
        for alias, join in values.query.alias_map.items():
            _key_of_join(alias, join, 1)
    except (_NoShapeError, AttributeError):
        return None
    end = f" {shape.limits}" if shape.limits else ""
    if len(marks) != len(shape.params) or not found.sql.endswith(end):
        return None
    return CachedSQL(found.sql[: len(found.sql) - len(end)], (), found.expressions)


def _mark(node: Any, connection: Any, marks: list[object]) -> None:
    """Replace the conditions below a node by copies whose parameters are marks."""
    for index, child in enumerate(node.children):
        if type(child) is WhereNode:
            _mark(child, connection, marks)
            continue
        sql, values = _processed(child, connection)
        if values:
            marked = copy(child)
            own = type(values)(object() for _ in values)
            marked.process_rhs = partial(_replaced, (sql, own))
            node.children[index] = marked
            marks += own


def _replaced(found: tuple[Hashable, Any], compiler: Any, connection: Any) -> tuple[Hashable, Any]:
    """Replace the ``process_rhs()`` of a marked lookup. Django appends to the list that it gets, so it gets a new one."""
    return found[0], type(found[1])(found[1])
