"""One statement for all rows; only where the database refuses it, a search for the rows that it refuses."""

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
        """Take the objects, and what reads the rows that they were made of."""
        self._model = model
        self._using = using
        self._objects = objects
        self._reader = reader
        self._errors: list[RowError] = []

    def write(self, statement: Callable[[list[M]], Any], fields: Sequence[AnyField]) -> None:
        """Write all objects by one call of ``statement``; raise ``RowsRefused`` where these ``fields`` are refused.

        It is all in one transaction, which is rolled back where this raises.
        """
        self._find_long_texts(fields)
        self._refuse()
        references = [field for field in fields if _is_checked(field)]
        written = False
        try:
            # Without a savepoint of its own, which costs two more statements.
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
        """Look for what SQLite would keep, and Django's bulk_update() would cut on PostgreSQL (ticket 33647)."""
        for field in fields:
            most = field.max_length if isinstance(field, _TEXTS) else None
            if most is None:
                continue
            read = attrgetter(field.attname)
            self._errors += [
                self._explainer(index, instance).too_long(field, most)
                for index, instance in self._objects
                if (value := read(instance)) is not None and len(str(value)) > most
            ]

    def _search(self, statement: Callable[[list[M]], Any]) -> int:
        """Write all objects, else halve them until those that are refused stand alone; return how many nobody tried.

        The database is the judge throughout: what is not refused stays written, so that a row meets the ones before
        it, and where another client's row goes away meanwhile nothing is refused after all. It ends at ``MAX_ERRORS``.
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
        """Find the objects that refer to a row that does not exist, which most databases notice at the end only."""
        connection = connections[self._using]
        if self._errors or connection.vendor == "sqlite":
            # SQLite's own check reads the whole table; having written, we hold its only lock.
            self._find_orphans(fields)
        elif fields and connection.features.can_defer_constraint_checks:
            try:
                # This locks what is referred to: it stays until the transaction ends.
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
    """Tell what the database says of a value from a fault of the project's code."""
    return isinstance(error, IntegrityError | DataError | ValidationError) or came_from_adapter(
        error
    )
