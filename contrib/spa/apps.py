"""The app's configuration: its system checks, and the policy of pages while Vite's development server is on."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from django_matt.errors.exceptions import MissingExtra
from django_matt.policies import find_writer

__all__ = ["SpaConfig"]


class SpaConfig(AppConfig):
    """Add ``"django_matt.contrib.spa"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.spa"
    label = "matt_spa"
    verbose_name = "Django Matt: single-page app"

    def ready(self) -> None:
        """Register the system checks; raise ``MissingExtra`` if django-vite is missing, which reads the build of a page of Django's."""
        rendered = getattr(settings, "MATT_SPA", None) or {}
        if not rendered.get("SERVER") and find_spec("django_vite") is None:
            raise MissingExtra("django-vite", "spa")
        from django_matt.contrib.spa import checks

        register(checks.check_settings, "matt")
        register(checks.check_origins, "matt")
        register(checks.check_urls, "matt")
        register(checks.check_build, "matt", deploy=True)

    def policies(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Allow Vite's development server, and the styles that it puts into pages. Without it, nothing changes."""
        from django_matt.contrib.spa.settings import dev_server, get_settings

        origin, writer = dev_server(), find_writer()
        if not origin or writer is None or get_settings().SERVER:
            return {}
        directives = writer[1].directives()[0]
        usual = directives.get("default-src", [])
        # http://localhost:5173 → ws://localhost:5173, the channel that tells the page what has changed.
        more = {
            "script-src": [origin],
            "style-src": [origin, "'unsafe-inline'"],
            "connect-src": [origin, origin.replace("http", "ws", 1)],
            "img-src": [origin],
            "font-src": [origin],
        }
        return {
            "/": {
                name: [*_without_none(directives.get(name, usual)), *sources]
                for name, sources in more.items()
            }
        }


def _without_none(sources: Sequence[str]) -> list[str]:
    """Return the sources of a directive; ``'none'`` is one that no other may follow."""
    return [source for source in sources if source != "'none'"]
