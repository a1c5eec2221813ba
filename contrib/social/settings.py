"""One typed, frozen view of ``settings.MATT_SOCIAL``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["SocialSettings", "get_settings"]

Trust = bool | Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialSettings:
    """The options of ``settings.MATT_SOCIAL``, with their defaults.

    >>> SocialSettings().PATH
    '/sign-in/providers'
    """

    TRUSTED_EMAIL: Mapping[str, Trust] = field(default_factory=lambda: MappingProxyType({}))
    """The providers whose verified e-mail addresses count as verified: ``True``, or the domains for which they do.

    The addresses of every other provider are verified by a mail of your own, as those of users who sign up themselves.
    """
    PATH: str | None = "/sign-in/providers"
    """The path of the route that lists the providers, below the API; ``None`` for no such route."""


def get_settings() -> SocialSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(SocialSettings, "MATT_SOCIAL")
    if found.PATH is not None and not found.PATH.startswith("/"):
        raise ImproperlyConfigured(
            f'settings.MATT_SOCIAL["PATH"] is {found.PATH!r}; a path must begin with "/".'
        )
    for provider, trust in found.TRUSTED_EMAIL.items():
        if isinstance(trust, str) or not isinstance(trust, bool | Sequence):
            raise ImproperlyConfigured(
                f'settings.MATT_SOCIAL["TRUSTED_EMAIL"][{provider!r}] is {trust!r}; it must be True, False or a list '
                "of domains."
            )
    return found
