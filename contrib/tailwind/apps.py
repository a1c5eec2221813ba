"""The app's configuration: its system check, and the stylesheet that the development server keeps fresh."""

import logging
import time

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from django_matt.extensions import FileChange

__all__ = ["TailwindConfig"]

logger = logging.getLogger("django_matt")


class TailwindConfig(AppConfig):
    """Add ``"django_matt.contrib.tailwind"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.tailwind"
    label = "matt_tailwind"
    verbose_name = "Django Matt: Tailwind"

    def ready(self) -> None:
        """Register the system check."""
        from django_matt.contrib.tailwind import checks

        register(checks.check_settings, "matt")

    def file_changed(self, change: FileChange) -> None:
        """Build after an edit of a template, a module or the theme. The hot reload app then swaps the stylesheet."""
        from django_matt.contrib.tailwind import services
        from django_matt.contrib.tailwind.errors import TailwindError
        from django_matt.contrib.tailwind.settings import get_settings

        options = get_settings()
        # Before the first build there is no stylesheet, and the check says how to build it.
        if not settings.DEBUG or not options.source.exists():
            return
        began = time.perf_counter()
        try:
            if not services.is_scanned(change.path, options):
                return
            if services.write(options, services.build(options)):
                spent = 1000 * (time.perf_counter() - began)
                logger.info("matt_tailwind built %s in %.0f ms", options.output.name, spent)
        except TailwindError as error:
            logger.error("matt_tailwind: %s", error)
