"""What columns tell about the fields of a ModelSchema: which are never null, and which values they have."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Field, FileField
from pydantic import BaseModel
from typing_extensions import Format, get_annotations

from django_matt.upstream import made_schemas, title_if_lower

__all__ = ["annotated", "columns_of", "enum_of", "is_never_null"]


def columns_of(schema: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the model's field of each field that Ninja made of a model's.

    Fields that the project annotates itself, or names in ``fields_optional``, are left out: there the project decides.
    """
    made = made_schemas()
    for name, info in schema.model_fields.items():
        key = made.get(_maker(schema, name, made))
        if key is None:
            continue
        model, optional = key[0], key[5]
        if optional == "__all__" or repr(name) in optional:
            continue
        for field in model._meta.get_fields():
            if field.name == name and isinstance(field, Field):
                # A custom field of ``create_schema`` has another title.
                if info.title == title_if_lower(str(field.verbose_name)):
                    yield name, field
                break


def is_never_null(field: Any) -> bool:
    """Tell whether no stored row answers null for a field; an empty file does."""
    return not field.null and not isinstance(field, FileField)


def enum_of(field: Any) -> list[Any]:
    """Return the values of a field with choices as JSON has them; none where they are neither text nor integers."""
    if not field.choices:
        return []
    found = [field.to_python(value) for value, _ in field.flatchoices if value is not None]
    values = [getattr(value, "value", value) for value in found]
    for kind in (str, int):
        if values and all(type(value) is kind for value in values):
            # A blank text is stored as "", which no choice needs to name.
            return list(dict.fromkeys([*values, ""] if kind is str and field.blank else values))
    return []


def annotated(cls: type) -> set[str]:
    """Return the names that a class annotates itself, without its bases."""
    return set(get_annotations(cls, format=Format.FORWARDREF))


def _maker(schema: type[BaseModel], name: str, made: dict[Any, Any]) -> Any:
    """Return the class by which Ninja gave the schema its field, None if the project annotated it."""
    for cls in schema.__mro__:
        if cls in made:
            # Ninja derives the class that it makes from the one that the project wrote.
            return None if name in annotated(cls.__mro__[1]) else cls
        if name in annotated(cls):
            return None
    return None
