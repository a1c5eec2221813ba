"""What comes in: Ninja's parameter models, validated without ``DjangoGetter`` and within what a database can hold.

Ninja reads request data through ``DjangoGetter``, so ``{"inner": "hello"}`` passes for an object with a ``title``. Here the
schema's own core schema is compiled once more without it, and with the bounds that every database shares, so that a
number too large or a NaN is the client's 422 and not the server's 500. Errors, aliases and coercions stay pydantic's.

Validators of the user's that see the input get Ninja's ``DjangoGetter``, as they do in Ninja; the model below them reads what
is in it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pydantic
from django.db.models import DecimalField, Model
from ninja.params.models import BodyModel, ParamModel
from ninja.schema import DjangoGetter, Schema
from pydantic_core import PydanticCustomError, SchemaValidator

from django_matt.serialization.foreign_keys import type_foreign_keys
from django_matt.serialization.functions import sees_input
from django_matt.serialization.getters import is_getter, nodes_in

__all__ = ["LARGE_BODY", "build_validators", "find_nul"]

LARGE_BODY = 64 * 1024
"""Bytes from which a body's lists stop at their first bad item, so that errors cost no more than the body did."""

_INT64 = {"ge": -(2**63), "le": 2**63 - 1}
_DURATION = timedelta(microseconds=2**63 - 1)
_MAX_DECIMAL_DIGITS = 1_000
_OPAQUE = {
    "cls",
    "config",
    "default",
    "default_factory",
    "expected",
    "function",
    "members",
    "metadata",
    "serialization",
}
_PLAIN_MODULES = {"builtins", "datetime", "decimal", "uuid"}
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


class _Rewriter:
    """Copies a core schema, changing the nodes that request data must not pass as they are."""

    def __init__(self, core_schema: Any, bounds: Bounds, *, fail_fast: bool) -> None:
        self.bounds = bounds
        self.fail_fast = fail_fast
        self.below_users = False
        # A definition is used in several places: one of them may be below a function of the user's.
        self.any_users = any(sees_input(node) for node in nodes_in(core_schema))

    def rewrite(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.rewrite(item) for item in node]
        if isinstance(node, tuple):
            return tuple(self.rewrite(item) for item in node)
        if not isinstance(node, dict):
            return node
        above = self.below_users
        self.below_users = above or sees_input(node)
        try:
            return self._object(node) if is_getter(node) else self._change(node)
        finally:
            self.below_users = above

    def _change(self, node: dict[str, Any]) -> Any:
        copy = {key: self._member(key, value) for key, value in node.items()}
        kind = node.get("type")
        change = _CHANGES.get(kind) if isinstance(kind, str) else None
        if change is not None:
            return change(copy)
        if kind == "model":
            self._bound_fields(copy)
        elif kind in ("dict", "list", "set", "frozenset") and self.fail_fast:
            copy["fail_fast"] = True
        return copy

    def _member(self, key: str, value: Any) -> Any:
        if key in _OPAQUE:
            return value
        if key in ("fields", "choices") and isinstance(value, dict):
            # The keys are names of the user's, which may be those of _OPAQUE.
            return {name: self.rewrite(item) for name, item in value.items()}
        if key == "definitions":
            above, self.below_users = self.below_users, self.any_users
            value = self.rewrite(value)
            self.below_users = above
            return value
        return self.rewrite(value)

    def _object(self, node: dict[str, Any]) -> dict[str, Any]:
        """Take ``DjangoGetter`` away where no function of the user's sees it or makes objects for it to read."""
        inner: dict[str, Any] = self.rewrite(node["schema"])
        chain = list(_chain(inner))
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

    def _bound_fields(self, node: dict[str, Any]) -> None:
        cls = node["cls"]
        limits = dict(self.bounds.get(cls, {}))
        fields: dict[str, Any] = next(
            (step["fields"] for step in _chain(node) if step.get("type") == "model-fields"), {}
        )
        for name, limit in limits.items():
            if name in fields:
                _update(fields[name], "int", {"le": limit})
        for name, field in _decimal_fields(cls).items():
            if name in fields:
                digits = {"max_digits": field.max_digits, "decimal_places": field.decimal_places}
                _update(fields[name], "decimal", digits)


def _chain(node: Any) -> Iterator[dict[str, Any]]:
    """A node and those that it wraps, down to the fields of the model."""
    while isinstance(node, dict):
        yield node
        if node.get("type") == "model-fields":
            return
        node = node.get("schema")


def _give_getter(
    cls: type[Schema], value: Any, handler: Callable[[Any], Any], info: pydantic.ValidationInfo
) -> Any:
    """Show validators and resolvers what Ninja shows them."""
    return handler(DjangoGetter(value, cls, info.context))


def _give_getter_of_object(
    cls: type[Schema], value: Any, handler: Callable[[Any], Any], info: pydantic.ValidationInfo
) -> Any:
    """Read by ``DjangoGetter`` an object that a validator of the user's has made, such as a row of a table."""
    if type(value).__module__ in _PLAIN_MODULES or isinstance(value, cls):
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
    return data if type(data).__module__ in _PLAIN_MODULES else value


def _update(node: Any, kind: str, members: Mapping[str, Any]) -> None:
    """Give ``members`` to every node of a kind under ``node``, not entering other models."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            node.update(members)
        elif node.get("type") != "model":
            for key, value in node.items():
                if key not in _OPAQUE:
                    _update(value, kind, members)
    elif isinstance(node, list | tuple):
        for item in node:
            _update(item, kind, members)


def _decimal_fields(cls: type[Any]) -> "dict[str, DecimalField[Any, Any]]":
    """The decimal columns of a ``ModelSchema``: SQLite stores more digits than the column has and cannot read them back."""
    model = getattr(getattr(cls, "Meta", None), "model", None)
    if not (isinstance(model, type) and issubclass(model, Model)):
        return {}
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if isinstance(field, DecimalField)
    }


def _bound_int(node: dict[str, Any]) -> dict[str, Any]:
    if "gt" not in node:
        node.setdefault("ge", _INT64["ge"])
    if "lt" not in node:
        node.setdefault("le", _INT64["le"])
    return node


def _refuse_nan(node: dict[str, Any]) -> dict[str, Any]:
    node.setdefault("allow_inf_nan", False)
    return node


def _bound_decimal(node: dict[str, Any]) -> dict[str, Any]:
    node.setdefault("max_digits", _MAX_DECIMAL_DIGITS)
    return node


def _bound_duration(node: dict[str, Any]) -> dict[str, Any]:
    if "gt" not in node:
        node.setdefault("ge", -_DURATION)
    if "lt" not in node:
        node.setdefault("le", _DURATION)
    return node


def _bound_datetime(node: dict[str, Any]) -> dict[str, Any]:
    ref = {"ref": node.pop("ref")} if "ref" in node else {}
    function = {"type": "no-info", "function": _stay_in_utc_years}
    return {"type": "function-after", "schema": node, "function": function, **ref}


def _stay_in_utc_years(value: datetime) -> datetime:
    if value.tzinfo is not None and value.year in (1, 9999):
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise PydanticCustomError(
                "datetime_out_of_range",
                "Input should be a datetime between the years 1 and 9999 in UTC",
            ) from None
    return value


def _plain_function(node: dict[str, Any]) -> dict[str, Any]:
    """Ninja's many-to-many links call ``int(value)``, which raises ``TypeError`` for null and lists: validate the key."""
    function = node["function"]["function"]
    if not getattr(function, "__qualname__", "").startswith("create_m2m_link_type."):
        return node
    key_type = function.__self__.__mro__[1]
    kind = {int: "int", str: "str", float: "float"}.get(key_type, "uuid")
    change = _CHANGES.get(kind)
    return {"type": kind} if change is None else change({"type": kind})


_CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "datetime": _bound_datetime,
    "decimal": _bound_decimal,
    "float": _refuse_nan,
    "function-plain": _plain_function,
    "int": _bound_int,
    "timedelta": _bound_duration,
}
