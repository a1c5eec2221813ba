"""The app's options, ``settings.MATT_ACCOUNTS``."""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["AccountsSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsSettings:
    """The options of the ``MATT_ACCOUNTS`` dictionary in a project's settings, with their defaults."""

    MAX_SESSIONS: int | None = 10
    """How many sessions a user may have. A login ends the oldest ones above it; ``None`` for no limit."""
    ACCOUNT_PATH: str | None = "/account"
    """The path, below the API, of ``DELETE`` and ``…/export`` of the own account; ``None`` for no such routes."""
    MAX_BODY: int = 100_000
    """The largest request body of allauth's views, in bytes."""


def get_settings() -> AccountsSettings:
    """Return the project's options; raise ``ImproperlyConfigured`` for an unknown option or an invalid value."""
    found = read_settings(AccountsSettings, "MATT_ACCOUNTS")
    most = found.MAX_SESSIONS
    if most is not None and (type(most) is not int or most < 1):
        raise ImproperlyConfigured(
            f'settings.MATT_ACCOUNTS["MAX_SESSIONS"] is {most!r}; it must be 1 or more, or None.'
        )
    if type(found.MAX_BODY) is not int or found.MAX_BODY < 1:
        raise ImproperlyConfigured(
            f'settings.MATT_ACCOUNTS["MAX_BODY"] is {found.MAX_BODY!r}; it must be 1 or more.'
        )
    path = found.ACCOUNT_PATH
    if path is not None and not path.startswith("/"):
        raise ImproperlyConfigured(
            f'settings.MATT_ACCOUNTS["ACCOUNT_PATH"] is {path!r}; it must begin with "/".'
        )
    return found
