"""A form as JSON Schema with hints for the user interface, as @rjsf (react-jsonschema-form) and others show it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django_matt.forms.descriptions import FieldDescription, FormDescription
from django_matt.openapi.components import names_in

__all__ = ["to_json_schema", "to_ui_schema"]

_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}
_FORMATS = {
    "date": "date",
    "datetime": "date-time",
    "time": "time",
    "duration": "duration",
    # What @rjsf shows as a file input.
    "file": "data-url",
}
_WIDGETS = {
    "textarea": "textarea",
    "email": "email",
    "url": "uri",
    "password": "password",
    "radio": "radio",
    "checkboxes": "checkboxes",
    "hidden": "hidden",
    "color": "color",
}
_DECIMAL = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_REF = "#/components/schemas/"
_ANYTHING: list[dict[str, Any]] = [
    {"title": "Text", "type": "string"},
    {"title": "Number", "type": "number"},
    {"title": "Yes or no", "type": "boolean"},
    {"title": "Object", "type": "object", "additionalProperties": True},
    {"title": "List", "type": "array"},
    {"title": "None", "type": "null"},
]
"""A schema that accepts everything, with a type for each choice: @rjsf shows nothing for one without types."""


def to_json_schema(form: FormDescription) -> dict[str, Any]:
    """Return the JSON Schema of a form; definitions are below ``$defs``.

    A decimal is a text, because a number of JavaScript would lose digits.
    """
    schema = _object(form)
    definitions: dict[str, Any] = {}
    waiting = list(names_in(schema))
    while waiting:
        name = waiting.pop()
        if name not in definitions and name in form.definitions:
            definitions[name] = form.definitions[name]
            waiting.extend(names_in(definitions[name]))
    if definitions:
        schema["$defs"] = dict(sorted(definitions.items()))
    moved: dict[str, Any] = _moved(schema)
    return moved


def to_ui_schema(form: FormDescription) -> dict[str, Any]:
    """Return the ``uiSchema`` of a form: the order of its fields, and their widgets, placeholders and hints.

    A relation is in ``ui:options`` as ``relation``, with the URL of the list that shows its objects.
    """
    found: dict[str, Any] = {"ui:order": [each.name for each in form.fields]}
    if form.extra:
        found["ui:options"] = dict(form.extra)
    for each in form.fields:
        if hints := _hints(each):
            found[each.name] = hints
    return found


def _object(form: FormDescription) -> dict[str, Any]:
    found: dict[str, Any] = {"title": form.title, "type": "object"}
    if form.help:
        found["description"] = form.help
    found["properties"] = {each.name: _field(each) for each in form.fields}
    if required := [each.name for each in form.fields if each.required]:
        found["required"] = required
    return found


def _field(each: FieldDescription) -> dict[str, Any]:
    said: dict[str, Any] = {"title": each.label}
    if each.help:
        said["description"] = each.help
    if each.has_default and each.default is not None:
        said["default"] = deepcopy(each.default)
    if each.kind == "json":
        own = {k: v for k, v in each.schema.items() if k not in ("ui", "title", "default")}
        return {"anyOf": _ANYTHING, **own, **said} if _is_anything(own) else {**own, **said}
    value = _value(each) if each.form is None else _object(each.form)
    if each.many:
        value = {"type": "array", "items": value}
        if each.options or each.relation is not None:
            value["uniqueItems"] = True
        value |= _present(minItems=each.min_items, maxItems=each.max_items)
    if not each.nullable:
        return {**value, **said}
    if "properties" in value or value["type"] == "array":
        value = {"anyOf": [{"title": each.label, **value}, {"title": "None", "type": "null"}]}
    else:
        if "oneOf" in value:
            value["oneOf"] = [*value["oneOf"], {"const": None, "title": "None"}]
        kinds = value["type"]
        value["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    return {**value, **said}


def _value(each: FieldDescription) -> dict[str, Any]:
    """Return the schema of one value."""
    if each.options:
        kinds = {_type_of(value) for value, _label in each.options}
        (kind,) = kinds if len(kinds) == 1 else (sorted(kinds),)
        choices = [{"const": value, "title": label} for value, label in each.options]
        return {"type": kind, "oneOf": choices}
    found: dict[str, Any] = {"type": _TYPES.get(each.kind, "string")}
    if each.kind in _FORMATS:
        found["format"] = _FORMATS[each.kind]
    if each.kind in ("integer", "number"):
        found |= _present(
            minimum=each.minimum,
            maximum=each.maximum,
            exclusiveMinimum=each.exclusive_minimum,
            exclusiveMaximum=each.exclusive_maximum,
            multipleOf=None if each.step == 1 else each.step,
        )
    return found | _present(
        minLength=each.min_length,
        maxLength=each.max_length,
        pattern=each.pattern or (_DECIMAL if each.kind == "decimal" else None),
    )


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def _is_anything(schema: Mapping[str, Any]) -> bool:
    return not {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"} & schema.keys()


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _hints(each: FieldDescription) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if each.kind == "object" and each.form is not None:
        inner = to_ui_schema(each.form)
        found = {"items": inner} if each.many else inner
    elif each.widget in _WIDGETS and (not each.many or each.options):
        found["ui:widget"] = _WIDGETS[each.widget]
    found |= {
        name: value
        for name, value in (
            ("ui:placeholder", each.placeholder),
            ("ui:autocomplete", each.autocomplete),
        )
        if value
    }
    options: dict[str, Any] = dict(each.extra)
    if each.accept:
        options["accept"] = each.accept
    if each.relation is not None:
        options["relation"] = _present(
            model=each.relation.model,
            url=each.relation.url,
            search=each.relation.search,
            value=each.relation.value,
            label=each.relation.label,
        )
    if options:
        found["ui:options"] = {**found.get("ui:options", {}), **options}
    return found


def _moved(schema: Any) -> Any:
    """Return a copy that refers to ``$defs``."""
    if isinstance(schema, dict):
        # A mapping of a discriminator has references as plain texts.
        return {
            key: f"#/$defs/{value.removeprefix(_REF)}"
            if isinstance(value, str) and value.startswith(_REF)
            else _moved(value)
            for key, value in schema.items()
        }
    return [_moved(each) for each in schema] if isinstance(schema, list) else schema
