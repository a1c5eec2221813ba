"""The app's configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.core.checks import Tags, register

if TYPE_CHECKING:
    from django_matt import MattAPI

__all__ = ["MagicLinksConfig"]


class MagicLinksConfig(AppConfig):
    """Add ``"django_matt.contrib.magic_links"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.magic_links"
    label = "matt_magic_links"
    verbose_name = "Django Matt: sign-in links"
    default_auto_field = "django.db.models.BigAutoField"
    uses_client_address = True  # so that the core's check compares the settings of proxies

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.magic_links import checks

        register(checks.check_settings, "matt")
        register(checks.check_page, Tags.urls)
        register(checks.check_deployment, Tags.security, deploy=True)

    def extend(self, api: "MattAPI") -> None:
        """Add the two routes to an API."""
        from django_matt.contrib.magic_links.controllers import LinkErrors, make_controller
        from django_matt.contrib.magic_links.settings import get_settings

        get_settings()
        api.add_hook(LinkErrors)
        api.register_controllers(make_controller(api))

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete the links that have expired, and counters; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.magic_links.services import prune

        return prune(dry_run=dry_run)
