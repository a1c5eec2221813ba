"""The app's configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig, apps
from django.core.checks import register

from django_matt.errors.exceptions import MissingExtra

if TYPE_CHECKING:
    from django_matt import MattAPI

__all__ = ["SocialConfig"]

try:
    import allauth.socialaccount  # noqa: F401 - to name the extra where it is missing
except ImportError:
    raise MissingExtra("django-allauth", "accounts") from None


class SocialConfig(AppConfig):
    """Add ``"django_matt.contrib.social"`` to ``INSTALLED_APPS``, with allauth's apps."""

    name = "django_matt.contrib.social"
    label = "matt_social"
    verbose_name = "Django Matt: sign-in at other providers"

    def ready(self) -> None:
        """Register the system checks, and the provider of OpenID Connect, which replaces allauth's."""
        from django_matt.contrib.social import checks

        register(checks.check_settings, "matt")
        register(checks.check_apps, "matt")
        register(checks.check_adapter, "matt")
        register(checks.check_deployment, "matt", deploy=True)
        if apps.is_installed("allauth.socialaccount"):
            from django_matt.contrib.social.provider import register_provider

            register_provider()

    def extend(self, api: "MattAPI") -> None:
        """Add the route that lists the providers to an API."""
        from django_matt.contrib.social.controllers import make_controller
        from django_matt.contrib.social.settings import get_settings

        options = get_settings()
        if options.PATH is not None:
            api.register_controllers(make_controller(options.PATH))
