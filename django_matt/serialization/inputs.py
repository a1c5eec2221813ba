"""What comes in: Ninja's parameter models, validated without ``DjangoGetter`` and within what a database can hold.

Ninja reads request data through ``DjangoGetter``, so ``{"inner": "hello"}`` passes for an object with a ``title``. Here the
schema's own core schema is compiled once more without it, and with the bounds of ``django_matt.column_bounds``, so that a
number too large or a NaN is the client's 422 and not the server's 500. Errors, aliases and coercions stay pydantic's.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic
from ninja.params.models import BodyModel, ParamModel
from ninja.schema import DjangoGetter, Schema
from pydantic_core import SchemaValidator

from django_matt.bounds import lower_maximum
from django_matt.column_bounds import ColumnRewriter
from django_matt.serialization.getters import is_getter

__all__ = ["LARGE_BODY", "build_validators", "find_nul"]

LARGE_BODY = 64 * 1024
"""Bytes from which a body's lists stop at their first bad item, so that errors cost no more than the body did."""

_COLLECTIONS = frozenset({"dict", "frozenset", "list", "set"})

Bounds = Mapping[type[Any], Mapping[str, int]]
"""The largest number for a field of a schema class."""


def build_validators(
    model: type[ParamModel], bounds: Bounds
) -> tuple[SchemaValidator, SchemaValidator]:
    """Compile a parameter model twice: for ordinary requests, and for bodies of ``LARGE_BODY`` bytes or more."""
    usual = _Rewriter(bounds, fail_fast=False).rewrite(model.__pydantic_core_schema__)
    validator = SchemaValidator(usual, _use_prebuilt=False)
    if not issubclass(model, BodyModel):
        return validator, validator
    large = _Rewriter(bounds, fail_fast=True).rewrite(model.__pydantic_core_schema__)
    return validator, SchemaValidator(large, _use_prebuilt=False)


def find_nul(value: Any, location: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """Return where in plain data a text holds a NUL character, which PostgreSQL cannot store, or None."""
    if isinstance(value, str):
        return location if "\0" in value else None
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        if isinstance(key, str) and "\0" in key:
            return location
        if (found := find_nul(item, (*location, key))) is not None:
            return found
    return None


class _Rewriter(ColumnRewriter):
    """Adds the bounds, those of pages too, and takes ``DjangoGetter`` away."""

    def __init__(self, bounds: Bounds, *, fail_fast: bool) -> None:
        super().__init__()
        self.bounds = bounds
        self.fail_fast = fail_fast

    def rewrite(self, node: Any) -> Any:
        if isinstance(node, dict) and is_getter(node):
            return self._object(node)
        copy = super().rewrite(node)
        if self.fail_fast and isinstance(copy, dict) and copy.get("type") in _COLLECTIONS:
            copy["fail_fast"] = True
        return copy

    def bound_model(self, node: dict[str, Any]) -> None:
        super().bound_model(node)
        fields = node["schema"].get("fields", {})
        for name, limit in self.bounds.get(node["cls"], {}).items():
            if name in fields:
                lower_maximum(fields[name], limit)

    def _object(self, node: dict[str, Any]) -> dict[str, Any]:
        """Take away ``DjangoGetter``; with resolvers keep it, for objects only."""
        inner: dict[str, Any] = self.rewrite(node["schema"])
        cls = _model_class(inner)
        if cls is not None and getattr(cls, "_ninja_resolvers", None):
            kept = {key: value for key, value in node.items() if key != "schema"}
            kept["function"] = {"type": "with-info", "function": partial(_resolve_objects, cls)}
            return {**kept, "schema": inner}
        if "ref" in node:
            inner["ref"] = node["ref"]
        return inner


def _model_class(node: Any) -> type[Any] | None:
    """The class of the ``model`` node under validators that wrap it."""
    while isinstance(node, dict):
        if node.get("type") == "model":
            cls: type[Any] = node["cls"]
            return cls
        node = node.get("schema")
    return None


def _resolve_objects(
    cls: type[Schema], value: Any, handler: Callable[[Any], Any], info: pydantic.ValidationInfo
) -> Any:
    if isinstance(value, str | int | float | list | None):
        return handler(value)
    return handler(DjangoGetter(value, cls, info.context))
