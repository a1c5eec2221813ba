"""Finds Ninja's ``DjangoGetter`` in a pydantic core schema, and removes it.

Every Ninja ``Schema`` has a wrap validator that puts its input into a ``DjangoGetter``, which reads attributes of Django's
objects. It costs a Python call for each object and each attribute.
"""

from collections.abc import Iterator
from typing import Any

from django_matt import upstream

__all__ = ["is_getter", "models_in", "nodes_in", "without_getter"]

# Values under these keys are the user's, and may look like a core schema without being one.
_DATA = frozenset({"config", "cls", "default", "expected", "members", "metadata", "serialization"})
# Under these keys is a dict whose keys are names of fields or tags, not words of the core schema.
_NAMED = frozenset({"choices", "fields"})


def is_getter(node: Any) -> bool:
    """Tell whether a node of a core schema is the wrap validator with which Ninja's Schema makes a ``DjangoGetter``."""
    if not isinstance(node, dict) or node.get("type") != "function-wrap":
        return False
    return upstream.is_root_validator(node["function"]["function"])


def without_getter(core_schema: Any) -> Any:
    """Return a copy of a core schema in which models read their input themselves, as plain pydantic models do.

    Build the validator with ``upstream.build_validator``: the finished validators of the models still have the getter.

    >>> from ninja import Schema
    >>> class Word(Schema):
    ...     title: str
    >>> schema = without_getter(Word.__pydantic_core_schema__)
    >>> upstream.build_validator(schema).validate_python({"title": "a"})
    Word(title='a')
    """
    if isinstance(core_schema, dict):
        if is_getter(core_schema):
            inner = without_getter(core_schema["schema"])
            return {**inner, "ref": core_schema["ref"]} if "ref" in core_schema else inner
        return {key: _copy(key, value) for key, value in core_schema.items()}
    if isinstance(core_schema, (list, tuple)):
        return type(core_schema)(without_getter(item) for item in core_schema)
    return core_schema


def _copy(key: str, value: Any) -> Any:
    if key in _DATA:
        return value
    if key in _NAMED and isinstance(value, dict):
        return {name: without_getter(item) for name, item in value.items()}
    return without_getter(value)


def nodes_in(core_schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a core schema, the outermost first."""
    if isinstance(core_schema, dict):
        yield core_schema
        for key, value in core_schema.items():
            if key in _NAMED and isinstance(value, dict):
                for item in value.values():
                    yield from nodes_in(item)
            elif key not in _DATA:
                yield from nodes_in(value)
    elif isinstance(core_schema, (list, tuple)):
        for item in core_schema:
            yield from nodes_in(item)


def models_in(core_schema: Any) -> Iterator[type]:
    """Yield the class of every model in a core schema."""
    for node in nodes_in(core_schema):
        if node.get("type") == "model":
            yield node["cls"]
