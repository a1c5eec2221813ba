"""The app's configuration."""

from django.apps import AppConfig
from django.core.checks import register

__all__ = ["WebhooksConfig"]


class WebhooksConfig(AppConfig):
    """Add ``"django_matt.contrib.webhooks"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.webhooks"
    label = "matt_webhooks"
    verbose_name = "Django Matt: webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.webhooks import checks

        register(checks.check_settings, "matt")
        register(checks.check_log, "matt")
        register(checks.check_deployment, "matt", deploy=True)

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete old deliveries and ids; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.webhooks.pruning import prune

        return prune(dry_run=dry_run)
