"""One typed, frozen view of ``settings.MATT_HTMX``."""

from dataclasses import dataclass

from django_matt.settings import read_settings

__all__ = ["HtmxSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmxSettings:
    """The options of ``settings.MATT_HTMX``, with their defaults.

    >>> HtmxSettings().VERSION
    4
    """

    VERSION: int = 4
    """The version of htmx that ``{% matt_htmx %}`` loads: 4 or 2."""
    EXTENSIONS: tuple[str, ...] = ()
    """The extensions of htmx that it loads too, such as ``"sse"``: those that django-htmx contains."""


def get_settings() -> HtmxSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name."""
    return read_settings(HtmxSettings, "MATT_HTMX")
