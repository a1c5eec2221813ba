"""One typed, frozen view of ``settings.MATT_PASSKEYS``."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["DEVELOPMENT_RP_ID", "PasskeySettings", "get_settings"]

DEVELOPMENT_RP_ID = "localhost"

_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_ORIGIN = re.compile(r"(https?)://[a-z0-9.-]+(:\d{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeySettings:
    """The options of ``settings.MATT_PASSKEYS``, with their defaults.

    >>> PasskeySettings().RP_ID
    'localhost'
    """

    RP_ID: str = DEVELOPMENT_RP_ID
    """The domain that the passkeys belong to (WebAuthn's relying party); set it in production, and never change it."""
    RP_NAME: str = ""
    """The name of your site that a browser may show; the default is ``RP_ID``."""
    ORIGINS: tuple[str, ...] = ()
    """The origins of your pages, compared exactly; the default is ``https://`` and ``RP_ID``."""
    RELATED_ORIGINS: tuple[str, ...] = ()
    """Origins on other domains that may use the same passkeys (``/.well-known/webauthn``)."""
    CHALLENGE_SECONDS: int = 300
    """How long a challenge is valid, in seconds; browsers get it as the ``timeout``."""

    @property
    def accepted_origins(self) -> frozenset[str]:
        """Every origin that may use a passkey."""
        return frozenset((*self.ORIGINS, *self.RELATED_ORIGINS))


def get_settings() -> PasskeySettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(PasskeySettings, "MATT_PASSKEYS")
    origins, related = _sequence(found, "ORIGINS"), _sequence(found, "RELATED_ORIGINS")
    return _checked(replace(found, ORIGINS=origins, RELATED_ORIGINS=related))


@lru_cache(maxsize=8)
def _checked(found: PasskeySettings) -> PasskeySettings:
    rp_id = found.RP_ID
    if not _DOMAIN.fullmatch(rp_id) or rp_id.rpartition(".")[2].isdigit():
        raise ImproperlyConfigured(
            f'settings.MATT_PASSKEYS["RP_ID"] is {rp_id!r}; it must be a domain in lower case, such as '
            '"example.com", without a scheme and a port, and not an IP address.'
        )
    if type(found.CHALLENGE_SECONDS) is not int or not 30 <= found.CHALLENGE_SECONDS <= 3_600:
        raise ImproperlyConfigured(
            f'settings.MATT_PASSKEYS["CHALLENGE_SECONDS"] is {found.CHALLENGE_SECONDS!r}; '
            "it must be a number of seconds from 30 to 3600."
        )
    for origin in (*found.ORIGINS, *found.RELATED_ORIGINS):
        _check_origin(origin)
    for origin in found.ORIGINS:
        host = urlsplit(origin).hostname or ""
        if not _is_app(origin) and host != rp_id and not host.endswith(f".{rp_id}"):
            raise ImproperlyConfigured(
                f'settings.MATT_PASSKEYS["ORIGINS"] has {origin!r}, which is not on the domain {rp_id!r} of RP_ID: '
                "browsers refuse its passkeys there. Move it to RELATED_ORIGINS, or change RP_ID."
            )
    if found.ORIGINS:
        return found
    local = rp_id == DEVELOPMENT_RP_ID
    return replace(found, ORIGINS=("http://localhost:8000",) if local else (f"https://{rp_id}",))


def _sequence(found: PasskeySettings, name: str) -> tuple[str, ...]:
    """Return an option as a tuple; projects may write a list."""
    given = getattr(found, name)
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise ImproperlyConfigured(
            f'settings.MATT_PASSKEYS["{name}"] is {given!r}; it must be a list of origins.'
        )
    return tuple(given)


def _is_app(origin: str) -> bool:
    """Return whether it is the origin of an Android app."""
    return origin.startswith("android:apk-key-hash:")


def _check_origin(origin: str) -> None:
    """Raise ``ImproperlyConfigured`` unless it is written as browsers write origins (RFC 6454, 6.2)."""
    if _is_app(origin):
        return
    parts = urlsplit(origin)
    if not _ORIGIN.fullmatch(origin) or origin.rpartition(":")[2] == str(
        _DEFAULT_PORTS[parts.scheme]
    ):
        raise ImproperlyConfigured(
            f"settings.MATT_PASSKEYS has the origin {origin!r}; write it as browsers do, such as "
            '"https://example.com" or "https://example.com:8443": in lower case, without a path and the default port.'
        )
    host = parts.hostname or ""
    if parts.scheme != "https" and host != "localhost" and not host.endswith(".localhost"):
        raise ImproperlyConfigured(
            f"settings.MATT_PASSKEYS has the origin {origin!r}; passkeys need https, except on localhost."
        )
