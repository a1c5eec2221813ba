"""Inserts rows: by COPY on PostgreSQL, by ``bulk_create`` elsewhere, one by one where a model has several tables."""

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import Model, QuerySet

__all__ = ["insert"]

_BATCH = 1_000


def insert(
    model: type[Model],
    columns: dict[str, list[Any]],
    using: str,
    *,
    needs_keys: bool,
    size: int = 0,
) -> Sequence[Any]:
    """Insert rows and return their keys; with ``needs_keys`` false, they may be left out.

    ``columns`` has a list of values for each ``attname``. Without columns, ``size`` rows get a key and nothing else.
    """
    names = list(columns)
    rows: Any = zip(*columns.values(), strict=True) if columns else [()] * size
    if model._meta.parents:
        # Django cannot insert rows of several tables at once.
        made = [model(**dict(zip(names, row, strict=True))) for row in rows]
        for instance in made:
            instance.save(using=using, force_insert=True)
        return [instance.pk for instance in made]
    connection = connections[using]
    if columns and not needs_keys and connection.vendor == "postgresql" and _has_copy(connection):
        _copy(model, names, rows, connection)
        return ()
    table: QuerySet[Any] = QuerySet(model, using=using)
    objects = [model(**dict(zip(names, row, strict=True))) for row in rows]
    return [instance.pk for instance in table.bulk_create(objects, batch_size=_BATCH)]


def _has_copy(connection: Any) -> bool:
    connection.ensure_connection()
    return type(connection.connection).__module__.partition(".")[0] == "psycopg"


def _copy(model: type[Model], names: list[str], rows: Any, connection: Any) -> None:
    """Send the rows by PostgreSQL's COPY (psycopg 3)."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    written = [fields[name] for name in names]
    quote = connection.ops.quote_name
    place = ", ".join(quote(field.column) for field in written)
    prepare = [(index, field) for index, field in enumerate(written) if _is_prepared(field)]
    statement = f"COPY {quote(model._meta.db_table)} ({place}) FROM STDIN"
    # Django makes its own errors of those of execute(), and not of those of a COPY.
    errors = connection.wrap_database_errors
    with connection.cursor() as cursor, errors, cursor.copy(statement) as copy:
        write = copy.write_row
        if not prepare:
            for row in rows:
                write(row)
            return
        for row in rows:
            values = list(row)
            for index, field in prepare:
                values[index] = field.get_db_prep_save(values[index], connection)
            write(values)


_PLAIN = frozenset(
    {
        *("CharField", "TextField", "SlugField", "BooleanField", "FloatField", "UUIDField"),
        *("IntegerField", "BigIntegerField", "SmallIntegerField", "DateTimeField", "DateField"),
        *("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"),
        *("DecimalField", "TimeField", "DurationField"),
    }
)


def _is_prepared(field: Any) -> bool:
    """Whether Django changes values of a field before PostgreSQL's driver gets them."""
    while field.is_relation:
        field = field.target_field
    return field.get_internal_type() not in _PLAIN
