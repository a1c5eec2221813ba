"""Rows of a request onto the columns of a model."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from pydantic import BaseModel

__all__ = ["AnyField", "Column", "Reader", "Row", "columns_of", "values_of"]

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


def columns_of(model: type[Model], row: Row) -> list[Column]:
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
    if field is None or not field.concrete or field.many_to_many:
        why = "is many-to-many" if getattr(field, "many_to_many", False) else "is no column"
        raise TypeError(
            f"{model.__name__}.{name} {why}: leave {name!r} out of {type(row).__name__}"
        )
    return field  # type: ignore[no-any-return]


def values_of(row: Row, columns: list[Column], *, only_set: bool = False) -> dict[str, Any]:
    """Return a row's values by the names that instances have them under; with ``only_set`` what the client sent.

    A default of ``None`` for a column that takes none is no value: so a ``ModelSchema`` says that a field is optional.
    """
    if isinstance(row, BaseModel):
        given: Mapping[str, Any] = row.model_dump(exclude_unset=only_set)
        sent: Collection[str] = row.model_fields_set
    else:
        given, sent = row, row.keys()
    values: dict[str, Any] = {}
    for column in columns:
        if column.name in given:
            value = given[column.name]
            if value is not None or column.field.null or column.name in sent:
                values[column.field.attname] = _stored(column, value) if column.refers else value
    return values


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


class Reader:
    """The columns of each row, worked out once for each kind of row."""

    def __init__(self, model: type[Model], rows: Sequence[Row]) -> None:
        """Take the rows as they were given."""
        self._model = model
        self.rows = rows
        self._known: dict[Any, list[Column]] = {}

    def columns(self, row: Row) -> list[Column]:
        """Return what rows of this kind write."""
        kind = tuple(row) if isinstance(row, Mapping) else type(row)
        if kind not in self._known:
            self._known[kind] = columns_of(self._model, row)
        return self._known[kind]

    def at(self, index: int) -> list[Column]:
        """Return what the row at an index writes."""
        return self.columns(self.rows[index])

    def sent_as(self, index: int, field: AnyField) -> str | None:
        """Return what the row at an index calls a field."""
        return next((c.sent_as for c in self.at(index) if c.field is field), None)
