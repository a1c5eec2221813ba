"""One typed, frozen view of ``settings.MATT_REQUEST_LOGS``."""

from dataclasses import dataclass, fields

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["RequestLogsSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLogsSettings:
    """The options of ``settings.MATT_REQUEST_LOGS``, with their defaults.

    >>> RequestLogsSettings().TRUST_REQUEST_ID
    False
    """

    TRUST_REQUEST_ID: bool = False
    """Use the ``X-Request-ID`` of the request, which your proxy sets; otherwise each request gets a new id."""
    QUERIES: bool = True
    """Count the database queries of each request."""


def get_settings() -> RequestLogsSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(RequestLogsSettings, "MATT_REQUEST_LOGS")
    for field in fields(found):
        value = getattr(found, field.name)
        if not isinstance(value, bool):
            raise ImproperlyConfigured(
                f'settings.MATT_REQUEST_LOGS["{field.name}"] is {value!r}; it is True or False.'
            )
    return found
