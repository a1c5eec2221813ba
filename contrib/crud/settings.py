"""One typed, frozen view of ``settings.MATT_CRUD``."""

from dataclasses import dataclass

from django_matt.settings import read_settings

__all__ = ["CrudSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrudSettings:
    """What the ``MATT_CRUD`` dictionary of a Django project may hold, with the defaults."""

    MAX_BULK_ROWS: int = 1_000
    """How many rows one call creates or updates."""


def get_settings() -> CrudSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for a name that does not exist."""
    return read_settings(CrudSettings, "MATT_CRUD")
