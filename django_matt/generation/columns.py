"""Which fields of a model generated pages show, search and let people fill in."""

from typing import Any

from django.db.models import BooleanField, CharField, FileField, FilePathField, Model, TextField
from django.utils.html import escape
from django.utils.text import capfirst

__all__ = ["column_of", "columns_of", "editable_of", "escaped", "searched_of", "shown_of"]

_MOST_COLUMNS = 6


def editable_of(model: type[Model]) -> list[Any]:
    """Return the fields that people may fill in."""
    own = [
        f
        for f in model._meta.concrete_fields
        if f.editable and not f.auto_created and not f.generated
    ]
    own = [f for f in own if not (f.remote_field and getattr(f.remote_field, "parent_link", False))]
    related: list[Any] = list(model._meta.many_to_many)
    many = [f for f in related if f.editable and f.remote_field.through._meta.auto_created]
    return [*own, *many]


def searched_of(model: type[Model]) -> list[Any]:
    """Return the columns of text that a search looks in."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField)
        and not field.choices
        and not isinstance(field, FilePathField)
        and not field.primary_key
    ]


def shown_of(model: type[Model]) -> list[Any]:
    """Return the fields of a page of one object: no bytes, and nothing that sounds secret."""
    options = model._meta
    return [
        field for field in (*options.concrete_fields, *options.many_to_many) if _is_shown(field)
    ]


def columns_of(model: type[Model], *, files: bool = False) -> list[Any]:
    """Return the columns of a table: the first six that are short enough; with ``files``, those of files too."""
    fields: list[Any] = [
        field
        for field in model._meta.concrete_fields
        if _is_column(field) or (files and isinstance(field, FileField))
    ]
    return fields[:_MOST_COLUMNS]


def column_of(field: Any) -> dict[str, str]:
    """Return the label of a field, and what Django's templates write after ``object.`` to show its value."""
    value = f"get_{field.name}_display" if field.choices else field.name
    if isinstance(field, BooleanField) and not field.choices:
        value += '|yesno:"yes,no,"' if field.null else "|yesno"
    elif field.many_to_many:
        value += '.all|join:", "'
    elif field.null:
        value += '|default_if_none:""'
    return {"label": escaped(capfirst(getattr(field, "verbose_name", field.name))), "value": value}


def escaped(text: Any) -> str:
    """Return a text for a template: neither HTML nor tags of Django."""
    return escape(str(text)).replace("{", "&#123;").replace("}", "&#125;")


def _is_shown(field: Any) -> bool:
    is_parent = field.remote_field and getattr(field.remote_field, "parent_link", False)
    is_secret = "password" in field.name
    return (
        not is_parent
        and not is_secret
        and field.get_internal_type() != "BinaryField"
        and type(field).__name__ != "GenericRelation"
    )


def _is_column(field: Any) -> bool:
    is_long = isinstance(field, TextField | FileField) or field.get_internal_type() == "JSONField"
    return _is_shown(field) and not field.primary_key and not is_long
