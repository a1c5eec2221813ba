"""The stacks: one module each, whose ``urlpatterns`` serve the same eight routes in the same order."""

from importlib import import_module
from types import ModuleType

from django.urls import include, path

__all__ = ["PREFIX", "STACKS", "load"]

PREFIX = "api/"
STACKS = {
    "bare": "hand-written Django + orjson",
    "matt": "MattAPI, functions",
    "matt-controller": "MattAPI, a controller",
    "ninja": "Django Ninja",
    "extra": "Ninja Extra, functions",
    "extra-controller": "Ninja Extra, a controller",
    "drf": "Django REST framework",
    "modern": "django-modern-rest, msgspec",
}


def load(name: str) -> ModuleType:
    """Return a root URLconf of one stack alone, so that no stack stands in front of another.

    Raises ``ImportError`` where the stack is not installed.
    """
    stack = import_module(f"benchmarks.stacks.{name.replace('-', '_')}")
    urlconf = ModuleType(f"benchmarks.stacks.{name}.urlconf")
    urlconf.urlpatterns = [path(PREFIX, include(stack.urlpatterns))]  # type: ignore[attr-defined]
    return urlconf
