"""The form of a route's body: empty, filled with an object, or as it was sent with what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from ninja.errors import ValidationError
from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.forms import describe
from django_matt.forms.html import SchemaForm
from django_matt.forms.values import read_values
from django_matt.upstream import single_of, source_of

__all__ = ["bound_form", "filled_form", "form_id", "form_values", "schema_of_body"]

Choices = Mapping[str, Any]


def schema_of_body(operation: Operation) -> type[BaseModel] | None:
    """Return the schema of the one parameter that is the body; None for a route without one."""
    found = (_schema_of(model) for model in operation.models if source_of(model) == "body")
    return next(found, None)


def form_values(model: Any, data: Any, files: Any) -> Any:
    """Return the values of a form for Ninja's parameter model, as the schema of the body reads them."""
    schema = _schema_of(model)
    if schema is None:
        return {name: sent[0] if len(sent) == 1 else sent for name, sent in data.lists()}
    found = read_values(describe(schema), data, files)
    if found.errors:
        raise ValidationError(
            [
                {"type": "value_error", "loc": ("body", single_of(model), *path), "msg": message}
                for path, message in found.errors
            ]
        )
    return found.data


def filled_form(
    schema: type[BaseModel], data: Any, choices: Choices | None = None
) -> SchemaForm[Any]:
    """Return a form to create an object, or to change the one that the API shows as ``data``."""
    initial = None
    if isinstance(data, dict):
        names = [field.alias or name for name, field in schema.model_fields.items()]
        initial = {name: shown for name in names if (shown := _shown(data, name)) is not None}
    return SchemaForm(schema, initial=initial or None, choices=choices, id_prefix=form_id(schema))


def bound_form(
    schema: type[BaseModel],
    request: HttpRequest,
    problem: Mapping[str, Any],
    choices: Choices | None = None,
) -> SchemaForm[Any]:
    """Return the form as it was sent, with its errors: its own, or those of the view."""
    form: SchemaForm[Any] = SchemaForm(
        schema, request.POST, request.FILES, choices=choices, id_prefix=form_id(schema)
    )
    if form.is_valid():
        form.add_problem(problem)
    return form


def form_id(schema: type[BaseModel]) -> str:
    """Return the id of a form in a page: a refused form goes back to it."""
    return f"form-{schema.__name__}"


def _schema_of(model: Any) -> type[BaseModel] | None:
    name = single_of(model)
    kind = model.model_fields[name].annotation if name else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _shown(data: Mapping[str, Any], name: str) -> Any:
    """Return a value of an object, whose foreign keys may be shown as objects."""
    if name not in data and name.endswith("_id"):
        nested = data.get(name.removesuffix("_id"))
        return nested.get("id") if isinstance(nested, dict) else None
    return data.get(name)
