"""Columns: how each is selected and written.

A column with a raw encoding (``raw_encodings``) is written by the compiled row writer as the driver gives it. Any other is
converted as Django's own ``values_list()`` would convert it, and written by the encoder. A value that validation would
change or refuse raises ``ValueMismatch``.
"""

import inspect
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import connections
from django.db.models.fields.files import (
    FieldFile,
    FileDescriptor,
    FileField,
    ImageFieldFile,
    ImageFileDescriptor,
)
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from django_matt.rows.drivers import composite_type
from django_matt.rows.raw_encodings import Column, Fragments, find_encoding, is_bounded, stored
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import KINDS, ValueMismatch

__all__ = ["column_of"]

_DESCRIPTORS = frozenset(
    {DeferredAttribute, ForeignKeyDeferredAttribute, FileDescriptor, ImageFileDescriptor}
)
_STR, _INT, _FLOAT, _BOOL, _UUID = (KINDS[name] for name in ("str", "int", "float", "bool", "uuid"))
_DATE = KINDS["date"]
# The kinds of which orjson writes the same text as Ninja, by the exact type that a value must have.
_WRITTEN: dict[int, type] = {
    _STR: str,
    _INT: int,
    _FLOAT: float,
    _BOOL: bool,
    _UUID: UUID,
    _DATE: date,
}
# An array of these can be split at its commas, because none of them has a comma in its text.
_NUMBERS = (_INT, _FLOAT, _BOOL)


def column_of(
    model: Any, field: Any, node: Any, using: str, encoder: Any, *, compiled: bool
) -> Column:
    """Return how to select and write a field, or raise ``TierUnavailable`` if rows cannot replace reading it.

    ``field`` is None for an annotation. ``model`` is None for the columns of ``values()``: no descriptor of the model's is then
    between the column and the value.
    """
    column = Column(_fragments_of(node, encoder))
    if field is None:
        return column
    # An attribute with a descriptor of the project's own can return anything, whatever is in the column.
    if model and type(inspect.getattr_static(model, field.attname, None)) not in _DESCRIPTORS:
        raise TierUnavailable(f"{field.name} is read through a custom descriptor")
    name, field = field.name, stored(field)
    composite = composite_type(field, connections[using])
    if composite is None and not type(field).__module__.startswith("django.db.models.fields"):
        raise TierUnavailable(
            f"{name}: rows do not know what a {type(field).__name__} makes of its column"
        )
    # An instance gives a file, of which Ninja writes the URL; values() gives its name.
    if isinstance(field, FileField) and model:
        return Column(_urls(field, column.prepare))
    if compiled and composite is not None:
        column.types = frozenset({composite})
    elif compiled:
        find_encoding(column, field, node, encoder, connections[using])
    return column


def _fragments_of(node: Any, encoder: Any) -> Callable[[list[Any]], Fragments]:
    """Return a function that writes a list of Python values as JSON, one fragment for each."""
    nullable = node.nullable
    bounded = is_bounded(node)
    encode = partial(encoder.encode, node)

    def prepare(values: list[Any]) -> Fragments:
        write: Callable[[Any], bytes]
        kinds = set(map(type, values))
        known = {_WRITTEN.get(node.kind), type(None)} if nullable else {_WRITTEN.get(node.kind)}
        # Three ways, the fastest that is safe: one orjson call for all numbers, one for each value, the encoder.
        if bounded or not kinds <= known:
            write = encode
        elif node.kind in _NUMBERS and len(kinds) == 1 and type(None) not in kinds:
            return list(orjson.dumps(values)[1:-1].split(b","))
        else:
            write = orjson.dumps
        return [None if value is None and nullable else write(value) for value in values]

    def guarded(values: list[Any]) -> Fragments:
        try:
            return prepare(values)
        except (encoder.ValueMismatch, orjson.JSONEncodeError):
            raise ValueMismatch(node.name) from None

    return guarded


def _urls(
    field: Any, prepare: Callable[[list[Any]], Fragments]
) -> Callable[[list[Any]], Fragments]:
    """Return a function that writes the URLs of files, given their names."""
    if field.attr_class not in (FieldFile, ImageFieldFile):
        raise TierUnavailable(f"{field.name}: {field.attr_class.__name__} is a custom file class")

    def urls(values: list[Any]) -> Fragments:
        try:
            found = [field.attr_class(None, field, name).url if name else None for name in values]
        except Exception:  # noqa: BLE001 - Ninja's own path meets it again and says what is wrong
            raise ValueMismatch("a file without a URL") from None
        return prepare(found)

    return urls
