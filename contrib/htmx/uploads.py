"""Files that a page has sent, for the columns of a model."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Model

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

__all__ = ["set_file"]


def set_file(instance: Model, name: str, file: "UploadedFile[Any] | None") -> None:
    """Give an object a file that Django's form field accepts; without one, the object keeps what it has.

    An ``ImageField`` accepts only what Pillow can open. Raises Django's ``ValidationError`` for the field.
    """
    field: Any = instance._meta.get_field(name)
    try:
        found = field.formfield().clean(file, getattr(instance, name) or None)
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None
    if file is not None:
        setattr(instance, name, found)
