"""The app's configuration: its system check, and the files that the development server keeps fresh."""

import logging

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from django_matt.extensions import FileChange

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
