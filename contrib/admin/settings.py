"""One typed, frozen view of ``settings.MATT_ADMIN``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["AdminSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSettings:
    """The options of ``settings.MATT_ADMIN``, with their defaults. Unfold's own setting ``UNFOLD`` has the others.

    >>> AdminSettings().CACHE_SECONDS
    60
    """

    TITLE: str | None = None
    """The name of the admin, on every page and in the title of the window."""
    ICON: str | None = None
    """The icon beside the name: one of Material Symbols, such as ``"storefront"``."""
    ENVIRONMENT: str | None = None
    """What the badge at the top says, such as ``"Production"``. Production is red, staging is orange."""
    NAVIGATION: bool = True
    """Build the navigation from the registered models. If it is off, that of ``UNFOLD["SIDEBAR"]`` is shown."""
    LINKS: Mapping[str, str] = field(default_factory=dict)
    """More links in the navigation, as addresses by their titles. The documentation of your APIs is there already."""
    DASHBOARD: str | None = None
    """The dotted path of a list of panels, which the first page shows: ``"shop.dashboards.panels"``."""
    CACHE_SECONDS: int = 60
    """How long the data of a panel is kept in the cache; 0 turns it off."""


def get_settings() -> AdminSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown option or an invalid value."""
    found = read_settings(AdminSettings, "MATT_ADMIN")
    for name in ("TITLE", "ICON", "ENVIRONMENT", "DASHBOARD"):
        if not isinstance(getattr(found, name), str | None):
            raise ImproperlyConfigured(
                f'settings.MATT_ADMIN["{name}"] is {getattr(found, name)!r}; it must be a string.'
            )
    if not isinstance(found.LINKS, Mapping):
        raise ImproperlyConfigured(
            f'settings.MATT_ADMIN["LINKS"] is {found.LINKS!r}; it must be a dictionary of addresses by titles.'
        )
    if type(found.CACHE_SECONDS) is not int or found.CACHE_SECONDS < 0:
        raise ImproperlyConfigured(
            f'settings.MATT_ADMIN["CACHE_SECONDS"] is {found.CACHE_SECONDS!r}; it must be 0 or more.'
        )
    return found
