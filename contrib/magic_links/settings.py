"""One typed, frozen view of ``settings.MATT_MAGIC_LINKS``."""

from dataclasses import dataclass
from typing import Literal

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["MagicLinksSettings", "get_settings"]

Limit = tuple[int, int]
"""How many requests are allowed in how many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MagicLinksSettings:
    """The options of ``settings.MATT_MAGIC_LINKS``, with their defaults.

    >>> MagicLinksSettings().LIFETIME
    600
    """

    LIFETIME: int = 600
    """How many seconds a link and its code are valid; at most 600."""
    CODE_LENGTH: int = 6
    """How many characters a code has: 6, 7 or 8."""
    CODE_ATTEMPTS: int = 5
    """How many codes may be tried for one link."""
    UNKNOWN: Literal["mail", "nothing"] = "mail"
    """What an address without an account gets: a mail that tells it, or nothing."""
    SIGN_UP_URL: str | None = None
    """The absolute URL of the sign-up page, for the mail to an unknown address."""
    URL: str | None = None
    """The absolute URL of the page that the link opens; ``None`` for the page of this app, at the host of the request."""
    PENDING_URL: str | None = None
    """Where the page sends a user who needs a second factor: a path or the name of a URL.

    If it is ``None``, it is the URL that has the name of the step, such as ``mfa_authenticate``, or ``LOGIN_URL``.
    """
    NEXT_HOSTS: tuple[str, ...] = ()
    """The hosts that ``next`` may name, besides the host of the request."""
    RECIPIENT_LIMIT: Limit = (5, 900)
    """How many mails one address gets, and in how many seconds."""
    CLIENT_LIMIT: Limit = (20, 900)
    """How many links one client may request, by its network address, and in how many seconds."""
    SUBJECT_PREFIX: str = ""
    """What every subject begins with, such as ``"[Shop] "``."""


def get_settings() -> MagicLinksSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(MagicLinksSettings, "MATT_MAGIC_LINKS")
    for name, smallest, largest in (
        ("LIFETIME", 30, 600),
        ("CODE_LENGTH", 6, 8),
        ("CODE_ATTEMPTS", 1, 20),
    ):
        value = getattr(found, name)
        if type(value) is not int or not smallest <= value <= largest:
            _refuse(name, value, f"a number from {smallest} to {largest}")
    for name in ("RECIPIENT_LIMIT", "CLIENT_LIMIT"):
        value = getattr(found, name)
        if len(value) != 2 or not all(type(each) is int and each > 0 for each in value):
            _refuse(name, value, "two numbers: how many, and in how many seconds")
    if found.UNKNOWN not in ("mail", "nothing"):
        _refuse("UNKNOWN", found.UNKNOWN, "'mail' or 'nothing'")
    for name in ("URL", "SIGN_UP_URL"):
        value = getattr(found, name)
        if value is not None and (not value.startswith(("https://", "http://")) or "#" in value):
            _refuse(name, value, "an absolute URL without a fragment")
    return found


def _refuse(name: str, value: object, expected: str) -> None:
    raise ImproperlyConfigured(
        f'settings.MATT_MAGIC_LINKS["{name}"] is {value!r}; it must be {expected}.'
    )
