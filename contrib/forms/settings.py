"""One typed, frozen view of ``settings.MATT_FORMS``."""

from dataclasses import dataclass

from django_matt.settings import read_settings

__all__ = ["FormsSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormsSettings:
    """The options of ``settings.MATT_FORMS``, with their defaults."""

    PATH: str = "/forms"
    """The path of the route below the API. The id of an operation comes behind it."""


def get_settings() -> FormsSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name."""
    return read_settings(FormsSettings, "MATT_FORMS")
