"""The stacks: one module each, whose ``urlpatterns`` serve the same routes in the same order."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from django.urls import include, path

__all__ = ["PREFIX", "STACKS", "Stack", "load", "serving"]

PREFIX = "api/"


@dataclass(frozen=True)
class Stack:
    """One way to serve the cases."""

    title: str
    only: tuple[str, ...] = ()
    """The cases it serves, where it is there for these alone."""
    asynchronous: bool = True
    second: bool = False
    """Whether it is another way to write the stack above it, left out where a case takes long."""


STACKS = {
    "bare": Stack("hand-written Django + orjson"),
    "matt": Stack("MattAPI, functions"),
    "matt-controller": Stack("MattAPI, a controller", second=True),
    "ninja": Stack("Django Ninja"),
    "extra": Stack("Ninja Extra, functions"),
    "extra-controller": Stack("Ninja Extra, a controller", second=True),
    "extra-plain": Stack(
        "Ninja Extra, the functions of MattAPI's stack: no joins written by hand, a query a row",
        only=("nested", "deep"),
    ),
    "drf": Stack("Django REST framework", asynchronous=False),
    "modern": Stack("django-modern-rest, msgspec"),
}


def serving(case: str, *, asynchronous: bool) -> list[str]:
    """Return the stacks that serve a case."""
    return [
        name
        for name, stack in STACKS.items()
        if (not stack.only or case in stack.only) and (stack.asynchronous or not asynchronous)
    ]


def load(name: str) -> ModuleType:
    """Return a root URLconf of one stack alone, so that no stack stands in front of another.

    Raises ``ImportError`` where the stack is not installed.
    """
    stack = import_module(f"benchmarks.stacks.{name.replace('-', '_')}")
    urlconf = ModuleType(f"benchmarks.stacks.{name}.urlconf")
    urlconf.urlpatterns = [path(PREFIX, include(stack.urlpatterns))]  # type: ignore[attr-defined]
    return urlconf
