"""Rows of a request onto the columns of a model."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from pydantic import BaseModel

__all__ = ["AnyField", "Column", "Kind", "Reader", "Row"]

AnyField: TypeAlias = "Field[Any, Any]"
Row: TypeAlias = BaseModel | Mapping[str, Any]
"""A validated body, or a dictionary by the names of the model's fields."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that rows of one kind write, and what the client calls it."""

    name: str
    sent_as: str
    field: AnyField
    refers: bool


def _columns_of(model: type[Model], row: Row) -> list[Column]:
    """Return the columns that a row of this kind writes, whether it sets them or not.

    Names are the model's: ``author``, ``author_id`` and ``pk`` are known. Raises ``TypeError`` where the model has no
    column of a name: that is for the project to mend, not for the client.
    """
    if isinstance(row, BaseModel):
        sent = {name: field.alias or name for name, field in type(row).model_fields.items()}
    else:
        sent = {name: name for name in row}
    found = {name: _field(model, name, row) for name in sent}
    return [
        Column(name, sent[name], field, field.remote_field is not None)
        for name, field in found.items()
    ]


def _field(model: type[Model], name: str, row: Row) -> AnyField:
    try:
        field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if field is None or not field.concrete or field.many_to_many or field.generated:
        why = "is many-to-many" if getattr(field, "many_to_many", False) else "is no column"
        if getattr(field, "generated", False):
            why = "is computed by the database"
        raise TypeError(
            f"{model.__name__}.{name} {why}: leave {name!r} out of {type(row).__name__}"
        )
    return field  # type: ignore[no-any-return]


def _stored(column: Column, value: Any) -> Any:
    """Return what the column of a foreign key holds, where the row has the object or ``{"id": …}`` instead."""
    target = column.field.target_field  # type: ignore[attr-defined]
    if isinstance(value, Model):
        return getattr(value, target.attname)
    if isinstance(value, Mapping):
        if len(value) != 1 or next(iter(value)) not in {target.name, target.attname, "pk"}:
            raise TypeError(f"{column.name!r} is a reference: it takes {target.name!r} alone")
        return next(iter(value.values()))
    return value


class Kind:
    """Rows of one kind: instances of one schema, or dictionaries with the same keys."""

    def __init__(self, model: type[Model], row: Row) -> None:
        """Work out of the first row what all of its kind write."""
        self.columns = _columns_of(model, row)
        self._names = {column.name for column in self.columns}
        # Then what a row holds is named as it is written.
        self._plain = all(
            column.name == column.field.attname and not column.refers for column in self.columns
        )
        self._dump: Callable[..., dict[str, Any]] | None = None
        if isinstance(row, BaseModel):
            cls = type(row)
            stock = cls.model_dump is BaseModel.model_dump
            # What the stock method calls, with fifteen keywords more.
            self._dump = cls.__pydantic_serializer__.to_python if stock else cls.model_dump

    def values(self, row: Any, *, only_set: bool = False) -> dict[str, Any]:
        """Return a row's values by the names that instances have them under; with ``only_set`` what the client sent.

        A default of ``None`` for a column that takes none is no value: so a ``ModelSchema`` says that a field is optional.
        """
        given = dict(row) if self._dump is None else self._dump(row, exclude_unset=only_set)
        if self._plain and None not in given.values() and given.keys() <= self._names:
            return given
        sent: Collection[str] = row.keys() if self._dump is None else row.model_fields_set
        values: dict[str, Any] = {}
        for column in self.columns:
            if column.name in given:
                value = given[column.name]
                if value is not None or column.field.null or column.name in sent:
                    values[column.field.attname] = (
                        _stored(column, value) if column.refers else value
                    )
        return values


class Reader:
    """What each row writes, worked out once for each kind of row."""

    def __init__(self, model: type[Model], rows: Sequence[Row]) -> None:
        """Take the rows as they were given."""
        self._model = model
        self.rows = rows
        self._known: dict[Any, Kind] = {}

    def kind(self, row: Row) -> Kind:
        """Return what rows of this one's kind write."""
        known = self._known.get(type(row))
        if known is None:
            key = tuple(row) if isinstance(row, Mapping) else type(row)
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = Kind(self._model, row)
        return known

    def values(self, row: Row) -> dict[str, Any]:
        """Return a row's values by the names that instances have them under."""
        return self.kind(row).values(row)

    def at(self, index: int) -> list[Column]:
        """Return what the row at an index writes."""
        return self.kind(self.rows[index]).columns

    def sent_as(self, index: int, field: AnyField) -> str | None:
        """Return what the row at an index calls a field."""
        return next((c.sent_as for c in self.at(index) if c.field is field), None)
