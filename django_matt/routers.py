"""A ``Router`` with the options of Ninja's router that Ninja Extra's loses."""

import warnings
from collections.abc import Callable
from typing import Any, get_args, get_origin

from django.http.response import HttpResponseBase
from ninja import Router as NinjaRouter
from ninja.constants import NOT_SET
from ninja.responses import Status
from ninja_extra.operation import PathView
from ninja_extra.router import Router as NinjaExtraRouter
from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError

from django_matt.signatures import evaluate, innermost, name_function
from django_matt.upstream import StreamAlias, remember_operation

__all__ = ["Router"]


class Router(NinjaExtraRouter):
    """Ninja Extra's router with Ninja's ``by_alias`` and ``exclude_*``, ``Status[…]`` and ``decorate_view``.

    It accepts all keyword arguments of ``ninja.Router``:

    >>> from ninja import Schema
    >>> router = Router(by_alias=True, tags=["shop"])
    >>> router.by_alias
    True
    """

    def __init__(self, **options: Any) -> None:
        """Accept every keyword argument of ``ninja.Router``."""
        NinjaRouter.__init__(self, **options)
        self.path_operations = {}

    def add_api_operation(
        self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any
    ) -> None:
        """Add an operation; the router's own export options apply if the route has none."""
        if options.get("response", NOT_SET) is NOT_SET:
            options["response"] = _annotated_response(view_func)
        for option in ("by_alias", "exclude_unset", "exclude_defaults", "exclude_none"):
            if options.get(option) is None:
                options[option] = getattr(self, option)
        # Ninja Extra's method evaluates every annotation of the view, and makes a schema of any that it returns.
        path_view = self.path_operations.setdefault(path, PathView())
        operation = path_view.add_operation(path, methods, view_func, **options)
        remember_operation(view_func, operation)


def _annotated_response(view_func: Callable[..., Any]) -> Any:
    """Return the schema in a view's return annotation; warn if it is not a schema, and ignore it."""
    function = innermost(view_func)
    hint: Any = None
    try:
        annotations = getattr(view_func, "__annotations__", {})
        if "return" not in annotations:
            return NOT_SET
        hint = annotations["return"]
        found = evaluate(hint, function, extras=True)
        if get_origin(found) is Status:
            return get_args(found)[0]
        hint = evaluate(hint, function)
        if get_origin(hint) is tuple and len(get_args(hint)) == 2 and ... not in get_args(hint):
            raise TypeError("a pair is a status and a body")
        if isinstance(hint, type) and issubclass(hint, HttpResponseBase):
            return NOT_SET  # the view returns a response itself, as its annotation says
        if not isinstance(hint, StreamAlias):
            TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        _warn(function, f"The return annotation {hint!r} is not a schema and is ignored.")
        return NOT_SET
    except Exception as error:  # noqa: BLE001 - an annotation is code of the user's
        _warn(function, f"The return annotation {hint!r} is not a schema and is ignored: {error}.")
        return NOT_SET
    return hint or NOT_SET


def _warn(function: Any, message: str) -> None:
    text = f"{name_function(function)}: {message} Write response= in the route's decorator, or remove the annotation."
    code = getattr(function, "__code__", None)
    if code is None:
        warnings.warn(text, UserWarning, stacklevel=6)
    else:
        warnings.warn_explicit(text, UserWarning, code.co_filename, code.co_firstlineno)
