"""The tables of the project's models, and which of them the database itself changes with others."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import models
from django.db.models import Model

__all__ = [
    "add_tables",
    "cascade_from",
    "known_tables",
    "model_of",
    "on_tables_changed",
    "table_of",
]

_added: set[str] = set()
_forget: list[Any] = []


def table_of(named: type[Model] | str) -> str:
    """Return the name by which a table is known here: in small letters, because SQL does not distinguish them.

    A text is a table, or a model such as ``shop.Book``. Raises ``ImproperlyConfigured`` if there is no such model.
    """
    if not isinstance(named, str):
        return str(named._meta.db_table).lower()
    if "." not in named or '"' in named:
        return named.lower()
    try:
        return str(apps.get_model(named)._meta.db_table).lower()
    except (LookupError, ValueError):
        raise ImproperlyConfigured(f"There is no model {named!r}.") from None


@lru_cache(maxsize=1)
def _models() -> dict[str, type[Model]]:
    return {table_of(model): model for model in apps.get_models(include_auto_created=True)}


def model_of(table: str) -> type[Model] | None:
    """Return a model of a table; ``None`` for a table without one."""
    return _models().get(table)


@lru_cache(maxsize=1)
def known_tables() -> frozenset[str]:
    """Return the tables of all models, and those that routes name."""
    return frozenset({*_models(), *_added})


@lru_cache(maxsize=1)
def odd_tables() -> frozenset[str]:
    """Return the tables whose names are not one word, as ``schema"."table``."""
    return frozenset(table for table in known_tables() if not re.fullmatch(r"[\w$]+", table))


def add_tables(tables: Iterable[str]) -> None:
    """Also know tables without a model."""
    new = {*tables} - known_tables()
    if new:
        _added.update(new)
        _clear()


@lru_cache(maxsize=1)
def _cascades() -> dict[str, set[str]]:
    """Return the tables that the database changes when rows of a table are deleted (Django 6.1: ``DB_CASCADE``)."""
    by_database = {
        getattr(models, name)
        for name in ("DB_CASCADE", "DB_SET_NULL", "DB_SET_DEFAULT")
        if hasattr(models, name)
    }
    found: dict[str, set[str]] = {}
    if not by_database:
        return found
    for model in _models().values():
        for field in model._meta.local_fields:
            remote = field.remote_field
            if remote is not None and getattr(remote, "on_delete", None) in by_database:
                found.setdefault(table_of(remote.model), set()).add(table_of(model))
    return found


def cascade_from(tables: Iterable[str]) -> frozenset[str]:
    """Return the tables, and those that the database changes if rows of these are deleted."""
    graph, found, left = _cascades(), set[str](), [*tables]
    while left:
        table = left.pop()
        if table not in found:
            found.add(table)
            left.extend(graph.get(table, ()))
    return frozenset(found)


def on_tables_changed(forget: Any) -> None:
    """Call a function when other tables are known."""
    _forget.append(forget)


def _clear() -> None:
    for each in (_models, known_tables, odd_tables, _cascades):
        each.cache_clear()
    for forget in _forget:
        forget()


def _changed(*, setting: str, **_: Any) -> None:
    if setting == "INSTALLED_APPS":
        _clear()


setting_changed.connect(_changed)
