"""Maps the rows of a request to the columns of a model."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.db.models import DEFERRED, Field, Model
from django.db.models.signals import pre_init
from ninja import Schema
from pydantic import BaseModel

from django_matt.upstream import core_schema_of

__all__ = ["AnyField", "Column", "Imported", "Kind", "Reader", "Row", "maker"]

M = TypeVar("M", bound=Model)
AnyField: TypeAlias = "Field[Any, Any]"
Row: TypeAlias = BaseModel | Mapping[str, Any]
"""A validated body, or a dictionary whose keys are names of the model's fields."""

_PLAIN = frozenset({str, int, float, bool, bytes, datetime, date, time, timedelta, Decimal, UUID})
_SERIALIZERS = frozenset({"serialization", "serialization_exclude", "serialization_exclude_if"})


class Imported(Schema):
    """What an import has done."""

    created: int
    """How many objects were created."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that rows of one kind write, with the name that the client uses for it."""

    name: str
    sent_as: str
    field: AnyField
    refers: bool


def _field(model: type[Model], name: str, owner: str) -> AnyField:
    try:
        field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if field is None or not field.concrete or field.many_to_many or field.generated:
        why = "is many-to-many" if getattr(field, "many_to_many", False) else "is not a column"
        if getattr(field, "generated", False):
            why = "is computed by the database"
        raise TypeError(f"{model.__name__}.{name} {why}: leave {name!r} out of {owner}")
    return field  # type: ignore[no-any-return]


def _stored(column: Column, value: Any) -> Any:
    """Return the value for the column of a foreign key, of which a row may have the object or ``{"id": …}``."""
    target = column.field.target_field  # type: ignore[attr-defined]
    if isinstance(value, Model):
        return getattr(value, target.attname)
    if isinstance(value, Mapping):
        if len(value) != 1 or next(iter(value)) not in {target.name, target.attname, "pk"}:
            raise TypeError(
                f"{column.name!r} is a foreign key: its object may contain only {target.name!r}"
            )
        return next(iter(value.values()))
    return value


class Kind:
    """The columns that rows of one kind can write. A kind is a schema, or dictionaries with the same keys.

    The names are those of the model; a foreign key may be ``author`` or ``author_id``, and the primary key ``pk``.
    """

    def __init__(
        self, model: type[Model], names: Iterable[str], schema: type[BaseModel] | None = None
    ) -> None:
        """Raise ``TypeError`` if the model has no column for a name. It is a fault of the project, not of the client."""
        owner = "dict" if schema is None else schema.__name__
        fields = {name: _field(model, name, owner) for name in names}
        aliases = {} if schema is None else {k: v.alias for k, v in schema.model_fields.items()}
        self.columns = [
            Column(name, aliases.get(name) or name, field, field.remote_field is not None)
            for name, field in fields.items()
        ]
        self._schema = schema
        # If all names are those of columns and no serializer changes a value, a dump is not needed.
        same = all(
            name == field.attname and not field.remote_field for name, field in fields.items()
        )
        core = None if schema is None else core_schema_of(schema)
        self._names = frozenset(fields) if same and not _has_serializer(core) else None

    def values(self, row: Any, *, only_set: bool = False) -> dict[str, Any]:
        """Return the values of a row by the names of the model's attributes; with ``only_set``, those that were sent.

        A default of ``None`` is left out if the column does not allow NULL. An optional field of a ``ModelSchema`` has
        such a default, and the model's own default is then used.
        """
        held = row if self._schema is None else row.__dict__
        if (
            not only_set
            and held.keys() == self._names
            and _PLAIN.issuperset(map(type, held.values()))
        ):
            return dict(held)
        given = row if self._schema is None else row.model_dump(exclude_unset=only_set)
        sent: Collection[str] = row.keys() if self._schema is None else row.model_fields_set
        values: dict[str, Any] = {}
        for column in self.columns:
            if column.name in given:
                value = given[column.name]
                if value is not None or column.field.null or column.name in sent:
                    values[column.field.attname] = (
                        _stored(column, value) if column.refers else value
                    )
        return values


def _has_serializer(node: Any) -> bool:
    """Return whether a core schema contains a serializer, which changes values in a dump."""
    if isinstance(node, dict):
        return not _SERIALIZERS.isdisjoint(node) or any(map(_has_serializer, node.values()))
    return isinstance(node, list | tuple) and any(map(_has_serializer, node))


@lru_cache(maxsize=256)
def _of_schema(model: type[Model], schema: type[BaseModel]) -> Kind:
    return Kind(model, schema.model_fields, schema)


def maker(model: type[M]) -> Callable[[dict[str, Any]], M]:
    """Return a function that makes an object as ``model(**values)`` does, from values by ``attname``.

    Django sets values that are given by position in half of the time. They are given by name where code of the project
    sees how: a model's own ``__init__()``, or a receiver of ``pre_init``.
    """
    init: Any = model.__init__
    if init is not Model.__init__ or pre_init.has_listeners(model):
        return lambda values: model(**values)
    columns = [
        (field.attname, _nothing if field.generated else field.get_default)
        for field in model._meta.concrete_fields
    ]

    def make(values: dict[str, Any]) -> M:
        return model(*[values[name] if name in values else default() for name, default in columns])

    return make


def _nothing() -> Any:
    return DEFERRED


class Reader:
    """Reads rows. What a kind of row writes is computed once."""

    def __init__(self, model: type[Model], rows: Sequence[Row]) -> None:
        """Take the rows of the request."""
        self._model = model
        self.rows = rows
        self._known: dict[Any, Kind] = {}

    def kind(self, row: Row) -> Kind:
        """Return the kind of a row."""
        known = self._known.get(type(row))
        if known is None:
            key = tuple(row) if isinstance(row, Mapping) else type(row)
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = (
                    _of_schema(self._model, type(row))
                    if isinstance(row, BaseModel)
                    else Kind(self._model, row)
                )
        return known

    def values(self, row: Row) -> dict[str, Any]:
        """Return the values of a row by the names of the model's attributes."""
        return (self._known.get(type(row)) or self.kind(row)).values(row)

    def at(self, index: int) -> list[Column]:
        """Return the columns that the row at an index may write."""
        return self.kind(self.rows[index]).columns

    def given(self, index: int) -> list[AnyField]:
        """Return the fields that the row at an index sets."""
        row = self.rows[index]
        names = row.keys() if isinstance(row, Mapping) else row.model_fields_set
        return [column.field for column in self.at(index) if column.name in names]

    def sent_as(self, index: int, field: AnyField) -> str | None:
        """Return the name that the row at an index uses for a field; None if it cannot write the field."""
        return next((c.sent_as for c in self.at(index) if c.field is field), None)
