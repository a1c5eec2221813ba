"""One typed, frozen view of ``settings.MATT_CACHING``."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["CachingSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachingSettings:
    """The options of ``settings.MATT_CACHING``, with their defaults.

    >>> CachingSettings().CACHE
    'default'
    """

    CACHE: str = "default"
    """The alias in ``CACHES`` of the cache that stores responses."""
    TIMEOUT: float = 0.05
    """How many seconds Redis has to answer. After that, the request is answered without the cache."""
    WAIT: float = 5.0
    """How many seconds a request waits for another one that computes the same response."""
    MAX_BODY: int = 1_000_000
    """How many bytes a stored body may have."""
    STRICT: bool = False
    """Whether nothing is stored or served of a table from the first write of a transaction to its end."""


def get_settings() -> CachingSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(CachingSettings, "MATT_CACHING")
    if _valid.get("settings") is not found:
        _check(found)
        _valid["settings"] = found
    return found


_valid: dict[str, CachingSettings] = {}


def _check(found: CachingSettings) -> None:
    for name in ("TIMEOUT", "WAIT", "MAX_BODY"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ImproperlyConfigured(
                f'settings.MATT_CACHING["{name}"] is {value!r}; it must be a number above 0.'
            )
    if type(found.STRICT) is not bool:
        raise ImproperlyConfigured(
            f'settings.MATT_CACHING["STRICT"] is {found.STRICT!r}; it must be True or False.'
        )
    if found.CACHE not in settings.CACHES:
        raise ImproperlyConfigured(
            f'settings.MATT_CACHING["CACHE"] is {found.CACHE!r}, which settings.CACHES does not have.'
        )
