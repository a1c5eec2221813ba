"""One typed, frozen view of ``settings.MATT_CRUD``."""

from dataclasses import dataclass

from django_matt.settings import read_settings

__all__ = ["CrudSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrudSettings:
    """The options of ``settings.MATT_CRUD``, with their defaults."""

    MAX_BULK_ROWS: int = 1_000
    """How many rows one call may create or update."""
    MAX_IMPORT_ROWS: int = 1_000_000
    """How many rows one import may create."""
    MAX_FILE_BYTES: int | None = 10 * 1024 * 1024
    """How large a file in a body may be; None for any size."""


def get_settings() -> CrudSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name."""
    return read_settings(CrudSettings, "MATT_CRUD")
