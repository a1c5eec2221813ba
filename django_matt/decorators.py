"""What our decorators leave on a view function, and how it is found through the decorators of others."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from django_matt.limits import find_views

__all__ = ["View", "get_metadata", "needed_hooks", "set_metadata"]

View = TypeVar("View", bound=Callable[..., Any])


def set_metadata(name: str, value: Any, *, hook: str | None = None) -> Callable[[View], View]:
    """Return the decorator ``@name``, which leaves ``value`` on a route's function; on a class it is a mistake.

    ``hook`` is the path of the hook that does what the decorator says: ``"shop.hooks.LimitHook"``. A route of an API
    without that hook answers 500, and is a system check, instead of doing nothing.
    """

    def mark(view: View) -> View:
        if isinstance(view, type):
            raise ImproperlyConfigured(
                f"@{name} stands on a route, not on the class {view.__name__}."
            )
        setattr(view, f"_matt_{name}", value)
        if hook is not None:
            marked: Any = view
            marked._matt_needed_hooks = {**getattr(view, "_matt_needed_hooks", {}), name: hook}
        return view

    return mark


def get_metadata(name: str, view_func: Any) -> Any:
    """Return what ``@name`` left on a view function, the outermost first; None where it does not stand."""
    found = (getattr(layer, f"_matt_{name}", None) for layer in find_views(view_func))
    return next((value for value in found if value is not None), None)


def needed_hooks(view_func: Any) -> dict[str, str]:
    """Return the hooks that the decorators of a view function need, by the decorators' names."""
    found: dict[str, str] = {}
    for layer in find_views(view_func):
        found |= getattr(layer, "_matt_needed_hooks", {})
    return found
