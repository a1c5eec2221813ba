"""A typed client in Python, written from an API's operations: a TypedDict per component, a method per operation."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from django_matt import MattAPI
from django_matt.operations import BoundOperation, component_classes

TYPES: dict[Any, str] = {int: "int", str: "str", bool: "bool", float: "float", type(None): "None"}


def type_of(annotation: Any) -> str:
    """Return the type of an annotation's JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list[{type_of(arguments[0])}]"
    if origin in (Union, UnionType):
        return " | ".join(map(type_of, arguments))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return repr(annotation.__name__)
    return TYPES.get(annotation, "Any")


def write_class(model: type[BaseModel]) -> Iterator[str]:
    yield f"class {model.__name__}(TypedDict):"
    for name, field in model.model_fields.items():
        yield f"    {field.serialization_alias or name}: {type_of(field.annotation)}"
    yield ""


def write_method(operation: BoundOperation) -> Iterator[str]:
    """Write one method: parameters of the path and the query, and the body, as keywords."""
    models = operation.request_models
    fields = [each for model in models.values() for each in model.model_fields.items()]
    given = ["self", *(f"{name}: {type_of(field.annotation)}" for name, field in fields)]
    schemas = operation.response_schemas
    success = next((schemas[status] for status in (200, 201, ...) if status in schemas), Any)
    yield f"    def {operation.function.__name__}({', '.join(given)}) -> {type_of(success)}:"
    query = ", ".join(f"{n!r}: {n}" for n in getattr(models.get("query"), "model_fields", {}))
    body = next(iter(getattr(models.get("body"), "model_fields", {})), None)
    sent = f'"{operation.methods[0]}", f"{operation.path}", {{{query}}}, {body}'
    yield f"        return self.send({sent})"


def write_client(api: MattAPI) -> str:
    """Return the source of the client; its ``send`` is how the project sends requests."""
    lines = ["from typing import Any, TypedDict", ""]
    for found in component_classes(api).values():
        if issubclass(found, BaseModel):
            lines += write_class(found)
    lines += ["class Client:", "    def __init__(self, send):", "        self.send = send"]
    for operation in api.operations():
        if operation.documented and operation.problem is None:
            lines += ["", *write_method(operation)]
    return "\n".join([*lines, ""])
