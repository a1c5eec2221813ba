"""Django Matt: swap ``NinjaExtraAPI`` for ``MattAPI``; one import line serves a whole API module.

Exceptions are in ``django_matt.errors.exceptions``, test tools in ``django_matt.testing``, and optional apps in
``django_matt.contrib``.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_matt.names import *  # noqa: F403 - for checkers and editors; names.py lists them
    from django_matt.names import __all__ as __all__

__version__ = "1.0.0.dev0"


def __getattr__(name: str) -> Any:
    """Load the public names when one is asked for: a command or a settings file imports us before Django is set up."""
    # ``from django_matt import cli`` asks here before it looks for a module, which needs no names.
    if (name == "__all__" or not name.startswith("__")) and find_spec(f"{__name__}.{name}") is None:
        names = import_module(f"{__name__}.names")
        if name == "__all__" or name in names.__all__:
            return getattr(names, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__getattr__("__all__")]
