"""The app's configuration: its system check, and the files that the development server keeps fresh."""

import logging
from functools import partial
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from django_matt.extensions import FileChange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_matt.generation.orders import ForNames

__all__ = ["TypeScriptConfig"]

logger = logging.getLogger("django_matt")


class TypeScriptConfig(AppConfig):
    """Add ``"django_matt.contrib.typescript"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.typescript"
    label = "matt_typescript"
    verbose_name = "Django Matt: TypeScript"
    is_fresh = False
    """Whether this process has written the files already; it runs one state of the code."""

    def ready(self) -> None:
        """Register the system check."""
        from django_matt.contrib.typescript import checks

        register(checks.check_settings, "matt")

    def generators(self) -> "Mapping[str, ForNames]":
        """Return the kinds of source for ``manage.py matt_generate … --to react`` and ``--to svelte``."""
        from django_matt.contrib.typescript.components.sources import PACKAGES, make
        from django_matt.generation.orders import ForNames

        return {
            f"{kind}:{target}": ForNames(partial(make, kind, target))
            for kind in ("form", "table", "page")
            for target in PACKAGES
        }

    def file_changed(self, change: FileChange) -> None:
        """Write the files after an edit of Python code, in the process that runs the edited code."""
        from django_matt.contrib.typescript.errors import TypesError
        from django_matt.contrib.typescript.settings import get_settings

        options = get_settings()
        wanted = settings.DEBUG and options.OUTPUT is not None
        if not wanted or self.is_fresh or change.path.suffix != ".py":
            return
        from django_matt.contrib.typescript.management.verbs.write import write_types

        try:
            written = write_types(options)
        except TypesError as error:
            logger.error("manage.py matt_types write: %s", error)
            return
        self.is_fresh = True
        if written.stale:
            names = ", ".join([*written.changed, *written.removed])
            logger.info("matt_types wrote %s", names)
