"""What a template gets: the data of the API, with dates and numbers as Python values, and the labels of choices."""

import types
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from django.utils.dateparse import parse_date, parse_datetime, parse_time
from pydantic import BaseModel, TypeAdapter

from django_matt.column_bounds import model_of
from django_matt.forms.schemas import humanize

__all__ = ["LabelledNumber", "LabelledText", "Reader", "reader_of"]

Reader = Callable[[Any], Any]

_TEXTS: dict[type, Reader] = {
    datetime: parse_datetime,
    date: parse_date,
    time: parse_time,
    # Pydantic writes years, which Django does not read.
    timedelta: TypeAdapter(timedelta).validate_python,
    Decimal: Decimal,
    UUID: UUID,
}


class LabelledText(str):
    """A text that is one of several choices: ``{{ data.colour }}`` is "red", and ``{{ data.colour.label }}`` is "Red"."""

    label: Any


class LabelledNumber(int):
    """A number that is one of several choices, with its ``label``."""

    label: Any


def reader_of(annotation: Any, _known: dict[Any, "_Object"] | None = None) -> Reader | None:
    """Return the function that reads the JSON data of a response; None if that data needs no change.

    A text that does not have the form of its type stays a text, as does a union of several types.
    """
    known = {} if _known is None else _known
    if annotation in _TEXTS:
        return _text(_TEXTS[annotation])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _object(annotation, known)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        labels = [(m.value, getattr(m, "label", humanize(f"{m.name}_"))) for m in annotation]
        return _labelled(labels)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return reader_of(arguments[0], known)
    if origin in (Union, types.UnionType):
        kinds = [each for each in arguments if each is not type(None)]
        return reader_of(kinds[0], known) if len(kinds) == 1 else None
    if isinstance(origin, type) and arguments:
        if issubclass(origin, AnyMapping):
            return _each_value(reader_of(arguments[-1], known))
        if origin is not tuple and (issubclass(origin, AnySequence | set | frozenset)):
            return _each(reader_of(arguments[0], known))
    return None


class _Object:
    """Reads the objects of one schema. A schema that contains itself finds it while it is made."""

    __slots__ = ("readers",)

    def __init__(self) -> None:
        self.readers: dict[str, Reader] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, dict):
            for name, read in self.readers.items():
                if value.get(name) is not None:
                    value[name] = read(value[name])
        return value


def _object(schema: type[BaseModel], known: dict[Any, _Object]) -> Reader | None:
    if schema in known:
        return known[schema]
    made = known[schema] = _Object()
    fields: dict[str, Any] = {**schema.model_fields, **schema.model_computed_fields}
    choices = _choices_of(schema)
    for name, field in fields.items():
        kind = getattr(field, "annotation", None) or getattr(field, "return_type", None)
        read = _labelled(choices.get(name, ())) or reader_of(kind, known)
        if read is not None:
            for key in {name, field.alias, getattr(field, "serialization_alias", None)} - {None}:
                made.readers[str(key)] = read
    return made if made.readers else None


def _choices_of(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the choices of a model's columns, each a list of values and labels."""
    model = model_of(schema)
    columns = () if model is None else model._meta.concrete_fields
    return {field.name: field.flatchoices for field in columns if field.choices}


def _labelled(choices: Any) -> Reader | None:
    """Return the function that gives a value its label; None if the values are neither texts nor numbers."""
    kinds = {str: LabelledText, int: LabelledNumber}
    known: dict[Any, Any] = {}

    def make(value: Any, label: Any) -> Any:
        kind = kinds.get(type(value))
        if kind is None:
            return value
        made: Any = kind(value)
        # It may be lazy: it is translated where it is shown.
        made.label = label
        return made

    for value, label in choices:
        plain = getattr(value, "value", value)
        known[plain] = make(plain, label)
    if not any(isinstance(each, LabelledText | LabelledNumber) for each in known.values()):
        return None

    def read(value: Any) -> Any:
        found = known.get(value) if type(value) in kinds else None
        # What is stored need not be one of the choices any more.
        return make(value, value) if found is None else found

    return read


def _text(parse: Reader) -> Reader:
    def read(value: Any) -> Any:
        try:
            found = parse(value) if isinstance(value, str) else value
        except (ValueError, ArithmeticError):
            return value
        return value if found is None else found

    return read


def _each(read: Reader | None) -> Reader | None:
    if read is None:
        return None
    return lambda values: [read(each) for each in values] if isinstance(values, list) else values


def _each_value(read: Reader | None) -> Reader | None:
    if read is None:
        return None
    return lambda values: (
        {key: read(each) for key, each in values.items()} if isinstance(values, dict) else values
    )
