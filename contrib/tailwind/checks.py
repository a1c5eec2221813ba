"""The system checks: wrong settings, a folder that is not served, a stylesheet that was not built."""

from typing import Any

from django.apps import apps
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.tailwind.errors import TailwindError
from django_matt.contrib.tailwind.services import scanned_folders
from django_matt.contrib.tailwind.settings import get_settings, root

__all__ = ["check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report invalid settings, and an output that no page can load."""
    try:
        options = get_settings()
        scanned_folders(options)
    except (ImproperlyConfigured, TailwindError) as error:
        hint = "Fix or remove the option in settings.MATT_TAILWIND."
        return [Error(str(error), hint=hint, id="matt_tailwind.E001")]
    folder = options.output.parent
    if not any(folder.is_relative_to(each) for each in _static_folders()):
        name = folder.relative_to(root()) if folder.is_relative_to(root()) else folder
        return [
            Warning(
                f"{options.output.name} is built into {name}, which is not a folder of static files.",
                hint=f'Add it: STATICFILES_DIRS = [BASE_DIR / "{name}"].',
                id="matt_tailwind.W001",
            )
        ]
    if not options.output.exists():
        hint = "Run manage.py matt_tailwind build."
        message = f"The stylesheet {options.output.name} was not built yet."
        return [Warning(message, hint=hint, id="matt_tailwind.W002")]
    return []


def _static_folders() -> set[str]:
    if not apps.is_installed("django.contrib.staticfiles"):
        return set()
    storages = [
        each for finder in get_finders() for each in getattr(finder, "storages", {}).values()
    ]
    return {storage.location for storage in storages if hasattr(storage, "location")}
