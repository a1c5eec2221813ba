"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["HealthConfig"]


class HealthConfig(AppConfig):
    """Add ``"django_matt.contrib.health"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.health"
    label = "matt_health"
    verbose_name = "Django Matt: health"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.health import checks

        register(checks.check_settings, "matt")
        register(checks.check_names, "matt")

    def extend(self, api: Any) -> None:
        """Add the two routes to an API."""
        from django_matt.contrib.health.controllers import make_controller
        from django_matt.contrib.health.services import HealthChecks, collect_checks
        from django_matt.contrib.health.settings import get_settings

        options = get_settings()
        checks = HealthChecks(collect_checks(options), options.TIMEOUT)
        api.register_controllers(make_controller(options, checks))
