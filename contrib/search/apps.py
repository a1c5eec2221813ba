"""The app's configuration."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models import Model
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

__all__ = ["SearchConfig"]


class SearchConfig(AppConfig):
    """Add ``"django_matt.contrib.search"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.search"
    label = "matt_search"
    verbose_name = "Django Matt: search"

    def ready(self) -> None:
        """Import the ``search.py`` of each app, and register the checks and what keeps SQLite's triggers."""
        from django_matt.contrib.search import checks, declarations, receivers

        autodiscover_modules("search")
        declarations.declare_indexes()
        register(checks.check_indexes, "matt")
        register(checks.check_databases, Tags.database)
        post_migrate.connect(declarations.build_declared, dispatch_uid="matt_search_declared")
        post_migrate.connect(receivers.restore_triggers, dispatch_uid="matt_search")

    def search_words(
        self,
        model: type[Model],
        text: str,
        *,
        scope: Any = None,
        filters: Mapping[str, Any] | None = None,
        limit: int = 20,
    ) -> Any:
        """Search a model that another app declares; see ``django_matt.search_indexes.SearchesWords``."""
        from django_matt.contrib.search.declarations import find_index

        return find_index(model).search(
            text, scope=scope, filters=filters, limit=limit, mode="words"
        )
