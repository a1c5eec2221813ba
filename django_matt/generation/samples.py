"""The source of objects and bodies for generated tests: the simplest value that each column accepts."""

import datetime
import json
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import NOT_PROVIDED, Field, Model

from django_matt.generation.names import manager_of, module_of
from django_matt.generation.orders import GenerationError
from django_matt.generation.templates import quoted

__all__ = ["Sampler"]

_FEWEST = 3
"""Objects may refer to objects that refer to objects; a ring of required keys has no end."""


class Sampler:
    """Writes values of one model. ``imports`` are the lines that they need."""

    def __init__(self, model: type[Model], *, for_forms: bool = False) -> None:
        """Take the model. ``for_forms`` gives an object a value for every field that a form requires."""
        self._model = model
        self._for_forms = for_forms
        self.imports: set[str] = set()
        self._count = 0

    def create(self) -> str:
        """Return an expression that creates an object, with those that it refers to."""
        return self._create(self._model, 0)

    def other(self, model: type[Model]) -> str:
        """Return an expression that creates an object of another model."""
        return self._create(model, 1)

    def json(self, name: str) -> str:
        """Return the expression of a value of a JSON body, by its name there."""
        field = self._field(name)
        if field.many_to_many:
            return "[]"
        if field.is_relation:
            target = field.target_field
            name = "pk" if target.primary_key else target.attname
            text = f"{self._create(field.related_model, 1)}.{name}"
            return text if target.get_internal_type() != "UUIDField" else f"str({text})"
        value = self._value(field)
        if isinstance(value, Decimal):
            return quoted(str(value))
        if isinstance(value, datetime.timedelta):
            return '"PT1H"'
        if isinstance(value, datetime.datetime):
            return quoted(f"{value:%Y-%m-%dT%H:%M:%SZ}")
        if isinstance(value, datetime.date | datetime.time):
            return quoted(value.isoformat())
        if isinstance(value, dict):
            return json.dumps(value)
        return quoted(str(value)) if isinstance(value, str) else repr(value)

    def is_plain(self, name: str) -> bool:
        """Return whether a value comes back as it was sent."""
        field = self._field(name)
        return not field.is_relation and isinstance(field, models.CharField | models.TextField)

    def _field(self, name: str) -> Any:
        for field in (*self._model._meta.concrete_fields, *self._model._meta.many_to_many):
            if name in {field.name, field.attname}:
                return field
        raise KeyError(name)

    def _create(self, model: type[Model], depth: int) -> str:
        if depth > _FEWEST:
            raise GenerationError(
                f"each {self._model.__name__} needs an object that needs another one, without end."
            )
        if model is not self._model:
            self.imports.add(f"from {module_of(model)} import {model.__name__}")
        arguments = []
        for field in model._meta.concrete_fields:
            is_asked = self._for_forms and not depth and _is_asked(field)
            if not (is_asked or _is_needed(field)):
                continue
            if field.is_relation:
                target: Any = field.related_model
                arguments.append(f"{field.name}={self._create(target, depth + 1)}")
            else:
                arguments.append(f"{field.name}={self._source(field)}")
        return f"{manager_of(model)}.create({', '.join(arguments)})"

    def _source(self, field: Any) -> str:
        value = self._value(field)
        if isinstance(value, Decimal):
            self.imports.add("from decimal import Decimal")
            return f"Decimal({value})"
        if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
            self.imports.add("import datetime")
            return repr(value).replace("datetime.timezone.utc", "datetime.UTC")
        if isinstance(value, dict):
            return json.dumps(value)
        return quoted(value) if isinstance(value, str) else repr(value)

    def _value(self, field: "Field[Any, Any]") -> Any:
        self._count += 1
        number = self._count
        choices = [value for value, _ in field.flatchoices if value not in {"", None}]
        if choices:
            value = choices[0]
            return str(value) if isinstance(value, str) else value
        texts = {
            models.EmailField: f"person{number}@example.com",
            models.URLField: f"https://example.com/{number}",
            models.SlugField: f"slug-{number}",
            models.FilePathField: "",
            models.FileField: f"file{number}.txt",
        }
        for kind, text in texts.items():
            if isinstance(field, kind):
                return text
        kind_name = field.get_internal_type()
        values: dict[str, Any] = {
            "BooleanField": True,
            "DateField": datetime.date(2026, 1, number % 28 + 1),
            "DateTimeField": datetime.datetime(2026, 1, number % 28 + 1, 12, tzinfo=datetime.UTC),
            "DecimalField": Decimal(1),
            "DurationField": datetime.timedelta(hours=1),
            "FloatField": float(number),
            "GenericIPAddressField": f"192.0.2.{number % 250 + 1}",
            "JSONField": {"key": "value"},
            "TimeField": datetime.time(12, number % 60),
            "UUIDField": f"00000000-0000-4000-8000-{number:012}",
            "BinaryField": b"bytes",
            "ArrayField": [],
            "HStoreField": {},
        }
        if kind_name in values:
            return values[kind_name]
        if kind_name in {"CharField", "TextField"}:
            length = field.max_length or 100
            return f"{field.name} {number}"[-length:].strip()
        return number


def _is_needed(field: Any) -> bool:
    """Return whether an object cannot be created without a value of a column that makes sense."""
    is_made = (
        field.auto_created
        or field.generated
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
    )
    if is_made or (field.remote_field and getattr(field.remote_field, "parent_link", False)):
        return False
    if field.has_default() or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED:
        return False
    return not field.null and not (field.blank and field.empty_strings_allowed)


def _is_asked(field: Any) -> bool:
    """Return whether a form requires a value of a column."""
    is_made = field.auto_created or field.generated or not field.editable
    is_free = field.blank or isinstance(field, models.BooleanField) or field.choices
    return (
        not is_made
        and not is_free
        and not (field.remote_field and getattr(field.remote_field, "parent_link", False))
    )
