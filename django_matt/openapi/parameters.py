"""What the document says of a parameter besides its schema: limits of pages and searches, fields to order by, names of headers."""

from collections.abc import Iterator
from typing import Any

from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.limits import ordered_fields, page_bounds, search_parameters
from django_matt.settings import get_settings

__all__ = ["describe_limits", "describe_ordering", "name_headers"]


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


def describe_ordering(parameters: list[dict[str, Any]], operation: Operation) -> None:
    """Say by which fields ``ordering`` sorts: Ninja Extra only names them as the default, as one text."""
    fields = ordered_fields(operation)
    if fields == ():
        return
    for parameter in parameters:
        if parameter["in"] == "query" and parameter["name"] == "ordering":
            shown = "any field" if fields is None else " or ".join(f"`{name}`" for name in fields)
            first = "name" if fields is None else fields[0]
            parameter.setdefault(
                "description",
                f"Sort by {shown}. A minus sign reverses the order (`-{first}`); "
                "commas separate several fields.",
            )


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
