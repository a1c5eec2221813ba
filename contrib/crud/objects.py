"""Writes one object from a validated body: its rules checked, its keys looked up, its many-to-many fields set."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Field, Model
from django.db.models.fields.files import FieldFile
from pydantic import BaseModel

from django_matt.contrib.crud.fields import aware, is_password
from django_matt.contrib.crud.schemas import AnyField, Kind
from django_matt.errors.exceptions import Conflict
from django_matt.errors.faults import TEXTS, say

__all__ = ["Changes", "save_object"]


class Changes:
    """What a body changes: the values of columns by ``attname``, and the keys of many-to-many fields."""

    def __init__(self, model: type[Model], body: BaseModel, fixed: Mapping[str, Any]) -> None:
        """Take the body, and values that replace those of the body."""
        kind, many = _kind_of(model, type(body))
        self.columns = kind.values(body, only_set=True)
        if fixed:
            self.columns |= Kind(model, fixed).values(fixed)
        sent = {name: getattr(body, name) for name in many if name in body.model_fields_set}
        if empty := [name for name, keys in sent.items() if keys is None]:
            # A schema of the project may accept it, as a column's null, which has the same answer.
            message = ValidationError(Field.default_error_messages["null"], code="null")
            raise ValidationError(dict.fromkeys(empty, message))
        self.many: dict[str, list[Any]] = {name: list(keys) for name, keys in sent.items()}
        self._names = {column.field.attname: column.sent_as for column in kind.columns}
        self._stored: list[FieldFile] = []

    def store_files(self, instance: Model) -> None:
        """Write the files of the body to their storages."""
        for name, value in self.columns.items():
            if isinstance(value, UploadedFile):
                file: FieldFile = getattr(instance, name)
                file.save(value.name or "", value, save=False)
                self._stored.append(file)

    def discard_files(self) -> None:
        """Delete what was stored for an object that is not saved."""
        while self._stored:
            file = self._stored.pop()
            file.storage.delete(str(file.name))

    def name_of(self, field: AnyField) -> str:
        """Return the name that the client knows a field by."""
        return self._names.get(field.attname, field.attname)


def save_object(
    instance: Model, changes: Changes, using: str, validate: Callable[[Any, list[str]], None]
) -> None:
    """Set the changes on an object and save it; its ``save()`` and its signals run.

    ``validate`` gets the object and the names of the fields that are not checked. Raises ``ValidationError`` for a value
    that breaks a rule of the model, and ``Conflict`` for a key of an object that does not exist.
    """
    for name, value in changes.columns.items():
        setattr(instance, name, value if type(value) is not datetime else aware(value))
    if "password" in changes.columns:
        _hash_password(instance)
    fields = instance._meta.concrete_fields
    unchecked = [
        field.name
        for field in fields
        if field.attname not in changes.columns
        or field.remote_field is not None
        or _may_be_empty(field, changes.columns[field.attname])
    ]
    validate(instance, unchecked)
    written = [field for field in fields if field.attname in changes.columns]
    lost = [*_lost_keys(instance, written, changes), *_lost_many(instance, changes, using)]
    if lost:
        _, text = TEXTS["foreign_key"]
        raise Conflict(say(text, lost), code="foreign_key", names=lost)
    # A new object must not replace another one that has its key, in none of its model's tables.
    of_key = {field for field in fields if field.primary_key}.union(instance._meta.pk_fields)
    is_new = instance._state.adding and not of_key.isdisjoint(written)
    changes.store_files(instance)
    options: dict[str, Any] = {"force_insert": (Model,)} if is_new else {}
    instance.save(using=using, **options)
    for name, keys in changes.many.items():
        getattr(instance, name).set(keys)


def _hash_password(instance: Any) -> None:
    """Replace the password of a user by its hash; raise ``ValidationError`` if the project's validators refuse it."""
    if is_password(instance._meta.get_field("password")):
        password = instance.password
        try:
            validate_password(password, instance)
        except ValidationError as error:
            raise ValidationError({"password": error}) from None
        instance.set_password(password)


def _may_be_empty(field: AnyField, value: Any) -> bool:
    """Whether a value is empty and accepted. ``blank`` is for forms, which send no null, no ``{}`` and no default."""
    if value is None:
        return field.null
    is_default = field.has_default() and value == field.get_default()
    return value in field.empty_values and (value != "" or is_default)


def _lost_keys(instance: Any, fields: Iterable[AnyField], changes: Changes) -> Iterable[str]:
    """Yield the names of foreign keys that refer to no object, or to one that the field does not accept."""
    for field in fields:
        value = getattr(instance, field.attname)
        if field.remote_field is not None and value is not None:
            try:
                field.validate(value, instance)
            except ValidationError:
                yield changes.name_of(field)


def _lost_many(instance: Model, changes: Changes, using: str) -> Iterable[str]:
    for name, keys in changes.many.items():
        target: Any = instance._meta.get_field(name).related_model
        known = target._base_manager.using(using).filter(pk__in=keys).values_list("pk", flat=True)
        if set(keys) - set(known):
            yield name


@lru_cache(maxsize=256)
def _kind_of(model: type[Model], schema: type[BaseModel]) -> tuple[Kind, list[str]]:
    """Return the columns that a schema writes, and the names of its many-to-many fields."""
    many = [
        name
        for name in schema.model_fields
        if any(field.name == name for field in model._meta.many_to_many)
    ]
    return Kind(model, [n for n in schema.model_fields if n not in many], schema), many
