"""Metadata that decorators store on a view function, and how it is found below other decorators."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from django_matt.limits import find_views

__all__ = ["View", "get_metadata", "needed_hooks", "set_metadata"]

View = TypeVar("View", bound=Callable[..., Any])


def set_metadata(
    name: str, value: Any, *, hook: str | type[Any] | None = None
) -> Callable[[View], View]:
    """Return the decorator ``@name``, which stores ``value`` on a route's function; it raises on a class.

    ``hook`` is the path of the hook that reads the metadata: ``"shop.hooks.LimitHook"``. If an API does not have that
    hook, the route returns a 500 and a system check reports it. Otherwise the decorator would silently do nothing. If
    ``hook`` is the class itself, the decorator brings the hook along: it is bound to the routes that have the decorator.
    """

    def mark(view: View) -> View:
        if isinstance(view, type):
            raise ImproperlyConfigured(
                f"@{name} belongs on a route, not on the class {view.__name__}."
            )
        setattr(view, f"_matt_{name}", value)
        if hook is not None:
            marked: Any = view
            marked._matt_needed_hooks = {**getattr(view, "_matt_needed_hooks", {}), name: hook}
        return view

    return mark


def get_metadata(name: str, view_func: Any) -> Any:
    """Return the value that ``@name`` stored on a view function, of the outermost decorator; None without one."""
    found = (getattr(layer, f"_matt_{name}", None) for layer in find_views(view_func))
    return next((value for value in found if value is not None), None)


def needed_hooks(view_func: Any) -> dict[str, str | type[Any]]:
    """Return the hooks that the decorators of a view function need or bring along, by the decorators' names."""
    found: dict[str, str | type[Any]] = {}
    for layer in find_views(view_func):
        found |= getattr(layer, "_matt_needed_hooks", {})
    return found
