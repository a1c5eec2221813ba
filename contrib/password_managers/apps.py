"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["PasswordManagersConfig"]


class PasswordManagersConfig(AppConfig):
    """Add ``"django_matt.contrib.password_managers"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.password_managers"
    label = "matt_password_managers"
    verbose_name = "Django Matt: password managers"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.password_managers import checks

        register(checks.check_settings, "matt")
        register(checks.check_urls, "matt")

    def extend(self, api: Any) -> None:
        """Add the address of the API's metadata to the challenges of its 401 and 403 responses."""
        from django_matt.contrib.password_managers.hooks import NamesMetadata

        api.add_hook(NamesMetadata)
