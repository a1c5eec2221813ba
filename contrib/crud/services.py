"""Creates and updates many rows at once: all of them, or none and an error for each row that is refused."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import connections, router, transaction
from django.db.models import Model, QuerySet

from django_matt.contrib.crud.batches import Batch
from django_matt.contrib.crud.errors import RowError, RowsRefused
from django_matt.contrib.crud.schemas import AnyField, Kind, Reader, Row, maker
from django_matt.contrib.crud.settings import get_settings
from django_matt.errors.exceptions import PayloadTooLarge
from django_matt.scopes import narrowed

__all__ = [
    "abulk_create",
    "abulk_update",
    "bulk_create",
    "bulk_update",
    "check_size",
    "database_of",
    "lock",
]

M = TypeVar("M", bound=Model)


def bulk_create(
    model: type[M] | QuerySet[M], rows: Sequence[Row], *, values: Mapping[str, Any] | None = None
) -> list[M]:
    """Insert a row for each of ``rows`` and return the objects in their order.

    ``model`` is a model, or a queryset to choose the database. A row is a validated body or a dictionary. ``values``
    are set on every object and replace those of its row.

    Raises ``RowsRefused`` if the database refuses a row, and ``PayloadTooLarge`` for more than ``MAX_BULK_ROWS`` rows.
    In both cases nothing is written.
    """
    check_size(rows)
    queryset = model if isinstance(model, QuerySet) else model._default_manager.all()
    kind, using = queryset.model, database_of(queryset)
    fixed = Kind(kind, values or {}).values(values or {})
    reader = Reader(kind, rows)
    make = maker(kind)
    read = map(reader.values, rows)
    objects = [make(values | fixed) for values in read] if fixed else list(map(make, read))
    batch = Batch(kind, using, list(enumerate(objects)), reader)
    batch.write(queryset.using(using).bulk_create, kind._meta.concrete_fields)
    return objects


def bulk_update(
    queryset: QuerySet[M],
    rows: Sequence[Row],
    *,
    key: str = "pk",
    values: Mapping[str, Any] | None = None,
) -> list[M]:
    """Update the objects of ``queryset`` that ``rows`` name by ``key``, and return them in the order of the rows.

    Only the fields that a row sets are changed. ``key`` is a unique field. ``values`` are set on every object that a
    row changes. An object outside of ``queryset`` is treated as one that does not exist.

    Raises ``RowsRefused`` if a row is refused or its object is not found, and ``PayloadTooLarge`` for more than
    ``MAX_BULK_ROWS`` rows. In both cases nothing is written.
    """
    check_size(rows)
    model, using = queryset.model, database_of(queryset)
    by: Any = model._meta.pk if key == "pk" else model._meta.get_field(key)
    if by.column is None:
        raise TypeError(
            f"{model.__name__}.{key} has several columns: name a unique field with key="
        )
    reader = Reader(model, rows)
    keys, changes = _read_changes(rows, reader, by)
    fixed = Kind(model, values or {}).values(values or {})
    with transaction.atomic(using=using):
        found = lock(narrowed(queryset), using).in_bulk(keys, field_name=by.attname)
        if missing := [
            RowError(index, 404, "not_found", "There is no such object.", reader.sent_as(index, by))
            for index, value in enumerate(keys)
            if value not in found
        ]:
            raise RowsRefused(rows, missing)
        changed = [(index, found[value]) for index, value in enumerate(keys) if changes[index]]
        fields = {
            field
            for index, instance in changed
            for field in _change(instance, {**changes[index], **fixed})
        }
        if fields:
            names = [field.name for field in fields]
            write = partial(model._base_manager.using(using).bulk_update, fields=names)
            Batch(model, using, changed, reader).write(write, list(fields))
    return [found[value] for value in keys]


async def abulk_create(
    model: type[M] | QuerySet[M], rows: Sequence[Row], *, values: Mapping[str, Any] | None = None
) -> list[M]:
    """Do what ``bulk_create`` does, in one thread from the first statement to the last."""
    return await sync_to_async(bulk_create)(model, rows, values=values)


async def abulk_update(
    queryset: QuerySet[M],
    rows: Sequence[Row],
    *,
    key: str = "pk",
    values: Mapping[str, Any] | None = None,
) -> list[M]:
    """Do what ``bulk_update`` does, in one thread from the first statement to the last."""
    return await sync_to_async(bulk_update)(queryset, rows, key=key, values=values)


def check_size(rows: Sequence[Row]) -> None:
    most = get_settings().MAX_BULK_ROWS
    if len(rows) > most:
        raise PayloadTooLarge(
            f"The body has more than {most:,} rows.", code="too_many_rows", limit=most
        )


def database_of(queryset: QuerySet[Any]) -> str:
    chosen: Any = queryset
    return chosen._db or router.db_for_write(queryset.model, **chosen._hints)


def _read_changes(
    rows: Sequence[Row], reader: Reader, by: AnyField
) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the key and the changes of each row; refuse rows without a key, and rows with the same key."""
    keys: dict[Any, int] = {}
    changes: list[dict[str, Any]] = []
    errors: list[RowError] = []
    for index, row in enumerate(rows):
        kind = reader.kind(row)
        if any(column.field.primary_key and column.field is not by for column in kind.columns):
            raise TypeError(f"The primary key of {by.model.__name__} cannot be changed")
        given = kind.values(row, only_set=True)
        name = reader.sent_as(index, by)
        try:
            value = by.to_python(given.pop(by.attname, None))
        except ValidationError as odd:
            errors.append(RowError(index, 422, "invalid", " ".join(odd.messages), name))
            continue
        if value is None:
            errors.append(RowError(index, 422, "missing", f"{by.name} is required.", name))
        elif value in keys:
            message = f"The row at index {keys[value]} has the same {name}."
            errors.append(RowError(index, 422, "duplicate_key", message, name))
        else:
            keys[value] = index
        changes.append(given)
    if errors:
        raise RowsRefused(rows, errors)
    return list(keys), changes


def lock(queryset: QuerySet[M], using: str) -> QuerySet[M]:
    """Return the queryset with its rows locked. They are locked in one order, so that two requests cannot deadlock."""
    queryset = queryset.using(using).defer(None).order_by("pk")
    query = queryset.query
    windows = any(
        getattr(each, "contains_over_clause", False) for each in query.annotations.values()
    )
    if query.distinct or query.group_by is not None or windows:
        # Databases cannot lock rows of a DISTINCT, a GROUP BY or a window, so select their keys in a subquery.
        inner = queryset.order_by().values("pk")
        queryset = queryset.model._base_manager.using(using).filter(pk__in=inner).order_by("pk")
    can = connections[using].features.has_select_for_update_of
    return queryset.select_for_update(of=("self",) if can else ())


def _change(instance: Model, changes: dict[str, Any]) -> list[AnyField]:
    """Set values on an object as ``save()`` does, including ``auto_now``; return the fields to write."""
    fields = [
        field
        for field in instance._meta.concrete_fields
        if field.attname in changes or getattr(field, "auto_now", False)
    ]
    for field in fields:
        if field.attname in changes:
            setattr(instance, field.attname, changes[field.attname])
        setattr(instance, field.attname, field.pre_save(instance, add=False))
    return fields
