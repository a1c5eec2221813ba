"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["IdempotencyConfig"]


class IdempotencyConfig(AppConfig):
    """Add ``"django_matt.contrib.idempotency"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.idempotency"
    label = "matt_idempotency"
    verbose_name = "Django Matt: idempotency keys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.idempotency import checks

        register(checks.check_settings, "matt")
        register(checks.check_database, "matt")

    def extend(self, api: Any) -> None:
        """Add the hook for routes with ``@idempotent``."""
        from django_matt.contrib.idempotency.hooks import IdempotencyHook

        api.add_hook(IdempotencyHook)

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete the responses that have expired; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.idempotency.services import prune

        return prune(dry_run=dry_run)
