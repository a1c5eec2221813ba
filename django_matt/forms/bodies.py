"""The schema of what an operation takes, whichever way it declares its parameters."""

from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, create_model

from django_matt.operations import BoundOperation
from django_matt.upstream import patched_schema

__all__ = ["body_of"]


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
