"""A form of Django for a schema: its fields have Unfold's widgets, and the schema alone validates."""

import enum
import types
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

__all__ = ["choices_of", "form_of", "plain_type"]

_INPUTS = {int: "number", date: "date", datetime: "datetime-local"}


def form_of(schema: type[BaseModel]) -> type[forms.Form]:
    """Return the form; after ``is_valid()``, its ``value`` is an instance of the schema."""
    fields = {name: _field(name, info) for name, info in schema.model_fields.items()}

    def clean(self: Any) -> Any:
        given = {}
        for name, info in schema.model_fields.items():
            value = self.cleaned_data.get(name)
            # An empty input is no value, so that the default applies, or the schema says that it is required.
            if value not in (None, "", []) or plain_type(info.annotation) is bool:
                given[info.alias or name] = value
        try:
            self.value = schema.model_validate(given)
        except ValidationError as error:
            by_alias = {info.alias or name: name for name, info in schema.model_fields.items()}
            for each in error.errors(include_url=False):
                place = by_alias.get(str(each["loc"][0])) if each["loc"] else None
                self.add_error(place, each["msg"].removeprefix("Value error, "))
        return self.cleaned_data

    return type(f"{schema.__name__}Form", (forms.Form,), {**fields, "clean": clean, "value": None})


def choices_of(annotation: Any) -> list[tuple[str, str]]:
    """Return the values that a type accepts, each with its label; empty if there is no list of them."""
    kind = plain_type(annotation)
    if get_origin(kind) is Literal:
        return [(str(each), str(each)) for each in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [
            (str(each.value), str(getattr(each, "label", each.name.replace("_", " ").capitalize())))
            for each in kind
        ]
    return []


def plain_type(annotation: Any) -> Any:
    """Return a type without ``None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [each for each in get_args(annotation) if each is not type(None)]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def _field(name: str, info: FieldInfo) -> forms.Field:
    kind = plain_type(info.annotation)
    default = info.get_default(call_default_factory=False)
    shared: dict[str, Any] = {
        "label": info.title or name.replace("_", " ").capitalize(),
        "help_text": info.description or "",
        # The schema checks, so that both say the same.
        "required": False,
        "initial": None if default is PydanticUndefined else default,
    }
    if kind is bool:
        return forms.BooleanField(widget=UnfoldBooleanWidget(), **shared)
    if choices := choices_of(kind):
        if isinstance(shared["initial"], enum.Enum):
            shared["initial"] = shared["initial"].value
        choices = choices if info.is_required() else [("", "-"), *choices]
        return forms.Field(widget=UnfoldAdminSelectWidget(choices=choices), **shared)
    if get_origin(kind) in (list, set, tuple) and (several := choices_of(get_args(kind)[0])):
        return forms.Field(widget=UnfoldAdminSelectMultipleWidget(choices=several), **shared)
    attrs: dict[str, Any] = {"type": _INPUTS.get(kind, "text")}
    if kind in (float, Decimal):
        attrs = {"type": "number", "step": "any"}
    widget = UnfoldAdminTextInputWidget(attrs=attrs)
    widget.input_type = attrs["type"]
    return forms.Field(widget=widget, **shared)
