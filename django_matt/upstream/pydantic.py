"""pydantic's private names: the core schemas, validators and metadata of models."""

from functools import partial
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import SchemaValidator

from django_matt.upstream.names import ABSENT, expect, find

__all__ = [
    "build_validator",
    "core_schema_of",
    "generic_arguments_of",
    "generic_origin_of",
    "is_complete",
    "is_ip_address",
    "is_root_model",
    "validator_of",
]

_find, _expect = partial(find, "pydantic"), partial(expect, "pydantic")


class _Probe(BaseModel):
    """A model of pydantic's, whose private attributes are looked at."""


_expect(
    "pydantic.BaseModel",
    "__pydantic_core_schema__",
    "instances reader requests keys operations",
    lambda: _Probe,
)
_expect(
    "pydantic.BaseModel",
    "__pydantic_complete__",
    "instances reader requests keys operations",
    lambda: _Probe,
)
_expect("pydantic.BaseModel", "__pydantic_validator__", "requests", lambda: _Probe)
_expect(
    "pydantic.BaseModel",
    "__pydantic_decorators__ __pydantic_generic_metadata__ __pydantic_root_model__",
    "rows",
    lambda: _Probe,
)
_ip_address = _find("pydantic.IPvAnyAddress._validate", "instances")
_no_prebuilt = _find(
    "pydantic_core.SchemaValidator(_use_prebuilt=False)",
    "requests",
    lambda: SchemaValidator({"type": "any"}, _use_prebuilt=False),
)


def build_validator(core_schema: Any) -> SchemaValidator:
    """Build a validator of a changed core schema.

    pydantic puts the finished validators of models into a new one, instead of building them from the core schema again.
    These would not have the change, so they are not used.
    """
    if _no_prebuilt is ABSENT:
        return SchemaValidator(core_schema)
    return SchemaValidator(core_schema, _use_prebuilt=False)


def core_schema_of(model: type[BaseModel]) -> Any:
    """Return the core schema of a model, which is completed first if it has forward references."""
    if not model.__pydantic_complete__:
        model.model_rebuild()
    return model.__pydantic_core_schema__


def validator_of(model: type[BaseModel]) -> SchemaValidator:
    """Return the validator that pydantic built for a model."""
    return cast("SchemaValidator", model.__pydantic_validator__)


def generic_origin_of(schema: Any) -> Any:
    """Return the generic model that a schema is a specialization of, or None."""
    return getattr(schema, "__pydantic_generic_metadata__", {}).get("origin")


def is_ip_address(function: Any) -> bool:
    """Tell whether a validator is that of ``IPvAnyAddress``."""
    return bool(function == _ip_address)


_find("pydantic.json_schema.GenerateJsonSchema._build_definitions_remapping", "openapi")


def is_complete(model: type[BaseModel]) -> bool:
    """Tell whether every name in a model's annotations is known."""
    return bool(model.__pydantic_complete__)


def is_root_model(model: type[BaseModel]) -> bool:
    """Tell whether a model is a ``RootModel``."""
    return bool(getattr(model, "__pydantic_root_model__", False))


def generic_arguments_of(schema: Any) -> tuple[Any, ...]:
    """Return what a generic model is specialized with."""
    found: tuple[Any, ...] = getattr(schema, "__pydantic_generic_metadata__", {}).get("args", ())
    return found
