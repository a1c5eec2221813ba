"""The app's configuration."""

from django.apps import AppConfig
from django.core.checks import Tags, register
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
        from django_matt.contrib.search import checks, receivers

        autodiscover_modules("search")
        register(checks.check_indexes, "matt")
        register(checks.check_databases, Tags.database)
        post_migrate.connect(receivers.restore_triggers, dispatch_uid="matt_search")
