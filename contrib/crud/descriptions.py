"""Describes what Ninja does not know in the OpenAPI document: forms with files, imports, and the errors of a verb."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.contrib.crud.uploads import MULTIPART, form_schema
from django_matt.decorators import get_metadata, set_metadata
from django_matt.hooks import OperationHook

__all__ = ["describe_body", "describe_errors", "describe_form", "describe_import"]

_NAME = "crud_body"
_ERRORS = "crud_errors"


@dataclass(frozen=True, slots=True)
class _Body:
    """The content of a body by media types, and the statuses of the errors that it may cause."""

    content: Mapping[str, Any]
    statuses: tuple[int, ...] = ()


class BodyHook(OperationHook):
    """Puts a body into the document of its route."""

    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route whose body is described."""
        body = get_metadata(_NAME, operation.view_func)
        return None if body is None else cls(body)

    def __init__(self, body: _Body) -> None:
        """Take the body."""
        self._body = body

    def error_statuses(self, method: str) -> tuple[int, ...]:
        """Return the statuses of a body that is refused."""
        return self._body.statuses

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Replace the content of the body."""
        known = details.get("requestBody", {}).get("content", {})
        content = {
            name: known[name] if value is None else value
            for name, value in self._body.content.items()
            if value is not None or name in known
        }
        details["requestBody"] = {"content": content, "required": True}


class ErrorsHook(OperationHook):
    """Puts statuses into the document of its route."""

    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route that has errors of its own."""
        statuses = get_metadata(_ERRORS, operation.view_func)
        return None if statuses is None else cls(statuses)

    def __init__(self, statuses: tuple[int, ...]) -> None:
        """Take the statuses."""
        self._statuses = statuses

    def error_statuses(self, method: str) -> tuple[int, ...]:
        """Return the statuses that the route itself answers with."""
        return self._statuses


def describe_errors(*statuses: int) -> Callable[[Any], Any]:
    """Return a decorator that describes errors which Ninja does not know of."""
    return set_metadata(_ERRORS, statuses, hook=ErrorsHook)


def describe_body(
    content: Mapping[str, Any], statuses: tuple[int, ...] = ()
) -> Callable[[Any], Any]:
    """Return a decorator that describes a route's body; a content of None is what the document has anyway."""
    return set_metadata(_NAME, _Body(content, statuses), hook=BodyHook)


def describe_form(schema: type[BaseModel], files: list[str]) -> Callable[[Any], Any]:
    """Return a decorator for a route whose body may be a form with files; JSON where none is required."""
    required = any(schema.model_fields[name].is_required() for name in files)
    form = {MULTIPART: {"schema": form_schema(schema, files)}}
    return describe_body(form if required else {"application/json": None, **form})


def describe_import(schema: type[BaseModel]) -> Callable[[Any], Any]:
    """Return a decorator for a route that reads rows of a schema from a CSV or from JSON Lines."""
    columns = ", ".join(schema.model_fields)
    texts = {
        "text/csv": f"A header of names and a line for each object. The names are: {columns}.",
        "application/jsonl": f"A JSON object on each line, with the names {columns}.",
    }
    content = {
        name: {"schema": {"type": "string", "description": text}} for name, text in texts.items()
    }
    return describe_body(content, (400, 411, 413, 415, 422))
