"""Writes all rows by one statement. Only if the database refuses that, it searches for the rows that it refuses."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connections, transaction
from django.db.models import CharField, FileField, FilePathField, Model

from django_matt.contrib.crud.errors import RowError, RowsRefused
from django_matt.contrib.crud.explanations import Explainer
from django_matt.contrib.crud.schemas import AnyField, Reader
from django_matt.errors.databases import came_from_adapter
from django_matt.settings import get_settings

__all__ = ["Batch"]

M = TypeVar("M", bound=Model)
Part = list[tuple[int, M]]

_REFUSALS = (IntegrityError, DataError, ValidationError, ValueError, ArithmeticError)
_TEXTS = (CharField, FileField, FilePathField)


class Batch(Generic[M]):
    """Objects to write, each with the index of its row."""

    def __init__(self, model: type[M], using: str, objects: Part[M], reader: Reader) -> None:
        """Take the objects, and the reader of the rows that they were made from."""
        self._model = model
        self._using = using
        self._objects = objects
        self._reader = reader
        self._errors: list[RowError] = []

    def write(self, statement: Callable[[list[M]], Any], fields: Sequence[AnyField]) -> None:
        """Write all objects by one call of ``statement``; raise ``RowsRefused`` if values of ``fields`` are refused.

        Everything is in one transaction, which is rolled back if this raises.
        """
        self._find_long_texts(fields)
        self._refuse()
        references = [field for field in fields if _is_checked(field)]
        written = False
        try:
            # No savepoint inside: it would cost two more statements.
            with transaction.atomic(using=self._using):
                statement([instance for _, instance in self._objects])
                written = True
                self._check_references(references)
                self._refuse()
        except _REFUSALS as error:
            if written or not _is_refusal(error):
                raise
        if not written:
            with transaction.atomic(using=self._using):
                unchecked = self._search(statement)
                self._check_references(references)
                self._refuse(unchecked)

    def _refuse(self, unchecked: int = 0) -> None:
        if self._errors:
            raise RowsRefused(self._reader.rows, self._errors, unchecked=unchecked)

    def _find_long_texts(self, fields: Sequence[AnyField]) -> None:
        """Find texts that are too long: SQLite stores them, bulk_update() cuts them on PostgreSQL (ticket 33647)."""
        for field in fields:
            most = field.max_length if isinstance(field, _TEXTS) else None
            if most is None:
                continue
            read = attrgetter(field.attname)
            self._errors += [
                self._explainer(index, instance).too_long(field, most)
                for index, instance in self._objects
                # A default that the database makes is an expression until then.
                if (value := read(instance)) is not None
                and not hasattr(value, "resolve_expression")
                and len(str(value)) > most
            ]

    def _search(self, statement: Callable[[list[M]], Any]) -> int:
        """Write all objects; halve each part that is refused, until the refused part is one object.

        Parts that are accepted stay written, so that each row is checked against the rows before it. If another client
        deletes the row that was in the way, nothing is refused. The search ends after ``MAX_ERRORS`` errors; return how
        many objects were not tried.
        """
        most = get_settings().MAX_ERRORS
        pending = [self._objects]
        while pending and len(self._errors) < most:
            part = pending.pop()
            try:
                with transaction.atomic(using=self._using):
                    statement([instance for _, instance in part])
            except _REFUSALS as error:
                if not _is_refusal(error):
                    raise
                if len(part) == 1:
                    before = [each for each in self._objects if each[0] < part[0][0]]
                    self._errors += self._explainer(*part[0]).explain(error, before)
                else:
                    middle = len(part) // 2
                    pending += [part[middle:], part[:middle]]
        return sum(map(len, pending))

    def _check_references(self, fields: Sequence[Any]) -> None:
        """Find objects that refer to a row that does not exist. Most databases check this only at the commit."""
        connection = connections[self._using]
        if self._errors or connection.vendor == "sqlite":
            # SQLite's own check reads the whole table. Our query is enough: no other client can write now.
            self._find_orphans(fields)
        elif fields and connection.features.can_defer_constraint_checks:
            try:
                # This also locks the referred rows, so that they exist until the transaction ends.
                with transaction.atomic(using=self._using):
                    connection.check_constraints()
            except IntegrityError:
                self._find_orphans(fields)
                if not self._errors:
                    raise

    def _find_orphans(self, fields: Sequence[Any]) -> None:
        for field in fields:
            target = field.target_field
            wanted = {
                index: target.to_python(value)
                for index, instance in self._objects
                if (value := getattr(instance, field.attname)) is not None
            }
            there = target.model._base_manager.using(self._using).only(target.attname)
            found = set(there.in_bulk(set(wanted.values()), field_name=target.attname))
            if issubclass(self._model, target.model):
                found |= {getattr(instance, target.attname) for _, instance in self._objects}
            for index, instance in self._objects:
                if index in wanted and wanted[index] not in found:
                    self._errors.append(self._explainer(index, instance).orphan(field))

    def _explainer(self, index: int, instance: M) -> Explainer:
        columns, given = self._reader.at(index), self._reader.given(index)
        return Explainer(index, instance, columns, given, self._using)


def _is_checked(field: AnyField) -> bool:
    return getattr(field, "db_constraint", False)


def _is_refusal(error: Exception) -> bool:
    """Return whether the database refused a value; other exceptions are faults in the project's code."""
    return isinstance(error, IntegrityError | DataError | ValidationError) or came_from_adapter(
        error
    )
