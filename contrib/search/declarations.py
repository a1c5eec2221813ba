"""The models that other apps declare as searched: an index for each, which ``migrate`` creates."""

from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router, transaction

from django_matt.contrib.search.indexes import SearchIndex, list_indexes
from django_matt.search_indexes import DeclaresWords, IndexedWords

__all__ = ["build_declared", "declare_indexes", "find_index"]


def declare_indexes() -> None:
    """Declare an index for each model of an installed ``DeclaresWords`` that has none; a project's own one comes first."""
    known = {index.model for index in list_indexes()}
    for config in apps.get_app_configs():
        if isinstance(config, DeclaresWords):
            for declared in config.indexed_words():
                if declared.model not in known:
                    _declare(config, declared)


def _declare(config: AppConfig, declared: IndexedWords) -> None:
    members = {
        "__module__": config.name,
        "model": declared.model,
        "words": declared.words,
        "filters": declared.filters,
        "is_declared": True,
    }
    type(f"{declared.model.__name__}Index", (SearchIndex,), members)


def find_index(model: type[Any]) -> type[SearchIndex]:
    """Return the index of a model; raise ``ImproperlyConfigured`` if it has none."""
    found = next((index for index in list_indexes() if index.model is model), None)
    if found is None:
        raise ImproperlyConfigured(f"{model._meta.label} has no search index.")
    return found


def build_declared(sender: Any, using: str, **_: Any) -> None:
    """Create the declared indexes of an app whose tables do not exist yet, or are those of another definition."""
    for index in list_indexes():
        if index.model._meta.app_config is not sender or not hasattr(index, "is_declared"):
            continue
        if not router.allow_migrate_model(using, index.model):
            continue
        connection = connections[using]
        if index.model._meta.db_table not in connection.introspection.table_names():
            continue
        try:
            storage = index.storage(using)
        except ImproperlyConfigured:
            # The check reports it.
            continue
        if storage.has_tables() and (storage.is_current() or storage.fits()):
            continue
        with transaction.atomic(using=using), connection.cursor() as cursor:
            storage.drop(cursor.execute)
            storage.create(cursor.execute)
