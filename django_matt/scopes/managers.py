"""The managers of narrowed models: they ask what the current request may read."""

import copy
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Model

from django_matt.scopes.current import narrow_by_request
from django_matt.serialization.requirements import NARROWED

__all__ = ["is_scoped", "scope_managers"]


class _Scoped:
    """What a manager class gets: its querysets are narrowed while a request of a scoped API runs."""

    _unscoped: Any

    def get_queryset(self) -> Any:
        return narrow_by_request(super().get_queryset())  # type: ignore[misc]

    def __eq__(self, other: object) -> bool:
        # The migration autodetector compares managers with those of the migrations, which are of the class before.
        same: bool = isinstance(other, self._unscoped) and (
            self._constructor_args == other._constructor_args  # type: ignore[attr-defined]
        )
        return same

    def __hash__(self) -> int:
        return id(self)


@cache
def _scoped_class(kind: type[Any]) -> type[Any]:
    """Return a manager class that narrows; it has the name of the other, for migrations that write it."""
    names = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "_unscoped": kind,
    }
    return type(kind.__name__, (_Scoped, kind), names)


def is_scoped(model: type[Model]) -> bool:
    """Tell whether the managers of a model narrow."""
    return isinstance(model._base_manager, _Scoped) and isinstance(model._default_manager, _Scoped)


def scope_managers(model: type[Model]) -> None:
    """Let every manager of a model narrow: its own, inherited ones, the base manager, and those of relations to it.

    Each keeps what its class does. Outside of requests of scoped APIs it returns what it returned before.
    """
    NARROWED.add(model)
    meta: Any = model._meta
    # Django copies the managers of the bases, and again whenever a model is added. So the originals change as well.
    for base in model.__mro__:
        of_base: Any = vars(base).get("_meta")
        for manager in () if of_base is None else of_base.local_managers:
            _scope(manager)
    for manager in meta.managers:
        _scope(manager)
    base_manager = copy.copy(meta.base_manager)
    _scope(base_manager)
    vars(meta)["base_manager"] = base_manager
    # A related manager is a subclass of the default manager's class, made when it is first used.
    for each in apps.get_models():
        for attribute in vars(each).values():
            if hasattr(type(attribute), "related_manager_cls"):
                vars(attribute).pop("related_manager_cls", None)


def _scope(manager: Any) -> None:
    if not isinstance(manager, _Scoped):
        kind: Any = type(manager)
        manager.__class__ = _scoped_class(kind)
