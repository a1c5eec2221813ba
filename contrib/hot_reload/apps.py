"""The app's configuration."""

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["HotReloadConfig"]


class HotReloadConfig(AppConfig):
    """Adds the ``runserver`` command and the system checks; adds nothing to an API."""

    name = "django_matt.contrib.hot_reload"
    label = "matt_hot_reload"
    verbose_name = "Hot reload"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.hot_reload import checks

        register(checks.check_deployment, "matt", deploy=True)
        for check in (checks.check_settings, checks.check_command, checks.check_middleware):
            register(check, "matt")
