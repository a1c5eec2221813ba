"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

from django_matt.errors.exceptions import MissingExtra

__all__ = ["PostgresConfig"]


class PostgresConfig(AppConfig):
    """Add ``"django_matt.contrib.postgres"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.postgres"
    label = "matt_postgres"
    verbose_name = "Django Matt: PostgreSQL"

    def ready(self) -> None:
        """Register the types of ranges and the system checks."""
        try:
            import psycopg  # noqa: F401 - the extra's library, version 3
        except ImportError as error:
            raise MissingExtra("psycopg", "postgres") from error
        from django_matt.contrib.postgres import checks
        from django_matt.contrib.postgres.ranges import register_ranges

        register_ranges()
        register(checks.check_settings, "matt")
        register(checks.check_databases, "matt")

    def extend(self, api: Any) -> None:
        """Add the hook of the time limits, and the errors of statements that took too long."""
        from django_matt.contrib.postgres.errors import register_errors
        from django_matt.contrib.postgres.hooks import TimeLimits

        api.add_hook(TimeLimits)
        register_errors(api)
