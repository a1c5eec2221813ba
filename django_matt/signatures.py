"""Resolves a view's annotations in the module of its function, also below decorators and in controllers."""

import __future__

import inspect
import sys
import types
import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import Annotated, Any, ForwardRef, Literal, get_args, get_origin, get_type_hints

from ninja import Schema
from ninja.errors import ConfigError
from ninja.operation import Operation
from pydantic import GetCoreSchemaHandler
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import core_schema

from django_matt import upstream
from django_matt.aliases import see_through
from django_matt.limits import find_views

__all__ = ["evaluate", "explain_response", "innermost", "name_function", "resolve_signature"]

_IGNORED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def innermost(view: Any) -> Any:
    """Return the user's own function, inside of decorators, partials and controller routes."""
    *_, function = find_views(view)
    while isinstance(function, partial):
        *_, function = find_views(function.func)
    return function


def evaluate(annotation: Any, function: Any, *, extras: bool = False) -> Any:
    """Return an annotation of a function with the names of the function's module instead of strings.

    ``extras`` keeps what ``Annotated`` adds. Raises whatever evaluating it raises: usually ``NameError``.
    """

    def probe() -> None: ...

    probe.__annotations__ = {"it": annotation}
    return get_type_hints(probe, globalns=_globals(function), include_extras=extras)["it"]


def resolve_signature(operation: Operation) -> str | None:
    """Resolve the annotations of an operation's parameters, and return why that fails, or None.

    Ninja looks names up in the module of the outermost decorator, and those of a controller's method in Ninja Extra's.
    """
    view, function = operation.view_func, innermost(operation.view_func)
    signature = inspect.signature(view, **upstream.FORWARDREF_OPTIONS)
    parameters, changed, named = [], False, False
    for found in signature.parameters.values():
        parameter = found
        if (
            parameter.kind not in _IGNORED
            and parameter.name != "request"
            and _is_pending(parameter.annotation)
        ):
            try:
                annotation = evaluate(parameter.annotation, function, extras=True)
            except Exception as error:  # noqa: BLE001 - an annotation is code of the user's
                return _explain(function, parameter.name, parameter.annotation, error)
            parameter, changed = found.replace(annotation=annotation), True
        seen = see_through(parameter.annotation)
        if seen is not parameter.annotation:
            parameter, named = parameter.replace(annotation=seen), True
        parameters.append(parameter)
    models = operation.signature.models
    same = getattr(view, "__globals__", None) is _globals(function)
    if named or (changed and not (same and all(map(upstream.is_complete, models)))):
        try:
            _replace_signature(operation, signature.replace(parameters=parameters))
        except (ConfigError, PydanticUndefinedAnnotation, PydanticUserError, TypeError) as error:
            # Of a PatchDict[…] that is incomplete pydantic says no more than that it is no dict.
            return f"{name_function(function)}: {error}"
    for model in {*operation.models, *operation.signature.models}:
        if not upstream.is_complete(model):
            try:
                model.model_rebuild(_types_namespace=_globals(function))
            except (PydanticUndefinedAnnotation, PydanticUserError) as error:
                return _explain(function, ", ".join(model.model_fields), "a schema", error)
            if not upstream.is_complete(model):
                names = ", ".join(model.model_fields)
                incomplete = TypeError("pydantic cannot complete its schema")
                return _explain(function, names, "a schema", incomplete)
    return None


def _globals(function: Any) -> Any:
    function = inspect.unwrap(function)
    if not hasattr(function, "__globals__"):
        function = type(function).__call__
    return getattr(function, "__globals__", {})


def _is_pending(annotation: Any) -> bool:
    """Tell whether an annotation contains a string that is not evaluated yet."""
    if isinstance(annotation, str | ForwardRef):
        return True
    origin = get_origin(annotation)
    if origin is None or origin is Literal:
        return False
    arguments = get_args(annotation)
    return any(map(_is_pending, arguments[:1] if origin is Annotated else arguments))


def _replace_signature(operation: Operation, signature: inspect.Signature) -> None:
    """Let Ninja read the view again, with a signature without strings."""

    @wraps(operation.view_func)
    def view() -> None: ...

    view.__signature__ = signature  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        # Ninja has warned of missing path parameters when the route was made.
        warnings.simplefilter("ignore", UserWarning)
        made = type(operation.signature)(operation.path, view)
    made.view_func = operation.view_func
    operation.signature, operation.models = made, made.models


def explain_response(operation: Operation, error: Exception) -> str:
    """Return the error of a response schema that refers to an unknown name."""
    return f"{name_function(innermost(operation.view_func))}: the schema of its response is not complete ({error})."


def name_function(function: Any) -> str:
    """Return where a function was written: its module and its name in it."""
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def _explain(function: Callable[..., Any], name: str, annotation: Any, error: Exception) -> str:
    text = annotation if isinstance(annotation, str) else f"{annotation}"
    code = getattr(function, "__code__", None)
    why = ""
    if isinstance(code, types.CodeType) and code.co_flags & __future__.annotations.compiler_flag:
        why = (
            " The module begins with `from __future__ import annotations`, so the annotation is a string that is "
            "evaluated in the module: import the name outside of `if TYPE_CHECKING:`, define it outside of functions, "
            "or remove the import from __future__."
        )
    return f"{name_function(function)}: the annotation {text!r} of the parameter {name!r} cannot be resolved ({error}).{why}"


def _create_complete_patch_schema(schema_cls: type[Any]) -> Any:
    """Resolve the annotations of a ``PatchDict[…]`` where the schema was written.

    Ninja copies them into a class of its own module, where no string of ``from __future__ import annotations`` has a
    meaning; the first operation that takes it would stop the project at import. A schema that contains itself would
    too: what Ninja passes to pydantic refers to definitions that only a whole model has.
    """
    made = upstream.create_patch_schema(schema_cls)
    made.__get_pydantic_core_schema__ = classmethod(_patch_core_schema)
    model = upstream.patched_schema(made)
    if not upstream.is_complete(model):
        names: dict[str, Any] = {}
        for cls in reversed(schema_cls.__mro__):
            if issubclass(cls, Schema) and cls.__module__ in sys.modules:
                names |= vars(sys.modules[cls.__module__])
        model.model_rebuild(raise_errors=False, _types_namespace=names)
    return made


def _patch_core_schema(cls: Any, source: Any, handler: GetCoreSchemaHandler) -> Any:
    inner = handler.generate_schema(upstream.patched_schema(cls))
    return core_schema.no_info_after_validator_function(upstream.patch_validator(cls), inner)


upstream.replace_create_patch_schema(_create_complete_patch_schema)
