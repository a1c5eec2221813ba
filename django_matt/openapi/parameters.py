"""What the document says of a parameter besides its schema: the limits of pages and searches, and the names of headers."""

from collections.abc import Iterator
from typing import Any

from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.limits import page_bounds, search_parameters
from django_matt.settings import get_settings

__all__ = ["describe_limits", "name_headers"]


def describe_limits(parameters: list[dict[str, Any]], operation: Operation) -> None:
    """Write into an operation's query parameters how large a page, and how long a search, may be."""
    maxima = page_bounds(operation)
    searches = set(search_parameters(operation))
    for parameter in parameters:
        name = parameter["name"]
        if parameter["in"] == "query" and name in maxima:
            _lower_maximum(parameter["schema"], maxima[name])
        if parameter["in"] == "query" and name in searches:
            most = get_settings().MAX_SEARCH_TERMS
            parameter.setdefault("description", f"At most {most} words.")


def _lower_maximum(schema: dict[str, Any], most: int) -> None:
    for part in schema.get("anyOf", [schema]):
        if part.get("type") == "integer" and "exclusiveMaximum" not in part:
            part["maximum"] = min(part.get("maximum", most), most)


def name_headers(parameters: list[dict[str, Any]], model: type[BaseModel]) -> None:
    """Name headers as they are sent, ``my-header``: servers drop a header with an underscore. An alias stays."""
    unnamed = set(_without_alias(model))
    for parameter in parameters:
        if parameter["name"] in unnamed:
            parameter["name"] = parameter["name"].replace("_", "-")


def _without_alias(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _without_alias(annotation)
        elif field.validation_alias is None and field.alias is None:
            yield name
