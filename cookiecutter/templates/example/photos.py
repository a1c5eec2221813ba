"""Photos of items: what is accepted, and when a file is deleted."""

from functools import partial
from typing import Annotated
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django_matt import UploadedFile
from django_matt.errors.exceptions import PayloadTooLarge
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from {{ cookiecutter.app_name }}.models import Item

MOST_BYTES = 5_000_000
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def check_photo(file: UploadedFile) -> UploadedFile:
    """Refuse what is no image that every browser shows. What the client says about the file does not count."""
    if (file.size or 0) > MOST_BYTES:
        raise PayloadTooLarge(f"A photo has at most {MOST_BYTES // 1_000_000} MB.")
    try:
        # Pillow opens it, as in Django's forms.
        kind = getattr(forms.ImageField().to_python(file), "content_type", "")
    except ValidationError:
        kind = ""
    if kind not in SUFFIXES:
        raise PydanticCustomError("photo", "This is no image. Choose a JPEG, a PNG or a WebP.")
    file.name = f"{uuid4().hex}.{SUFFIXES[kind]}"
    return file


Photo = Annotated[UploadedFile, AfterValidator(check_photo)]
"""A file that a client has sent, and that is a photo."""


def store_photo(item: Item, photo: UploadedFile | None) -> Item:
    """Give the item another photo, or none, and delete the file of the one that it has."""
    old = item.photo
    item.photo = photo
    item.save(update_fields=["photo", "updated"])
    delete_photo(old)
    return item


def delete_photo(photo: FieldFile) -> None:
    """Delete the file, if there is one, when its row is no longer stored."""
    if photo.name:
        transaction.on_commit(partial(photo.storage.delete, photo.name))
