"""The app's configuration: its system checks, and the Content-Security-Policy of the admin's pages."""

from collections.abc import Mapping, Sequence

from django.apps import AppConfig
from django.core.checks import register
from django.urls import NoReverseMatch, reverse

from django_matt.errors.exceptions import MissingExtra

__all__ = ["AdminConfig"]


class AdminConfig(AppConfig):
    """Add ``"django_matt.contrib.admin"`` and ``"unfold"`` to ``INSTALLED_APPS``, above ``"django.contrib.admin"``."""

    name = "django_matt.contrib.admin"
    label = "matt_admin"
    verbose_name = "Django Matt: admin"

    def ready(self) -> None:
        """Register the system checks; raise ``MissingExtra`` if Unfold is not installed."""
        try:
            import unfold  # noqa: F401 - only whether it is there
        except ImportError:
            raise MissingExtra("django-unfold", "admin") from None
        from django_matt.contrib.admin import checks

        register(checks.check_apps, "matt")
        register(checks.check_settings, "matt")
        register(checks.check_transfers, "matt")

    def policies(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Allow what Unfold needs, below the URL of each admin site: Alpine evaluates expressions, and styles are inline."""
        from django.contrib.admin.sites import all_sites

        found: dict[str, Mapping[str, Sequence[str]]] = {}
        for site in all_sites:
            try:
                path = reverse(f"{site.name}:index")
            except NoReverseMatch:
                continue  # a site without URLs has no pages
            found[path] = {
                "script-src": ["'self'", "'unsafe-eval'"],
                "style-src": ["'self'", "'unsafe-inline'"],
            }
        return found
