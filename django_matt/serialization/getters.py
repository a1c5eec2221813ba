"""Ninja's ``DjangoGetter`` in a pydantic core schema: find it, say what it does there, take it out."""

from collections.abc import Iterator
from typing import Any

from ninja import Schema

__all__ = ["is_getter", "models_in", "nodes_in", "without_getter"]

_WRAP = Schema._run_root_validator.__func__

# Under these keys stands the users' data, which may look like a schema and is none.
_DATA = frozenset({"config", "cls", "default", "expected", "members", "metadata", "serialization"})
# Under these keys of a node, the keys of a dict are names of fields or tags, not words of the core schema.
_NAMED = frozenset({"choices", "fields"})


def is_getter(node: Any) -> bool:
    """Tell whether a core schema node is the wrap validator by which Ninja's Schema makes a ``DjangoGetter``."""
    if not isinstance(node, dict) or node.get("type") != "function-wrap":
        return False
    return getattr(node["function"]["function"], "__func__", None) is _WRAP


def without_getter(core_schema: Any) -> Any:
    """Return a copy of a core schema in which models read their input themselves, as plain pydantic models do.

    Build a validator with ``pydantic_core.SchemaValidator(schema, _use_prebuilt=False)``: the models' prebuilt
    validators still hold the getter.

    >>> from pydantic_core import SchemaValidator
    >>> class Word(Schema):
    ...     title: str
    >>> schema = without_getter(Word.__pydantic_core_schema__)
    >>> SchemaValidator(schema, _use_prebuilt=False).validate_python({"title": "a"})
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
    """Yield every node of a core schema, outermost first; field names that look like its words do no harm."""
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
    """Yield the class of every model that a core schema holds."""
    for node in nodes_in(core_schema):
        if node.get("type") == "model":
            yield node["cls"]
