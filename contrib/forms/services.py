"""The forms of an API's operations: the schema of a request body, described for a front end."""

from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args

from ninja import NinjaAPI
from pydantic import BaseModel, create_model

from django_matt.forms import describe
from django_matt.forms.rjsf import to_json_schema, to_ui_schema
from django_matt.operations import BoundOperation, list_operations
from django_matt.upstream import patched_schema

__all__ = ["body_of", "find_documented", "form_of"]


def find_documented(api: NinjaAPI, operation_id: str) -> BoundOperation | None:
    """Return the operation with an id of the OpenAPI document; None if the document has none."""
    for operation in list_operations(api):
        if operation.documented and operation_id in operation.operation_ids.values():
            return operation
    return None


def body_of(operation: BoundOperation) -> type[BaseModel] | None:
    """Return the schema of what an operation takes: its JSON body, or its form with its files; None if it takes nothing.

    Several parameters are the fields of one schema, as they are in the request.
    """
    models = operation.request_models
    sources = [name for name in ("body", "form", "file") if name in models]
    parameters = [
        (source, name, info)
        for source in sources
        for name, info in models[source].model_fields.items()
    ]
    schemas: list[type[BaseModel] | None] = [_schema_in(info.annotation) for *_, info in parameters]
    if len(parameters) == 1 and schemas[0] is not None:
        return schemas[0]
    fields: dict[str, Any] = {}
    for (source, name, info), schema in zip(parameters, schemas, strict=True):
        if source == "form" and schema is not None:
            # Its fields are side by side with the other parameters.
            fields |= {key: (each.annotation, each) for key, each in schema.model_fields.items()}
        else:
            fields[name] = (info.annotation, info)
    if not fields or (sources == ["body"] and len(parameters) == 1):
        return None
    return create_model(operation.operation_id, **fields)


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


def _schema_in(annotation: Any) -> Any:
    """Return the schema that an annotation is, also of an optional one; None for everything else."""
    inner = list(_without_null(annotation))
    if len(inner) != 1:
        return None
    (found,) = inner
    is_schema = isinstance(found, type) and issubclass(found, BaseModel)
    return found if is_schema else patched_schema(found)


def _without_null(annotation: Any) -> Iterator[Any]:
    arguments = get_args(annotation)
    if NoneType in arguments:
        yield from (each for each in arguments if each is not NoneType)
    else:
        yield annotation
