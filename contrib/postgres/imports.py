"""``copy_in``: the rows of a CSV or of JSON Lines into a table, by COPY into a staging table, in one transaction."""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DataError, Error, IntegrityError, connections, router, transaction
from django.db.models import Model
from django.http import HttpRequest
from ninja import Schema

from django_matt.contrib.postgres.errors import RowRefused
from django_matt.contrib.postgres.settings import get_settings
from django_matt.errors.columns import refused_fields
from django_matt.errors.databases import violation_of
from django_matt.errors.faults import TEXTS, say
from django_matt.imported_rows import read_batches

__all__ = ["acopy_in", "copy_in"]

_numbers = count(1)
_LINE = re.compile(r", \D*(\d+)")
_TOO_GREAT = "A value is out of range, or contains characters that cannot be stored."


def copy_in(
    request: HttpRequest,
    model: type[Model],
    schema: type[Schema],
    *,
    values: Mapping[str, Any] | None = None,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
) -> int:
    """Write the rows of a request's body, and return how many were inserted or updated.

    Each row is validated by ``schema``, whose fields are fields of the model. ``values`` are set in every row, such as the
    owner. If a row has the same values of the ``unique`` fields as a stored one, its ``update`` fields are written into that
    row; without ``update`` it is left out. The model's defaults apply, its ``save()`` and signals do not.

    Raises Ninja's ``ValidationError`` or ``RowRefused`` with the number of the row, from 0. Then nothing is written.
    """
    using = router.db_for_write(model)
    stage = _Stage(model, schema, using, values=values or {}, unique=unique, update=update)

    def from_csv(row: dict[str, str]) -> dict[str, Any]:
        return {
            name: None if not text and name in stage.nullable else text
            for name, text in row.items()
        }

    with transaction.atomic(using=using):
        stage.create()
        most = get_settings().MAX_IMPORT_ROWS
        for start, rows in read_batches(request, schema, most=most, from_csv=from_csv):
            stage.add(start, rows)
        return stage.insert()


async def acopy_in(
    request: HttpRequest, model: type[Model], schema: type[Schema], **options: Any
) -> int:
    """Do the same on an async route; the options are those of ``copy_in``."""
    return await sync_to_async(copy_in)(request, model, schema, **options)


class _Stage:
    """A temporary table with the columns of a model, and a number for each row."""

    def __init__(
        self,
        model: type[Model],
        schema: type[Schema],
        using: str,
        *,
        values: Mapping[str, Any],
        unique: Sequence[str],
        update: Sequence[str],
    ) -> None:
        meta = model._meta
        if meta.parents:
            raise TypeError(f"copy_in cannot write {model.__name__}: it has several tables")
        self._model = model
        self._connection: Any = connections[using]
        self._values = values
        self._known: dict[str, Any] = {f.name: f for f in meta.concrete_fields} | {
            f.attname: f for f in meta.concrete_fields
        }
        given = {*schema.model_fields, *values}
        unknown = sorted({*given, *unique, *update} - set(self._known))
        if unknown:
            raise TypeError(f"{model.__name__} has no column {', '.join(unknown)}")
        self._names = {self._known[name]: name for name in schema.model_fields}
        written = {self._known[name] for name in given}
        # Keys and values that the database makes itself are left to it.
        self._fields = [
            field
            for field in meta.concrete_fields
            if field in written
            or not (field.generated or field.has_db_default() or field is meta.auto_field)
        ]
        self._unique = [self._known[name] for name in unique]
        self._update = [self._known[name] for name in update]
        self.nullable = {
            key
            for name, each in schema.model_fields.items()
            if self._known[name].null
            for key in (name, each.alias or name)
        }
        self._count = 0
        quote = self._connection.ops.quote_name
        self._quote = quote
        self._stage = quote(f"matt_import_{next(_numbers)}")
        self._table = quote(meta.db_table)
        self._columns = ", ".join(quote(str(field.column)) for field in self._fields)

    def create(self) -> None:
        """Create the table for this transaction: with the types of the columns, and without their rules."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMPORARY TABLE {self._stage} ON COMMIT DROP AS "  # noqa: S608 - quoted names
                f"SELECT 0::bigint AS matt_row, {self._columns} FROM {self._table} WHERE false"
            )

    def add(self, start: int, rows: Sequence[Any]) -> None:
        """Copy a batch of rows into the table."""
        prepared = [(start + index, *self._prepare(row)) for index, row in enumerate(rows)]
        self._count = start + len(rows)
        statement = f"COPY {self._stage} (matt_row, {self._columns}) FROM STDIN"
        try:
            with (
                self._connection.wrap_database_errors,
                self._connection.cursor() as cursor,
                cursor.copy(statement) as copy,
            ):
                for values in prepared:
                    copy.write_row(values)
        except DataError as error:
            context = getattr(getattr(error.__cause__, "diag", None), "context", None)
            line = _LINE.search(context or "")
            number = start + (int(line[1]) - 1 if line else 0)
            raise RowRefused(number, 422, "unstorable_value", _TOO_GREAT) from error

    def _prepare(self, row: Any) -> list[Any]:
        """Return what the columns of one row store: its values, and the model's defaults."""
        given = {
            field.attname if not isinstance(value, Model) else field.name: value
            for name, value in (
                {name: getattr(row, name) for name in type(row).model_fields} | dict(self._values)
            ).items()
            for field in (self._known[name],)
        }
        instance = self._model(**given)
        return [
            field.get_db_prep_save(field.pre_save(instance, True), self._connection)
            for field in self._fields
        ]

    def insert(self) -> int:
        """Insert the rows, halving what is refused until it is one row; return how many were written."""
        if self._update:
            self._refuse_repeated()
        written, pending = 0, [(0, self._count)]
        while pending:
            low, high = pending.pop()
            if low == high:
                continue
            try:
                with transaction.atomic(using=self._connection.alias):
                    written += self._insert(low, high)
            except (IntegrityError, DataError) as error:
                if high - low == 1:
                    raise self._refusal(low, error) from error
                middle = (low + high) // 2
                pending += [(middle, high), (low, middle)]
        return written

    def _insert(self, low: int, high: int) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self._table} ({self._columns}) SELECT {self._columns} FROM {self._stage} "  # noqa: S608
                f"WHERE matt_row >= %s AND matt_row < %s ORDER BY matt_row {self._on_conflict()}",
                [low, high],
            )
            written: int = cursor.rowcount
        # Foreign keys are checked at the end of a transaction otherwise.
        self._connection.check_constraints()
        return written

    def _on_conflict(self) -> str:
        if not self._unique:
            return ""
        target = ", ".join(self._quote(field.column) for field in self._unique)
        if not self._update:
            return f"ON CONFLICT ({target}) DO NOTHING"
        columns = [self._quote(field.column) for field in self._update]
        changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
        return f"ON CONFLICT ({target}) DO UPDATE SET {changes}"

    def _refuse_repeated(self) -> None:
        """Refuse a row that would update what an earlier row has written."""
        target = ", ".join(self._quote(field.column) for field in self._unique)
        with self._connection.cursor() as cursor:
            cursor.execute(
                f"SELECT min(matt_row) FROM (SELECT matt_row, row_number() OVER "  # noqa: S608
                f"(PARTITION BY {target} ORDER BY matt_row) AS place FROM {self._stage}) AS numbered WHERE place > 1"
            )
            found = cursor.fetchone()[0]
        if found is not None:
            names = [self._names[field] for field in self._unique if field in self._names]
            message = f"An earlier row has the same {', '.join(names)}."
            raise RowRefused(found, 409, "unique", message)

    def _refusal(self, number: int, error: Error) -> RowRefused:
        if isinstance(error, DataError):
            return RowRefused(number, 422, "unstorable_value", _TOO_GREAT)
        violation = violation_of(error)
        status, text = TEXTS[violation.kind]
        fields = refused_fields(violation, self._model)
        names = [self._names[field] for field in fields if field in self._names]
        if not names:
            return RowRefused(number, status, violation.kind, "The database refused the row.")
        name = names[0] if len(names) == len(fields) == 1 else None
        return RowRefused(number, status, violation.kind, say(text, names), name)
