"""The app's configuration."""

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["RequestLogsConfig"]


class RequestLogsConfig(AppConfig):
    """Registers the system checks; the work is done by the middleware and the ``LOGGING`` setting."""

    name = "django_matt.contrib.request_logs"
    label = "matt_request_logs"
    verbose_name = "Django Matt: request logs"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.request_logs import checks

        for check in (checks.check_settings, checks.check_middleware, checks.check_logging):
            register(check, "matt")
