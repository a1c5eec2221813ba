"""Chooses the fields, filters, search and order of a generated controller from a model."""

from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DecimalField,
    FileField,
    FilePathField,
    FloatField,
    GeneratedField,
    IntegerField,
    Model,
    TextField,
)

from django_matt.contrib.crud.fields import resolve

__all__ = ["Chosen", "choose"]

_SECRETS = ("password", "secret", "token", "api_key", "private_key")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Names of fields, as a ``CrudController`` takes them."""

    fields: list[str]
    filters: list[str]
    search: list[str]
    ordering: list[str]
    many: list[str]
    """The many-to-many fields."""
    written_many: list[str]
    """Those that clients write."""


def choose(model: type[Model]) -> Chosen:
    """Return what a controller of a model shows. Columns of bytes, and those that sound secret, are left out."""
    options = model._meta
    columns = [
        field
        for field in options.concrete_fields
        if not isinstance(field, BinaryField)
        and not any(each in field.name.lower() for each in _SECRETS)
    ]
    many = [field for field in options.many_to_many if type(field).__name__ != "GenericRelation"]
    parents = {
        field
        for field in columns
        if field.remote_field and getattr(field.remote_field, "parent_link", False)
    }
    own = [field for field in columns if not field.primary_key and field not in parents]
    texts = [
        field
        for field in own
        if isinstance(field, CharField | TextField) and not isinstance(field, FilePathField)
    ]
    filters: list[str] = []
    for field in own:
        if field.is_relation or isinstance(field, BooleanField) or field.choices:
            filters.append(field.name)
        elif isinstance(field, DateField):
            filters += [f"{field.name}__gte", f"{field.name}__lte"]
    fields: list[Any] = [*columns, *many]
    written = {
        shown.field
        for shown in resolve(model, [field.name for field in many], model.__name__)
        if shown.is_written()
    }
    return Chosen(
        fields=[field.name for field in fields],
        filters=[*filters, *(field.name for field in many)],
        search=[field.name for field in texts if not field.choices],
        ordering=[field.name for field in own if _is_ordered(field)],
        many=[field.name for field in many],
        written_many=[field.name for field in many if field in written],
    )


def _is_ordered(field: Any) -> bool:
    """Return whether people sort by a column: short texts, numbers and dates."""
    if field.is_relation or field.choices or isinstance(field, FileField | FilePathField):
        return False
    if isinstance(field, GeneratedField):
        field = field.output_field
    return isinstance(field, CharField | IntegerField | DecimalField | FloatField | DateField)
