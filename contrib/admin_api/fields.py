"""Form fields as JSON: their JSON Schema, their values in responses, and values of bodies as form data."""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Manager, Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.duration import duration_iso_string
from django.utils.formats import localize_input
from django.utils.functional import Promise
from django.utils.timezone import is_aware, localtime

from django_matt.contrib.admin_api.requests import plain_text

__all__ = ["RELATED", "describe", "describe_column", "is_shown", "key_of", "show", "write"]

RELATED: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": ["integer", "string"]}, "label": {"type": "string"}},
    "required": ["id", "label"],
}
"""An object that another one refers to: its key, and the text of ``str()``."""

_FILE: dict[str, Any] = {
    "type": ["object", "null"],
    "properties": {"name": {"type": "string"}, "url": {"type": "string"}},
    "required": ["name", "url"],
}
_KEY: dict[str, Any] = {"type": ["integer", "string"]}
# The first that matches; subclasses come before their classes.
_TYPES: tuple[tuple[type[forms.Field], dict[str, Any]], ...] = (
    (forms.NullBooleanField, {"type": ["boolean", "null"]}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.FloatField, {"type": "number"}),
    (forms.DecimalField, {"type": "string", "format": "decimal"}),
    (forms.IntegerField, {"type": "integer"}),
    (forms.SplitDateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateTimeField, {"type": "string", "format": "date-time"}),
    (forms.DateField, {"type": "string", "format": "date"}),
    (forms.TimeField, {"type": "string", "format": "time"}),
    (forms.DurationField, {"type": "string", "format": "duration"}),
    (forms.EmailField, {"type": "string", "format": "email"}),
    (forms.URLField, {"type": "string", "format": "uri"}),
    (forms.UUIDField, {"type": "string", "format": "uuid"}),
    (forms.JSONField, {}),
)
_PARSERS: tuple[tuple[type[forms.Field], Any], ...] = (
    (forms.SplitDateTimeField, parse_datetime),
    (forms.DateTimeField, parse_datetime),
    (forms.DateField, parse_date),
    (forms.TimeField, parse_time),
)


def describe(field: forms.Field, *, sent: bool, named: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a form field: as it is sent, or as it is in responses.

    ``named`` adds the label and the help text, and those of the choices.
    """
    found = _describe_value(field, sent=sent, named=named)
    if found and not field.required and not {"anyOf", "oneOf"} & found.keys():
        kinds = found.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        if kinds and kinds != ["array"] and "null" not in kinds:
            found["type"] = [*kinds, "null"]
            if "enum" in found:
                found["enum"] = [*found["enum"], None]
    if named:
        found["title"] = str(field.label or "")
        if field.help_text:
            found["description"] = plain_text(field.help_text)
    return found


def _describe_value(field: forms.Field, *, sent: bool, named: bool) -> dict[str, Any]:
    many = isinstance(field, forms.ModelMultipleChoiceField)
    if isinstance(field, forms.ModelChoiceField):
        one = dict(_KEY if sent else RELATED)
        return {"type": "array", "items": one} if many else one
    if isinstance(field, forms.FileField):
        return {"type": "null"} if sent else dict(_FILE)
    if isinstance(field, forms.ChoiceField):
        return _describe_choices(field, named=named)
    for kind, schema in _TYPES:
        if isinstance(field, kind):
            found = dict(schema)
            if sent and kind is forms.DecimalField:
                found["type"] = ["string", "number"]
            for name, key in (("min_value", "minimum"), ("max_value", "maximum")):
                bound = getattr(field, name, None)
                if isinstance(bound, int) and found.get("type") == "integer":
                    found[key] = bound
            return found
    if type(field.widget) is not forms.TextInput and not isinstance(field, forms.CharField):
        return {}  # a class of the project, of whose values nothing is known
    most = getattr(field, "max_length", None)
    return {"type": "string", **({"maxLength": most} if most is not None else {})}


def _describe_choices(field: forms.ChoiceField, *, named: bool) -> dict[str, Any]:
    options: list[tuple[Any, str]] = []
    choices: Any = field.choices
    for value, label in choices:
        group = label if isinstance(label, list | tuple) else [(value, label)]
        options += [(key, str(text)) for key, text in group]
    values = [getattr(key, "value", key) for key, _ in options if key is not None and key != ""]
    one: dict[str, Any] = {"enum": values} if len(values) <= 100 else {}
    kinds = {type(each) for each in values}
    one["type"] = {int: "integer", bool: "boolean"}.get(min(kinds, key=str, default=str), "string")
    if len(kinds) > 1:
        one.pop("type")
    if named and one.get("enum") is not None:
        one["x-labels"] = [text for key, text in options if key is not None and key != ""]
    if isinstance(field, forms.MultipleChoiceField):
        return {"type": "array", "items": one}
    return one


def describe_column(column: Any) -> dict[str, Any]:
    """Return the JSON Schema of what a list or a read-only field shows of a column of the model."""
    if column is None:
        return {}
    if column.is_relation:
        return {"type": "array", "items": RELATED} if column.many_to_many else _nullable(RELATED)
    form_field = column.formfield() if hasattr(column, "formfield") else None
    if form_field is None:
        return {"type": "integer"} if column.get_internal_type().endswith("AutoField") else {}
    found = describe(form_field, sent=False)
    found.pop("enum", None)  # a stored value may be no choice any more
    kinds = found.get("type")
    if not column.null and isinstance(kinds, list) and kinds[0] != "object":
        found["type"] = kinds[0]
    return found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": ["object", "null"]}


def is_shown(field: forms.Field) -> bool:
    """Whether the value of a field may leave the server: a password, and the hash of one, may not."""
    widget: Any = field.widget
    if isinstance(widget, forms.PasswordInput):
        return widget.render_value
    # Up to Django 6.0, the widget has an attribute for this.
    is_hash = getattr(widget, "template_name", "").endswith("read_only_password_hash.html")
    return not is_hash and not getattr(widget, "read_only", False)


def show(value: Any) -> Any:
    """Return a value as JSON has it: objects with key and label, files with name and URL, HTML as text.

    >>> show(datetime.timedelta(minutes=2))
    'P0DT00H02M00S'
    """
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Model):
        return {"id": show(value.pk), "label": str(value)}
    if isinstance(value, Manager):
        value = value.all()
    if isinstance(value, QuerySet | list | tuple | set):
        return [show(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): show(each) for key, each in value.items()}
    if isinstance(value, FieldFile):
        return {"name": value.name, "url": value.url} if value else None
    if isinstance(value, datetime.timedelta):
        return duration_iso_string(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time | Decimal | int | float):
        return getattr(value, "value", value)
    return plain_text(str(value) if isinstance(value, Promise) else value)


def key_of(value: Any) -> Any:
    """Return the key of an object that a body refers to: itself, or the ``id`` of what a response shows."""
    if isinstance(value, Mapping) and set(value) <= {"id", "label"}:
        return value.get("id")
    return value


def write(field: forms.Field, name: str, value: Any, data: QueryDict) -> str | None:
    """Add a value of a body, or an initial value, to form data as a browser sends it.

    Returns what is wrong with the value, if no browser could send it; the form validates all others.
    """
    widget: Any = field.widget
    widget = getattr(widget, "widget", widget)  # of Django's RelatedFieldWidgetWrapper
    if isinstance(field, forms.JSONField):
        data[name] = field.prepare_value(value)
        return None
    if isinstance(field, forms.ChoiceField):  # of objects too
        return _write_choices(field, widget, name, value, data)
    if isinstance(widget, forms.CheckboxInput):
        if value in (None, False) or value == "false":
            return None
        if value is True or value in ("true", "on"):
            data[name] = "on"
            return None
        return "This must be true or false."
    if isinstance(widget, forms.NullBooleanSelect):
        if value not in (None, True, False, "true", "false", ""):
            return "This must be true, false or null."
        data[name] = {None: "unknown", "": "unknown"}.get(value, str(value).lower())
        return None
    value = _parsed(field, field.prepare_value(value) if not isinstance(value, str) else value)
    if isinstance(widget, forms.MultiWidget):
        if isinstance(value, str) and value:
            value = [value, *[""] * (len(widget.widgets) - 1)]  # for the form to refuse
        several: Any = widget
        parts = value if isinstance(value, list) else several.decompress(value)
        for suffix, part in zip(several.widgets_names, parts, strict=False):
            data[name + suffix] = "" if part is None else str(part)
        return None
    if isinstance(value, bool | Mapping | list | tuple):
        return "This must be one value, such as a text or a number."
    if value is None:
        data[name] = ""
    elif field.localize:
        data[name] = str(localize_input(_number(field, value)))
    else:
        data[name] = str(value)
    return None


def _write_choices(
    field: forms.Field, widget: Any, name: str, value: Any, data: QueryDict
) -> str | None:
    many = isinstance(field, forms.ModelMultipleChoiceField | forms.MultipleChoiceField)
    if not many:
        key = key_of(value)
        if isinstance(key, Mapping | list | tuple):
            return "This must be one value, such as a key."
        data[name] = "" if key is None else str(field.prepare_value(key))
        return None
    if value is None or value == "":
        value = []
    if isinstance(value, str | int):
        value = [value]
    if isinstance(value, QuerySet):
        value = list(value)
    if not isinstance(value, list | tuple | set):
        return "This must be a list of keys."
    keys = [key_of(each) for each in value]
    if any(isinstance(each, Mapping | list | tuple) for each in keys):
        return "This must be a list of keys."
    texts = [str(field.prepare_value(each)) for each in keys]
    if isinstance(widget, forms.TextInput):  # raw_id_fields
        data[name] = ",".join(texts)
    else:
        data.setlist(name, texts)
    return None


def _parsed(field: forms.Field, value: Any) -> Any:
    """Return dates and times as the field reads them: ISO texts as objects, in the time zone of the forms."""
    parse = next((parse for kind, parse in _PARSERS if isinstance(field, kind)), None)
    if parse is None:
        return value
    if isinstance(value, str):
        value = _try(parse, value) or value
    if isinstance(value, datetime.datetime):
        value = localtime(value).replace(tzinfo=None) if is_aware(value) else value
    if isinstance(value, str) or value is None or isinstance(field, forms.SplitDateTimeField):
        return value
    formats = [str(each) for each in getattr(field, "input_formats", None) or ()]
    text = value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    try:
        field.to_python(text)
    except forms.ValidationError:
        return value.strftime(formats[0]) if formats else text
    return text


def _try(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return None


def _number(field: forms.Field, value: Any) -> Any:
    """Return a number that is sent as text, so that it is written as the user's language writes it."""
    if isinstance(value, str) and isinstance(field, forms.DecimalField):
        try:
            return Decimal(value)
        except ArithmeticError:
            return value
    return value
