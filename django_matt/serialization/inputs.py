"""What comes in: Ninja's parameter models, validated without ``DjangoGetter`` and within what a database can hold.

Ninja reads request data through ``DjangoGetter``, so ``{"inner": "hello"}`` passes for an object with a ``title``. Here the
schema's own core schema is compiled once more without it, and with the bounds of ``django_matt.column_bounds``, so that a
number too large or a NaN is the client's 422 and not the server's 500. Errors, aliases and coercions stay pydantic's.

Validators of the user's that see the input get Ninja's ``DjangoGetter``, as they do in Ninja; the model below them reads what
is in it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic
from ninja.params.models import BodyModel, ParamModel
from ninja.schema import DjangoGetter, Schema
from pydantic_core import SchemaValidator

from django_matt.bounds import chain_of, fields_of, lower_maximum
from django_matt.column_bounds import ColumnRewriter
from django_matt.serialization.foreign_keys import type_foreign_keys
from django_matt.serialization.functions import sees_input
from django_matt.serialization.getters import is_getter, nodes_in

__all__ = ["LARGE_BODY", "build_validators", "find_nul"]

LARGE_BODY = 64 * 1024
"""Bytes from which a body's lists stop at their first bad item, so that errors cost no more than the body did."""

_COLLECTIONS = frozenset({"dict", "frozenset", "list", "set"})
_DATA_MODULES = {"builtins", "datetime", "decimal", "uuid"}
"""Where the types of what a request can say come from; objects of other types come from the user's functions."""

Bounds = Mapping[type[Any], Mapping[str, int]]
"""The largest number for a field of a schema class."""


def build_validators(
    model: type[ParamModel], bounds: Bounds
) -> tuple[SchemaValidator, SchemaValidator]:
    """Compile a parameter model twice: for ordinary requests, and for bodies of ``LARGE_BODY`` bytes or more."""
    type_foreign_keys(model)
    core_schema = model.__pydantic_core_schema__
    usual = _Rewriter(core_schema, bounds, fail_fast=False).rewrite(core_schema)
    validator = SchemaValidator(usual, _use_prebuilt=False)
    if not issubclass(model, BodyModel):
        return validator, validator
    large = _Rewriter(core_schema, bounds, fail_fast=True).rewrite(core_schema)
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

    def __init__(self, core_schema: Any, bounds: Bounds, *, fail_fast: bool) -> None:
        super().__init__()
        self.bounds = bounds
        self.fail_fast = fail_fast
        self.below_users = False
        # A definition is used in several places: one of them may be below a function of the user's.
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
        """Take ``DjangoGetter`` away where no function of the user's sees it or makes objects for it to read."""
        inner: dict[str, Any] = self.rewrite(node["schema"])
        chain = list(chain_of(inner))
        cls: Any = next((step["cls"] for step in chain if step["type"] == "model"), Schema)
        resolves = bool(cls._ninja_resolvers)
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
    """Show validators and resolvers what Ninja shows them."""
    return handler(DjangoGetter(value, cls, info.context))


def _give_getter_of_object(
    cls: type[Schema], value: Any, handler: Callable[[Any], Any], info: pydantic.ValidationInfo
) -> Any:
    """Read by ``DjangoGetter`` an object that a validator of the user's has made, such as a row of a table."""
    if type(value).__module__ in _DATA_MODULES or isinstance(value, cls):
        return handler(value)
    return handler(DjangoGetter(value, cls, info.context))


def _take_getter(resolves: bool, value: Any) -> Any:
    """Give a model the data that validators have seen in a ``DjangoGetter``: an object's members, and nothing else's."""
    if type(value) is not DjangoGetter:
        return value
    data, changed = value._obj, value.__dict__
    if isinstance(data, dict):
        if resolves:
            return value
        return {**data, **changed} if changed else data
    return data if type(data).__module__ in _DATA_MODULES else value
