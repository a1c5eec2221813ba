"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.http import HttpRequest

__all__ = ["RateLimitsConfig"]


class RateLimitsConfig(AppConfig):
    """Add ``"django_matt.contrib.rate_limits"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.rate_limits"
    label = "matt_rate_limits"
    verbose_name = "Django Matt: rate limits"
    default_auto_field = "django.db.models.BigAutoField"
    uses_client_address = True  # so that the core's check compares the settings of proxies

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.rate_limits import checks

        register(checks.check_settings, "matt")
        register(checks.check_store, "matt")
        register(checks.check_middleware, "matt")
        register(checks.check_deployment, "matt", deploy=True)

    def extend(self, api: Any) -> None:
        """Add the hook for limited routes."""
        from django_matt.contrib.rate_limits.hooks import RateLimitHook

        api.add_hook(RateLimitHook)

    def check_limit(self, name: str, key: str, *, request: HttpRequest | None = None) -> None:
        """Count something for the other apps; see ``django_matt.sign_in.check_limit``."""
        from django_matt.contrib.rate_limits.services import check_limit

        check_limit(name, key, request=request)

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete the rows of clients that send no more requests; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.rate_limits.services import prune

        return prune(dry_run=dry_run) or 0
