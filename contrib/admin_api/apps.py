"""The app's configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django_matt import MattAPI

__all__ = ["AdminApiConfig"]


class AdminApiConfig(AppConfig):
    """Add ``"django_matt.contrib.admin_api"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.admin_api"
    label = "matt_admin_api"
    verbose_name = "Django Matt: admin API"

    def extend(self, api: "MattAPI") -> None:
        """Add the operations of the site in the settings to an API. All admins are registered when this is called."""
        if not apps.is_installed("django.contrib.admin"):
            raise ImproperlyConfigured('add "django.contrib.admin" to INSTALLED_APPS.')
        from django_matt.contrib.admin_api.controllers import add_admin, load_site
        from django_matt.contrib.admin_api.settings import get_settings

        options = get_settings()
        if options.PATH is not None:
            add_admin(api, load_site(options.SITE), path=options.PATH)
