"""One typed, frozen view of ``settings.MATT_PASSWORD_MANAGERS``."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["PasswordManagersSettings", "get_settings", "related_origins"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordManagersSettings:
    """The options of ``settings.MATT_PASSWORD_MANAGERS``, with their defaults.

    A page is the name of a URL, or the URL itself: one that begins with ``/`` or ``https://``.

    >>> PasswordManagersSettings().CHANGE_PASSWORD
    'account_change_password'
    """

    CHANGE_PASSWORD: str | None = "account_change_password"  # noqa: S105 - a URL
    """The page on which users change their password; ``None`` if they have none."""
    ENROLL: str | None = "mfa_add_webauthn"
    """The page on which users add a passkey."""
    MANAGE: str | None = "mfa_list_webauthn"
    """The page on which users see, rename and remove their passkeys."""
    RELATED_ORIGINS: tuple[str, ...] = ()
    """Other origins that may use the passkeys of this site; those of ``MATT_PASSKEYS`` if that setting has some."""
    AUTHORIZATION_SERVERS: tuple[str, ...] = ()
    """The issuers of access tokens for the APIs of this project, as ``https://`` URLs (RFC 9728, 2)."""


def get_settings() -> PasswordManagersSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(PasswordManagersSettings, "MATT_PASSWORD_MANAGERS")
    for name in ("CHANGE_PASSWORD", "ENROLL", "MANAGE"):
        page = getattr(found, name)
        if page is not None and (not page or page.startswith("//")):
            raise ImproperlyConfigured(
                f'settings.MATT_PASSWORD_MANAGERS["{name}"] is {page!r}; it must be the name of a URL, a path or an '
                "https:// URL."
            )
    for origin in found.RELATED_ORIGINS:
        parts = urlsplit(origin)
        if parts.scheme != "https" or not parts.netloc or origin != f"https://{parts.netloc}":
            raise ImproperlyConfigured(
                f'settings.MATT_PASSWORD_MANAGERS["RELATED_ORIGINS"] has {origin!r}; an origin is like '
                '"https://example.com", without a path.'
            )
    for issuer in found.AUTHORIZATION_SERVERS:
        if not issuer.startswith("https://") or urlsplit(issuer).query or urlsplit(issuer).fragment:
            raise ImproperlyConfigured(
                f'settings.MATT_PASSWORD_MANAGERS["AUTHORIZATION_SERVERS"] has {issuer!r}; an issuer is an https:// URL '
                "without a query (RFC 8414, 2)."
            )
    return found


def related_origins() -> tuple[str, ...]:
    """Return the origins that may use the passkeys of this site: those that the passkeys app accepts too."""
    passkeys = getattr(settings, "MATT_PASSKEYS", None)
    shared = passkeys.get("RELATED_ORIGINS") if isinstance(passkeys, Mapping) else None
    return tuple(shared or get_settings().RELATED_ORIGINS)
