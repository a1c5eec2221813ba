"""Finds the user's own functions in a core schema: validators, factories, resolvers and what else runs during validation."""

import sys
from collections.abc import Callable, Iterator
from functools import partial, partialmethod
from typing import Any

from ninja import Schema

from django_matt import upstream
from django_matt.serialization.getters import is_getter, nodes_in

__all__ = ["calls_user_code", "is_users", "sees_input"]

# Functions of these packages do not query the database or create objects of the user's.
_KNOWN = frozenset(
    {"pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types", "ninja"}
)
_KNOWN |= {"ninja_extra", "typing_extensions"} | sys.stdlib_module_names
_KNOWN_MODULES = ("django.utils.", "django.core.validators")
# In these modules pydantic wraps the user's functions in functions of its own.
_WRAPPING = ("pydantic._internal._decorators_v1", "pydantic.experimental.")


def is_users(function: Any) -> bool:
    """Tell whether a function is the user's own, and may therefore do anything.

    >>> is_users(str.strip), is_users(partial(lambda value: value))
    (False, True)
    """
    while True:
        if isinstance(function, partial | partialmethod):
            if any(callable(argument) and is_users(argument) for argument in function.args):
                return True
            function = function.func
        elif hasattr(function, "__func__"):
            function = function.__func__
        else:
            break
    module = getattr(function, "__module__", None)
    if not isinstance(module, str):
        # A method of a type that is written in C, such as str.strip.
        owner = getattr(function, "__objclass__", None) or type(getattr(function, "__self__", None))
        module = owner.__module__
    if module == "__main__" or module.startswith(_WRAPPING):
        return True
    return module.partition(".")[0] not in _KNOWN and not module.startswith(_KNOWN_MODULES)


def sees_input(node: dict[str, Any]) -> bool:
    """Tell whether a node is a user's before or wrap validator, which sees the input and may replace it."""
    kind = node.get("type")
    return kind in ("function-before", "function-wrap") and is_users(node["function"]["function"])


def calls_user_code(core_schema: Any) -> bool:
    """Tell whether validation by a core schema calls any of the user's functions."""
    return any(
        is_users(function) for node in nodes_in(core_schema) for function in _functions(node)
    )


def _functions(node: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Yield the functions that a node calls during validation."""
    kind = node.get("type")
    if isinstance(kind, str) and kind.startswith("function-") and not is_getter(node):
        yield node["function"]["function"]
    elif kind == "call":
        yield node["function"]
    if "default_factory" in node:
        yield node["default_factory"]
    if kind == "tagged-union" and callable(node["discriminator"]):
        yield node["discriminator"]
    if kind == "enum" and node.get("missing") is not None:
        yield node["missing"]
    if kind in ("model", "dataclass"):
        yield from _functions_of(node)


def _functions_of(node: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    cls = node["cls"]
    if node["type"] == "dataclass":
        if node.get("post_init"):
            yield cls.__post_init__
        return
    if issubclass(cls, Schema):
        for resolver in upstream.resolvers_of(cls).values():
            yield upstream.function_of(resolver)
    if node.get("custom_init"):
        yield cls.__init__
    if node.get("post_init"):
        yield cls.model_post_init
        for attribute in cls.__private_attributes__.values():
            if attribute.default_factory is not None:
                yield attribute.default_factory
