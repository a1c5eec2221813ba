"""The app's configuration."""

from collections.abc import Callable
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

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

    def conditional(self, column: str, *, required: bool = False) -> Callable[[Any], Any]:
        """Return ``@conditional`` for a route of another app whose objects have a column for their version."""
        from django_matt.contrib.conditional.conditions import conditional

        return conditional(last_modified=column, required=required)

    def check_preconditions(self, request: HttpRequest, instance: Any) -> None:
        """Do what ``check_preconditions`` does."""
        from django_matt.contrib.conditional.conditions import check_preconditions

        check_preconditions(request, instance)
