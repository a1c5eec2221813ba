"""Corrects the type of foreign keys with ``to_field`` in a ``ModelSchema``.

Ninja gives such a field the type of the other table's primary key, but the column has the values of another one. The type
is corrected in the schema class, so that responses, requests and the OpenAPI document agree. A field that you declare
yourself stays as it is.
"""

from typing import Any, Union, get_args
from weakref import WeakSet

from django.apps import apps
from django.db.models import ForeignKey, Model
from pydantic import BaseModel

from django_matt import upstream
from django_matt.serialization.getters import models_in

__all__ = ["model_of", "type_foreign_keys"]

# The classes that were corrected. A schema that contains one may have been built before that, and must be built again.
_corrected: WeakSet[type[BaseModel]] = WeakSet()
# The classes that need nothing more: a request may be using them, so they are not built again.
_settled: WeakSet[type[BaseModel]] = WeakSet()


def type_foreign_keys(model: type[BaseModel]) -> None:
    """Give the foreign keys of all schemas in a model the types of the columns that they refer to."""
    if upstream.lost("keys") is not None:
        return
    if model in _settled:
        return
    found: list[Any] = list(dict.fromkeys(models_in(upstream.core_schema_of(model))))
    for cls in found:
        _retype(cls)
    if not _corrected.isdisjoint(found):
        # The core schema of a class contains those of its fields' classes: these come first.
        for cls in reversed(found):
            if cls not in _settled:
                cls.model_rebuild(force=True)
    _settled.update(found)


def _retype(cls: Any) -> None:
    """Correct the fields that Ninja made of a model's columns."""
    model = model_of(cls)
    for column in () if model is None else model._meta.concrete_fields:
        field = cls.model_fields.get(column.name)
        # Ninja sets a title on a field that it makes of a column; without one it is the user's own.
        if field is None or field.title is None or not isinstance(column, ForeignKey):
            continue
        given, right = _type(column.related_model._meta.pk), _type(column.target_field)
        if given is right:
            continue
        if field.annotation is given:
            field.annotation = right
        elif set(get_args(field.annotation)) == {given, type(None)}:
            field.annotation = Union[right, None]  # noqa: UP007 - a type of the run time
        else:
            continue
        _corrected.add(cls)


def _type(column: Any) -> Any:
    """Return the type that Ninja gives a column, or a key to it."""
    while column.is_relation:
        column = column.target_field
    return upstream.TYPES.get(column.get_internal_type(), int)


def model_of(cls: Any) -> type[Model] | None:
    """Return the model that a schema was made from, by ``ModelSchema`` or by ``create_schema``."""
    model = getattr(getattr(cls, "Meta", None), "model", None)
    if isinstance(model, str):
        model = apps.get_model(model)
    if isinstance(model, type) and issubclass(model, Model):
        return model
    return next(
        (key[0] for key, made in upstream.model_schemas().items() if issubclass(cls, made)), None
    )
