"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["CachingConfig"]


class CachingConfig(AppConfig):
    """Add ``"django_matt.contrib.caching"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.caching"
    label = "matt_caching"
    verbose_name = "Django Matt: caching"

    def ready(self) -> None:
        """Watch the statements of every connection, and register the system checks."""
        from django_matt.contrib.caching import checks, writes

        writes.watch_connections()
        register(checks.check_settings, "matt")
        register(checks.check_cache, "matt")

    def extend(self, api: Any) -> None:
        """Add the hook for routes with ``@cached``."""
        from django_matt.contrib.caching.hooks import CachingHook

        api.add_hook(CachingHook)
