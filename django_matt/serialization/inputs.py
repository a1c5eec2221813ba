"""Validators for requests: Ninja's parameter models without ``DjangoGetter``, and limited to what a database can store.

Ninja reads request data through ``DjangoGetter``, so ``{"inner": "hello"}`` passes for an object with a ``title``. Here the
core schema is compiled once more without it, and with the limits of ``django_matt.column_bounds``. A number too large for
its column, or a NaN, is then the client's 422 instead of the server's 500. Errors, aliases and conversions stay pydantic's.

A user's validator that sees the input still gets a ``DjangoGetter``, as in Ninja. The model below it reads what is in it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic
from ninja import Schema
from pydantic_core import SchemaValidator

from django_matt import upstream
from django_matt.bounds import chain_of, fields_of, lower_maximum
from django_matt.column_bounds import ColumnRewriter
from django_matt.serialization.foreign_keys import type_foreign_keys
from django_matt.serialization.functions import sees_input
from django_matt.serialization.getters import is_getter, nodes_in
from django_matt.upstream import BodyModel, ParamModel

__all__ = ["LARGE_BODY", "build_validators", "find_nul"]

LARGE_BODY = 64 * 1024
"""From this size in bytes, validation of a list stops at its first bad item: all errors would cost more than the body."""

_COLLECTIONS = frozenset({"dict", "frozenset", "list", "set"})
_DATA_MODULES = {"builtins", "datetime", "decimal", "uuid"}
"""Modules of the types that request data has. An object of any other type was made by a user's function."""

Bounds = Mapping[type[Any], Mapping[str, int]]
"""By schema class and field name: the largest number allowed."""


def build_validators(
    model: type[ParamModel], bounds: Bounds
) -> tuple[SchemaValidator, SchemaValidator]:
    """Compile a parameter model twice: for ordinary requests, and for bodies of ``LARGE_BODY`` bytes or more."""
    type_foreign_keys(model)
    if upstream.lost("requests") is not None:
        return upstream.validator_of(model), upstream.validator_of(model)
    core_schema = upstream.core_schema_of(model)
    usual = _Rewriter(core_schema, bounds, fail_fast=False).rewrite(core_schema)
    validator = upstream.build_validator(usual)
    if not issubclass(model, BodyModel):
        return validator, validator
    large = _Rewriter(core_schema, bounds, fail_fast=True).rewrite(core_schema)
    return validator, upstream.build_validator(large)


def find_nul(value: Any, location: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """Return the path to a text with a NUL character, which PostgreSQL cannot store, or None."""
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
    """Copies a core schema with the limits added, those of pages too, and ``DjangoGetter`` removed."""

    def __init__(self, core_schema: Any, bounds: Bounds, *, fail_fast: bool) -> None:
        super().__init__()
        self.bounds = bounds
        self.fail_fast = fail_fast
        self.below_users = False
        # A definition may be used in several places. If any user's function sees input, one of them may be below it.
        self.any_users = any(sees_input(node) for node in nodes_in(core_schema))

    def rewrite(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return super().rewrite(node)
        above = self.below_users
        self.below_users = above or sees_input(node)
        try:
            if is_getter(node):
                return self._object(node)
            copy = super().rewrite(node)
        finally:
            self.below_users = above
        if self.fail_fast and copy.get("type") in _COLLECTIONS:
            copy["fail_fast"] = True
        return copy

    def bound_model(self, node: dict[str, Any]) -> None:
        super().bound_model(node)
        fields = fields_of(node)
        for name, limit in self.bounds.get(node["cls"], {}).items():
            if name in fields:
                lower_maximum(fields[name], limit)

    def _member(self, key: str, value: Any) -> Any:
        if key != "definitions":
            return super()._member(key, value)
        above, self.below_users = self.below_users, self.any_users
        value = self.rewrite(value)
        self.below_users = above
        return value

    def _object(self, node: dict[str, Any]) -> dict[str, Any]:
        """Remove ``DjangoGetter`` from an object, unless a user's function sees it or creates objects for it to read."""
        inner: dict[str, Any] = self.rewrite(node["schema"])
        chain = list(chain_of(inner))
        cls: Any = next((step["cls"] for step in chain if step["type"] == "model"), Schema)
        resolves = bool(upstream.resolvers_of(cls))
        if resolves or any(map(sees_input, chain)):
            wrap = partial(_give_getter, cls)
            chain[-1].update(
                type="function-before",
                function={"type": "no-info", "function": partial(_take_getter, resolves)},
                schema=chain[-1].copy(),
            )
        elif self.below_users:
            wrap = partial(_give_getter_of_object, cls)
        else:
            return {**inner, "ref": node["ref"]} if "ref" in node else inner
        return {**node, "function": {"type": "with-info", "function": wrap}, "schema": inner}


def _give_getter(
    cls: type[Schema], value: Any, handler: Callable[[Any], Any], info: pydantic.ValidationInfo
) -> Any:
    """Give a user's validators and resolvers the ``DjangoGetter`` that Ninja would give them."""
    return handler(upstream.DjangoGetter(value, cls, info.context))


def _give_getter_of_object(
    cls: type[Schema], value: Any, handler: Callable[[Any], Any], info: pydantic.ValidationInfo
) -> Any:
    """Read an object that a user's validator created, such as a model instance, through ``DjangoGetter``."""
    if type(value).__module__ in _DATA_MODULES or isinstance(value, cls):
        return handler(value)
    return handler(upstream.DjangoGetter(value, cls, info.context))


def _take_getter(resolves: bool, value: Any) -> Any:
    """Return the data inside a ``DjangoGetter`` that validators have seen, if it is data of the request."""
    if type(value) is not upstream.DjangoGetter:
        return value
    data, changed = upstream.object_of(value), value.__dict__
    if isinstance(data, dict):
        if resolves:
            return value
        return {**data, **changed} if changed else data
    return data if type(data).__module__ in _DATA_MODULES else value
