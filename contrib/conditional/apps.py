"""The app's configuration."""

from typing import Any

from django.apps import AppConfig

__all__ = ["ConditionalConfig"]


class ConditionalConfig(AppConfig):
    """Add ``"django_matt.contrib.conditional"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.conditional"
    label = "matt_conditional"
    verbose_name = "Django Matt: conditional requests"

    def extend(self, api: Any) -> None:
        """Add the hook for routes with ``@conditional``."""
        from django_matt.contrib.conditional.hooks import ConditionalHook

        api.add_hook(ConditionalHook)
