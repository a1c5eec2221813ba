"""``views``, ``form`` and ``table``: pages rendered by the server, with Django's generic views and forms."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db.models import FileField, Model
from django.utils.text import capfirst
from ninja.orm import create_schema

from django_matt.forms import FieldDescription
from django_matt.forms.schemas import describe
from django_matt.generation.columns import (
    column_of,
    columns_of,
    editable_of,
    escaped,
    searched_of,
    shown_of,
)
from django_matt.generation.names import file_name_of, manager_of, module_of, url_name_of
from django_matt.generation.orders import (
    Generated,
    GenerationError,
    Order,
    Source,
    refuse_options,
    sources_of_tests,
)
from django_matt.generation.samples import Sampler
from django_matt.generation.templates import quoted, render

__all__ = ["make_form", "make_table", "make_views"]

_TEMPLATES = Path(__file__).with_name("source_templates")
_WIDGETS = {
    "textarea": "forms.Textarea()",
    "color": 'forms.TextInput(attrs={"type": "color"})',
    "date": 'forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")',
    "datetime": 'forms.DateTimeInput(attrs={"type": "datetime-local", "step": "any"}, format="%Y-%m-%dT%H:%M:%S")',
    "time": 'forms.TimeInput(attrs={"type": "time", "step": "any"}, format="%H:%M:%S")',
}
"""The widgets that Django does not choose by itself, by those of a form's description."""


def make_views(order: Order) -> Generated:
    """Return five views of a model with their form, URLs and templates."""
    refuse_options(order, "views", "asynchronous", "write_schemas")
    model, values = order.model, _values(order)
    names = ["list", "detail", "form", "confirm_delete"]
    lower = values["lower"]
    pages = [
        Source(
            f"templates/{values['label']}/{lower}_{name}.html",
            render(_TEMPLATES / f"{name}.html-tpl", **values),
        )
        for name in names
    ]
    sources = [
        _forms(order, values),
        Source("views.py", render(_TEMPLATES / "views.py-tpl", **values)),
        _urls(order, values, _routes(model, lower)),
        _base(values),
        *pages,
    ]
    following = [_mount(order)]
    if order.tests:
        try:
            sources += _tests(order, values)
        except GenerationError as error:
            following.append(f"No tests were written: {error}")
    return Generated(sources, following)


def make_form(order: Order) -> Generated:
    """Return a form of a model, and a template that lays its fields out one by one."""
    refuse_options(order, "form", "asynchronous", "write_schemas", "tests")
    values = _values(order)
    described = {each.name: each for each in _describe(order.model)}
    fields = [
        {
            "name": field.name,
            "is_box": _of(described, field) == "checkbox",
            "is_group": _of(described, field) == "checkboxes",
        }
        for field in editable_of(order.model)
    ]
    name = f"templates/{values['label']}/{values['lower']}_fields.html"
    page = Source(name, render(_TEMPLATES / "fields.html-tpl", **values, inputs=fields))
    path = f"{values['label']}/{values['lower']}_fields.html"
    return Generated(
        [_forms(order, values), page],
        [
            f'Show it in your page: <form method="post"{values["enctype"]}>{{% csrf_token %}}'
            f'{{% include "{path}" %}}<button>Save</button></form>, with a {order.model.__name__}Form as "form".'
        ],
    )


def make_table(order: Order) -> Generated:
    """Return a page with a table of a model's objects."""
    refuse_options(order, "table", "asynchronous", "write_schemas", "tests")
    values = _values(order)
    lower = values["lower"]
    route = f'path("{url_name_of(order.model)}-table/", views.{order.model.__name__}Table.as_view(), name="{lower}_table")'
    return Generated(
        [
            Source("views.py", render(_TEMPLATES / "table_view.py-tpl", **values)),
            _urls(order, values, [route]),
            _base(values),
            Source(
                f"templates/{values['label']}/{lower}_table.html",
                render(_TEMPLATES / "table.html-tpl", **values),
            ),
        ],
        [_mount(order)],
    )


def _mount(order: Order) -> str:
    return (
        f'Add the pages to your URLs: path("{order.app.label}/", include("{order.app.name}.urls")).'
    )


def _forms(order: Order, values: dict[str, Any]) -> Source:
    return Source("forms.py", render(_TEMPLATES / "forms.py-tpl", **values))


def _urls(order: Order, values: dict[str, Any], routes: list[str]) -> Source:
    return Source("urls.py", render(_TEMPLATES / "urls.py-tpl", **values, routes=routes))


def _base(values: dict[str, Any]) -> Source:
    return Source(
        f"templates/{values['label']}/base.html", render(_TEMPLATES / "base.html-tpl", **values)
    )


def _routes(model: type[Model], lower: str) -> list[str]:
    prefix, name = url_name_of(model), model.__name__
    key = f"<{_converter(model)}:pk>"
    places = {
        ("List", "list"): "",
        ("Create", "create"): "add/",
        ("Detail", "detail"): f"{key}/",
        ("Update", "update"): f"{key}/change/",
        ("Delete", "delete"): f"{key}/delete/",
    }
    return [
        f'path("{prefix}/{place}", views.{name}{view}.as_view(), name="{lower}_{route}")'
        for (view, route), place in places.items()
    ]


def _converter(model: type[Model]) -> str:
    field: Any = model._meta.pk
    while field.is_relation:
        field = field.target_field
    kind = field.get_internal_type()
    return (
        "uuid"
        if kind == "UUIDField"
        else "str"
        if kind in {"CharField", "SlugField", "TextField"}
        else "int"
    )


def _describe(model: type[Model]) -> list[FieldDescription]:
    names = [field.name for field in editable_of(model)]
    return list(describe(create_schema(model, name=f"{model.__name__}Form", fields=names)).fields)


def _of(described: dict[str, FieldDescription], field: Any) -> str:
    found = described.get(field.name) or described.get(getattr(field, "attname", field.name))
    return str(found.widget) if found else ""


def _values(order: Order) -> dict[str, Any]:
    model, options = order.model, order.model._meta
    editable: list[Any] = editable_of(model)
    if not editable:
        raise GenerationError(
            f"{options.label} has no field that people may fill in, so it can have no form."
        )
    described = {each.name: each for each in _describe(model)}
    widgets = {
        field.name: _WIDGETS.get(_of(described, field)) for field in editable if not field.choices
    }
    columns = columns_of(model)
    relations = [quoted(field.name) for field in columns if field.is_relation]
    manager = manager_of(model)
    name = str(options.verbose_name)
    stubs = find_spec("mypy_django_plugin") is not None
    return {
        "app": order.app.name,
        "label": order.app.label,
        "model": model.__name__,
        "module": module_of(model),
        "lower": options.model_name,
        "singular": escaped(capfirst(name)),
        "plural": escaped(capfirst(options.verbose_name_plural)),
        "manager": manager,
        "objects": f"{manager}.select_related({', '.join(relations)})"
        if relations
        else f"{manager}.all()",
        "queryset": f"QuerySet[{model.__name__}]",
        # Django's stubs make these classes generic, and at run time they are not.
        "untyped": "  # type: ignore[type-arg]" if stubs else "",
        "fields": ", ".join(quoted(field.name) for field in editable)
        + ("," if len(editable) == 1 else ""),
        "widgets": {key: value for key, value in widgets.items() if value},
        "conditions": " | ".join(
            f"Q({field.name}__icontains=word)" for field in searched_of(model)
        ),
        "columns": [column_of(field) for field in columns],
        "width": len(columns) + 1,
        "every": [column_of(field) for field in shown_of(model)],
        "enctype": ' enctype="multipart/form-data"'
        if any(isinstance(f, FileField) for f in editable)
        else "",
        "created": quoted(f"The {name} was created.".replace("%", "%%")),
        "changed": quoted(f"The {name} was saved.".replace("%", "%%")),
        "deleted": quoted(f"The {name} was deleted.".replace("%", "%%")),
        "can_create": not any(isinstance(f, FileField) and not f.blank for f in editable),
    }


def _tests(order: Order, values: dict[str, Any]) -> list[Source]:
    model = order.model
    sampler = Sampler(model, for_forms=True)
    create = sampler.create()
    many = [
        f"instance.{field.name}.add({sampler.other(field.remote_field.model)})"
        for field in editable_of(model)
        if field.many_to_many and not field.blank
    ]
    text = render(
        _TEMPLATES / ("tests_pytest.py-tpl" if order.pytest else "tests_unittest.py-tpl"),
        **values,
        imports=sorted(sampler.imports),
        create=create,
        many=many,
    )
    return sources_of_tests(order, f"test_{file_name_of(model)}_pages", text)
