"""The scopes of one API: which function narrows which tables."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db.models import Model, Q
from django.http import HttpRequest

from django_matt import upstream
from django_matt.scopes.managers import is_scoped, scope_managers

__all__ = ["Narrow", "Scopes", "Table"]

Narrow = Callable[[HttpRequest], Q | None]
"""Returns what a request may read of a model; ``None`` is everything. What it raises is the answer."""


@dataclass(slots=True)
class Table:
    """A table that is narrowed: by functions, by the objects that its keys must refer to, or by both."""

    model: type[Model]
    narrows: list[Narrow]
    keys: dict[str, str]
    """Of a table between two models: the narrowed tables that its foreign keys refer to, by the names of the keys."""


class Scopes:
    """The scopes of an API, in the order in which they were added."""

    def __init__(self) -> None:
        """Begin without a scope."""
        self._added: list[tuple[Any, Any]] = []

    def add(self, model: Any, narrow: Any) -> None:
        """Add a scope; what is wrong with it is found by ``problems``."""
        self._added.append((model, narrow))
        for name in ("tables", "models"):
            vars(self).pop(name, None)

    @property
    def narrows(self) -> list[Narrow]:
        """Every function that narrows, once."""
        return list(dict.fromkeys(narrow for _, narrow in self._added))

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The narrowed tables by name: of each model, of its subclasses, and of those that link these to others."""
        tables: dict[str, Table] = {}
        models = apps.get_models(include_auto_created=True)
        for added, narrow in self._added:
            for model in models:
                if issubclass(model, added) and not model._meta.proxy:
                    table = tables.setdefault(model._meta.db_table, Table(model, [], {}))
                    table.narrows.append(narrow)
        narrowed = {name: table.model for name, table in tables.items()}
        for model in models:
            for many in model._meta.local_many_to_many:
                through: type[Model] = many.remote_field.through  # type: ignore[assignment]
                keys = {
                    field.name: found._meta.db_table
                    for field in through._meta.concrete_fields
                    if isinstance(found := field.related_model, type)
                    and issubclass(found, Model)
                    and found._meta.db_table in narrowed
                }
                if keys:
                    name = through._meta.db_table
                    tables.setdefault(name, Table(through, [], {})).keys.update(keys)
        return tables

    @cached_property
    def models(self) -> list[type[Model]]:
        """The models whose managers narrow: those that somebody has narrowed, and their proxies."""
        tables = {name for name, table in self.tables.items() if table.narrows}
        return [model for model in apps.get_models() if model._meta.db_table in tables]

    def install(self) -> None:
        """Let the managers of all narrowed models ask what the current request may read; may be called again."""
        for model in self.models:
            # Django creates managers again if a model is added later, as in tests.
            if not is_scoped(model):
                scope_managers(model)

    def problems(self) -> list[tuple[str, str]]:
        """Return what is wrong with the scopes, each with a hint."""
        found = []
        if lost := upstream.lost("scopes"):
            found.append((f"Scopes do not work: {lost}.", "See matt.E005."))
        for model, narrow in self._added:
            name = getattr(model, "__name__", repr(model))
            if not (isinstance(model, type) and issubclass(model, Model)):
                hint = "Pass the model's class, as in api.add_scope(Book, narrow)."
                found.append((f"add_scope() got {name}, which is not a model.", hint))
            elif model._meta.proxy:
                concrete = model._meta.concrete_model
                hint = f"Add the scope to {'its model' if concrete is None else concrete.__name__}: the two share a table."
                found.append((f"add_scope() got the proxy {name}.", hint))
            if problem := _problem_of(narrow):
                hint = "Pass a plain function of the request that returns a Q, or None if the request may read everything."
                found.append((f"The scope of {name} {problem}.", hint))
        return found


def _problem_of(narrow: Any) -> str | None:
    if not callable(narrow):
        return f"is {narrow!r}, which is not callable"
    if inspect.iscoroutinefunction(narrow) or inspect.iscoroutinefunction(
        getattr(narrow, "__call__", None)  # noqa: B004 - the method itself is looked at
    ):
        return "is an async function, and managers cannot await"
    try:
        inspect.signature(narrow).bind(None)
    except TypeError:
        return "does not take the request as its one argument"
    except ValueError:
        return None
    return None
