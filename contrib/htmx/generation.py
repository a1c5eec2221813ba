"""``matt_generate list|detail|form --to htmx``: operations with pages, and their templates."""

import html
import re
from pathlib import Path
from typing import Any

from django.db.models import CharField, FileField, Model, TextField
from django.utils.text import capfirst

from django_matt.generation.columns import (
    columns_of,
    editable_of,
    escaped,
    searched_of,
    shown_of,
)
from django_matt.generation.names import manager_of, module_of, url_name_of
from django_matt.generation.orders import (
    Generated,
    GenerationError,
    Order,
    Source,
    refuse_options,
)
from django_matt.generation.templates import quoted, render
from django_matt.openapi.columns import enum_of

__all__ = ["make_detail", "make_form", "make_list"]

_TEMPLATES = Path(__file__).with_name("source_templates")
_KEYS = {"UUIDField": "uuid", "CharField": "str", "SlugField": "str", "TextField": "str"}
_TYPES = {"uuid": "UUID", "str": "str", "int": "int"}


def make_list(order: Order) -> Generated:
    """Return the page that lists the objects of a model, with a search and an order."""
    columns = columns_of(order.model, files=True)
    values = _values(order, columns)
    searched = " | ".join(f"Q({field.name}__icontains=word)" for field in searched_of(order.model))
    sortable = [
        field.name
        for field in columns
        if not (field.is_relation or field.choices or isinstance(field, FileField))
    ]
    values |= {
        "searched": searched,
        "sortable": sortable,
        "ordered": [quoted(name) for name in sortable],
        # Text of an expression in an attribute, which the component escapes.
        "columns": [
            (each["name"], re.sub("""['"&<>{}\\\\]""", "", html.unescape(each["label"])))
            for each in values["shown"]
        ],
    }
    return _generated(order, values, "list")


def make_detail(order: Order) -> Generated:
    """Return the page of one object."""
    return _generated(order, _values(order, shown_of(order.model)), "detail")


def make_form(order: Order) -> Generated:
    """Return the pages that create and change an object."""
    model = order.model
    every = editable_of(model)
    fields = [field for field in every if not isinstance(field, FileField)]
    files = [field.name for field in every if isinstance(field, FileField)]
    if not every:
        raise GenerationError(f"{model._meta.label} has no field that a page could ask for.")
    related = [field for field in fields if field.is_relation]
    targets = {field.remote_field.model for field in related} - {model}
    values = _values(order, fields) | {
        "constant": f"{model._meta.model_name}_CHOICES".upper(),
        "choices": f"{{{', '.join(map(_choice, related))}}}" if related else "",
        "related": sorted((module_of(target), target.__name__) for target in targets),
        "many": [field.name for field in fields if field.many_to_many],
        # An empty entry is null in the schema, and the column has no null.
        "texts": [
            field.name
            for field in fields
            if isinstance(field, (CharField, TextField)) and field.blank and not field.null
        ],
        "files": files,
        "left_out": f"{{{', '.join(map(quoted, files))}}}",
        # A page shows no file in its form: what is chosen replaces it.
        "sent": f"{model.__name__}{'Sent' if files else 'Fields'}",
        "edited": f"{model.__name__}{'Fields' if fields else 'Saved'}",
    }
    return _generated(order, values, "form")


def _generated(order: Order, values: dict[str, Any], kind: str) -> Generated:
    refuse_options(order, f"{kind} --to htmx", "asynchronous", "write_schemas", "tests")
    label, lower, name = values["label"], values["lower"], f"{order.model.__name__}{kind.title()}"
    pages = [
        Source(f"templates/{label}/pages.html", render(_TEMPLATES / "pages.html-tpl", **values)),
        Source(
            f"templates/{label}/{lower}_{kind}_page.html",
            render(_TEMPLATES / f"{kind}.html-tpl", **values),
        ),
    ]
    others = " and ".join(each for each in ("list", "detail", "form") if each != kind)
    return Generated(
        [Source("pages.py", render(_TEMPLATES / f"{kind}.py-tpl", **values)), *pages],
        [
            f"Register it where your API is: from {order.app.name}.pages import {name}Page, "
            f"then api.register_controllers({name}Page).",
            f"Its links lead to the pages of {others}: write those too, or remove the links.",
        ],
    )


def _values(order: Order, fields: list[Any]) -> dict[str, Any]:
    model, options = order.model, order.model._meta
    kind = _KEYS.get(_key_field(model).get_internal_type(), "int")
    names = {field.name for field in (*options.concrete_fields, *options.many_to_many)}
    shown = [_shown(field) for field in fields]
    one = [quoted(f.name) for f in fields if f.is_relation and not f.many_to_many]
    many = [quoted(field.name) for field in fields if field.many_to_many]
    objects = f"{manager_of(model)}.all()"
    objects += f".select_related({', '.join(one)})" if one else ""
    objects += f".prefetch_related({', '.join(many)})" if many else ""
    return {
        "app": order.app.name,
        "label": order.app.label,
        "model": model.__name__,
        "module": module_of(model),
        "lower": options.model_name,
        "prefix": url_name_of(model),
        "heading": "heading" if "heading" not in names else "page_heading",
        "singular": escaped(capfirst(str(options.verbose_name))),
        "plural": escaped(capfirst(str(options.verbose_name_plural))),
        "key_path": "/{key}" if kind == "str" else f"/{{{kind}:key}}",
        # A key that is a text could be "new".
        "new_path": "/-/new" if kind == "str" else "/new",
        "after_new": "../{pk}" if kind == "str" else "./{pk}",
        "key_type": _TYPES[kind],
        "manager": manager_of(model),
        "objects": objects.replace(".all().", "."),
        "queryset": f"QuerySet[{model.__name__}]",
        "schema": "ModelSchema" if fields else "Schema",
        "names": ", ".join(quoted(field.name) for field in fields)
        + ("," if len(fields) == 1 else ""),
        "shown": shown,
        "resolved": [each for each in shown if each["resolver"]],
    }


def _choice(field: Any) -> str:
    name = field.name if field.many_to_many else field.attname
    return f"{quoted(name)}: {manager_of(field.remote_field.model)}.all()"


def _key_field(model: type[Model]) -> Any:
    field: Any = model._meta.pk
    while field.is_relation:
        field = field.target_field
    return field


def _shown(field: Any) -> dict[str, Any]:
    """Return how a page shows a field: a key as the text of its object, a choice by its label, a file as a link."""
    name = field.name
    kind, resolver, value = "", "", name
    is_file = isinstance(field, FileField)
    if field.many_to_many:
        kind, resolver = "list[str]", f"[str(each) for each in instance.{name}.all()]"
        value += '|join:", "'
    elif field.is_relation:
        kind, resolver = "str", f"str(instance.{name})"
        if field.null:
            kind += " | None"
            resolver = f"None if instance.{name} is None else {resolver}"
    elif field.get_internal_type() == "BooleanField":
        value += '|yesno:"yes,no,"'
    elif enum_of(field):
        value += ".label"
    if field.null and not (field.many_to_many or is_file):
        value += '|default_if_none:""'
    label = escaped(capfirst(getattr(field, "verbose_name", name)))
    return {
        "name": name,
        "label": label,
        "value": value,
        "type": kind,
        "resolver": resolver,
        "is_file": is_file,
    }
