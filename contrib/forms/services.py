"""The forms of an API's operations: the schema of a request body, described for a front end."""

from typing import Any

from ninja import NinjaAPI

from django_matt.forms import describe
from django_matt.forms.bodies import body_of
from django_matt.forms.rjsf import to_json_schema, to_ui_schema
from django_matt.operations import BoundOperation, list_operations

__all__ = ["find_documented", "form_of"]


def find_documented(api: NinjaAPI, operation_id: str) -> BoundOperation | None:
    """Return the operation with an id of the OpenAPI document; None if the document has none."""
    for operation in list_operations(api):
        if operation.documented and operation_id in operation.operation_ids.values():
            return operation
    return None


def form_of(api: NinjaAPI, operation: BoundOperation) -> dict[str, Any] | None:
    """Return the schema, the hints and the title of an operation's form; None if its body has no fields."""
    schema = body_of(operation)
    if schema is None:
        return None
    try:
        form = describe(schema, api=api)
    except TypeError:
        return None
    return {
        "title": operation.summary or form.title,
        "schema": to_json_schema(form),
        "uiSchema": to_ui_schema(form),
    }
