"""Cursor pages that show every row: Ninja's ``CursorPagination``, with positions that are unique in the order.

Ninja's position is the text of the first ordering column. Rows with equal values are told apart by counting them, up to
``NINJA_PAGINATION_MAX_OFFSET``, and NULL is the text "None". Here a position is the text of every ordering column and of
the primary key, so that each row has its own, and NULLs are compared in the place where the database sorts them.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial, reduce
from ipaddress import ip_address
from math import isfinite
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import connections
from django.db.models import DecimalField, F, GenericIPAddressField, Model, Q, QuerySet
from django.utils.timezone import is_naive
from ninja.pagination import CursorPagination

from django_matt.limits import invalid_cursor
from django_matt.upstream import format_number, lost

__all__ = ["keep_every_row", "ordering_names"]

_OURS = "\0"
"""The prefix of our positions. No other position has it: PostgreSQL stores no NUL, and requests with NUL are refused."""

_METHODS = ("_order_queryset", "_find_position", "_get_position")
_WITHOUT_ORDER = ("ArrayField", "BinaryField", "HStoreField", "JSONField")


class _Term(NamedTuple):
    """One column of an order."""

    name: str
    descending: bool
    field: Any
    nullable: bool
    unique: bool = False


def keep_every_row(paginator: Any) -> None:
    """Give a ``CursorPagination`` our positions, unless its class has its own way to order or to find them."""
    if not isinstance(paginator, CursorPagination) or _METHODS[0] in vars(paginator):
        return
    if lost("cursors") is not None:
        return
    if all(getattr(type(paginator), name) is getattr(CursorPagination, name) for name in _METHODS):
        paginator._order_queryset = partial(_order, paginator)  # type: ignore[method-assign]
        paginator._find_position = partial(_find, paginator)  # type: ignore[method-assign]
        paginator._get_position = partial(_locate, paginator)  # type: ignore[method-assign]


def ordering_names(paginator: CursorPagination, queryset: Any) -> list[str] | None:
    """Return the model's columns that a position is made of, or None if one of them is another table's."""
    names = [name for name, _ in _markers(paginator)]
    if any("__" in name for name in names):
        return None
    annotations = getattr(getattr(queryset, "query", None), "annotations", {})
    return [name for name in names if name not in annotations]


def _markers(paginator: CursorPagination) -> Iterator[tuple[str, bool]]:
    for marker in paginator.ordering:
        yield marker.removeprefix("-"), marker.startswith("-")


def _order(paginator: CursorPagination, queryset: QuerySet[Any], cursor: Any) -> QuerySet[Any]:
    terms = _terms(paginator, queryset.model, queryset.query.annotations)
    if terms is None:
        return CursorPagination._order_queryset(paginator, queryset, cursor)
    # In the direction of the last column, so that an index of that column serves the key too.
    minus = "-" if terms[-1].descending else ""
    keys = [f"{minus}{term.name}" for term in terms[len(paginator.ordering) :]]
    order = (*paginator.ordering, *keys)
    # An async view cannot follow a relation of an item.
    related = {_alias(term.name): F(term.name) for term in terms if "__" in term.name}
    if related:
        queryset = queryset.annotate(**related)
    return queryset.order_by(*(paginator._reverse_order(order) if cursor.r else order))


def _locate(paginator: CursorPagination, item: Any) -> str:
    terms = _terms(paginator, type(item), vars(item)) if isinstance(item, Model) else None
    if terms is None:
        return CursorPagination._get_position(paginator, item)
    if len(terms) == 1:
        return CursorPagination._get_position(paginator, item)
    values = [getattr(item, _alias(term.name)) for term in terms]
    texts = [None if value is None else str(value) for value in values]
    return _OURS + json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _alias(name: str) -> str:
    """Return the attribute of an item that has the value of an ordering column, which may be another table's."""
    return f"cursor_{name.replace('__', '_')}" if "__" in name else name


def _find(paginator: CursorPagination, queryset: QuerySet[Any], cursor: Any) -> QuerySet[Any]:
    if cursor.p is None:
        return queryset
    terms = _terms(paginator, queryset.model, queryset.query.annotations)
    if terms is None:
        if cursor.p.startswith(_OURS):
            raise invalid_cursor()
        return CursorPagination._find_position(paginator, queryset, cursor)
    connection = connections[queryset.db]
    texts = _texts(cursor.p, len(terms))
    places = []
    for term, text in zip(terms, texts, strict=False):
        if text is None and not term.nullable:
            raise invalid_cursor()
        value = None if text is None else _parse(term.field, text, connection)
        ascending = term.descending == cursor.r
        after = _after(term, value, ascending, connection.features.nulls_order_largest)
        at = Q((f"{term.name}__isnull", True)) if value is None else Q((term.name, value))
        places.append((after, at))
    *outer, (after, at) = places
    condition = reduce(lambda inner, place: place[0] | (place[1] & inner), outer[::-1], after | at)
    if outer:
        # Implied by the rest, and what an index of the first column can serve.
        condition = (places[0][0] | places[0][1]) & condition
    return queryset.filter(condition)


def _after(term: _Term, value: Any, ascending: bool, nulls_are_largest: bool) -> Q:
    """The rows that come later than a value in the order of one column."""
    nulls_come_last = nulls_are_largest == ascending
    if value is None:
        return Q(pk__in=[]) if nulls_come_last else Q((f"{term.name}__isnull", False))
    later = Q((f"{term.name}__{'gt' if ascending else 'lt'}", value))
    return later | Q((f"{term.name}__isnull", True)) if term.nullable and nulls_come_last else later


def _texts(position: str, count: int) -> list[str | None]:
    if not position.startswith(_OURS):
        return [position]  # of a cursor that Ninja made
    try:
        texts = json.loads(position.removeprefix(_OURS))
    except (ValueError, RecursionError):
        raise invalid_cursor() from None
    fits = isinstance(texts, list) and len(texts) == count
    if not fits or not all(text is None or isinstance(text, str) for text in texts):
        raise invalid_cursor()
    return cast("list[str | None]", texts)


def _parse(field: Any, text: str, connection: Any) -> Any:
    """Return the value of a string of a position; refuse a value that cannot be compared with the column."""
    try:
        text.encode()
        value = field.to_python(text)
        if isinstance(field, DecimalField):
            format_number(value, field.max_digits, field.decimal_places)
        elif isinstance(field, GenericIPAddressField):
            ip_address(value)
        elif isinstance(value, datetime) and settings.USE_TZ and is_naive(value):
            raise ValueError("our own positions have a zone")
        stored = field.get_db_prep_value(value, connection)
    except (ArithmeticError, AttributeError, DjangoValidationError, TypeError, ValueError):
        raise invalid_cursor() from None
    refused = value is None or "\0" in text
    if isinstance(stored, float):
        refused |= not isfinite(stored)
    elif isinstance(stored, int):
        refused |= not -(2**63) <= stored < 2**63
    if refused:
        raise invalid_cursor()
    return value


def _terms(paginator: CursorPagination, model: Any, annotations: Any) -> list[_Term] | None:
    """Return the columns of the order and the keys that make it total; None if one cannot be compared."""
    terms: list[_Term] = []
    for given, descending in _markers(paginator):
        name = given if given in annotations else _column(model, given)
        found = _resolve(model, name, annotations)
        if found is None:
            return None
        terms.append(_Term(name, descending, *found))
    known = {term.name for term in terms}
    if not any(term.unique and not term.nullable for term in terms):
        terms += (
            _Term(key.attname, terms[-1].descending, _target(key), nullable=False, unique=True)
            for key in model._meta.pk_fields
            if not known & {key.name, key.attname}
        )
    return terms


def _column(model: Any, name: str) -> str:
    """Return the key's column for a relation that sorts by it: one to a model without an order of its own."""
    for field in model._meta.concrete_fields:
        if field.is_relation and field.name == name and not field.related_model._meta.ordering:
            return str(field.attname)
    return name


def _resolve(model: Any, name: str, annotations: Any) -> tuple[Any, bool, bool] | None:
    """Return the field that compares an ordering column's values, whether they may be NULL, and whether they are unique."""
    if name == "pk":
        keys = model._meta.pk_fields
        return (_target(keys[0]), False, True) if len(keys) == 1 else None
    nullable = False
    *path, last = name.split("__")
    try:
        for part in path:
            relation = model._meta.get_field(part)
            if not relation.is_relation or relation.one_to_many or relation.many_to_many:
                return None
            nullable |= relation.auto_created or relation.null
            model = relation.related_model
        field = model._meta.get_field(last)
    except FieldDoesNotExist:
        return _annotated(annotations[name]) if name in annotations else None
    if field.is_relation and last != getattr(field, "attname", field.name):
        return None  # it sorts by the order of the other table
    if field.get_internal_type() in _WITHOUT_ORDER:
        return None
    return _target(field), nullable or field.null, field.unique and not path


def _annotated(expression: Any) -> tuple[Any, bool, bool]:
    """The same for an annotation; of an item only the value is known, and no field is needed to write it."""
    return getattr(expression, "output_field", None), True, False


def _target(field: Any) -> Any:
    while field.is_relation:
        field = field.target_field
    return field
