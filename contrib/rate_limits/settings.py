"""One typed, frozen view of ``settings.MATT_RATE_LIMITS``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.rate_limits.rates import Rate, parse_rate
from django_matt.settings import read_settings

__all__ = ["RateLimitSettings", "database_alias", "get_settings", "named_rate"]

_LIMITS = {"recipient": "5/hour", "sign_in": "30/minute", "sign_in_account": "10/5 minutes"}

_SIGN_IN_PATHS = (
    # allauth.headless: login, sign-up, codes, passkeys, second factors, password reset, tokens of providers.
    r"/(browser|app)/v1/auth/(?!session)",
    # Pages: allauth's, and what others are usually called.
    r"/(login|login/code|login/code/confirm|2fa/authenticate|reauthenticate)/?$",
    r"/(signup|signin|sign-in|sign-up|password/reset|signup/passkey)/?$",
    r"/(confirm-email|password/reset/confirm|reauthenticate/code|reauthenticate/code/confirm)/?$",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSettings:
    """The options of ``settings.MATT_RATE_LIMITS``, with their defaults.

    >>> RateLimitSettings().STORE
    'memory'
    """

    STORE: str = "memory"
    """Where requests are counted: ``memory``, ``database``, ``database:<alias>``, or a URL such as ``redis://…``."""
    API: tuple[str, ...] = ()
    """Limits of every operation of each API, such as ``"1000/hour by user"``."""
    LIMITS: Mapping[str, str | None] = field(default_factory=dict)
    """Rates by name, for ``check_limit`` and for sign-in; ``None`` turns one off. They are added to the defaults."""
    SIGN_IN_PATHS: tuple[str, ...] = _SIGN_IN_PATHS
    """Regular expressions of the paths whose POST, PUT and PATCH requests ``SignInLimits`` counts."""
    IPV6_PREFIX: int = 64
    """The length of the prefix that counts as one IPv6 client."""
    TIMEOUT: float = 0.25
    """How many seconds Redis has to answer."""


def get_settings() -> RateLimitSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(RateLimitSettings, "MATT_RATE_LIMITS")
    if _valid.get("settings") is not found:
        _check(found)
        _valid["settings"] = found
    return found


_valid: dict[str, RateLimitSettings] = {}


def _check(found: RateLimitSettings) -> None:
    for name in (*_LIMITS, *found.LIMITS):
        rate = {**_LIMITS, **found.LIMITS}[name]
        if rate is not None:
            parse_rate(rate)
    for pattern in found.SIGN_IN_PATHS:
        try:
            re.compile(pattern)
        except re.error as error:
            raise _wrong(
                "SIGN_IN_PATHS", f"{pattern!r} is not a regular expression: {error}."
            ) from error
    if not isinstance(found.IPV6_PREFIX, int) or not 1 <= found.IPV6_PREFIX <= 128:
        raise _wrong("IPV6_PREFIX", f"{found.IPV6_PREFIX!r} is not between 1 and 128.")
    if not found.TIMEOUT > 0:
        raise _wrong("TIMEOUT", f"{found.TIMEOUT!r} is not a number of seconds above 0.")
    alias = database_alias(found.STORE)
    if alias is not None and alias != "default" and alias not in settings.DATABASES:
        raise _wrong("STORE", f"settings.DATABASES has no {alias!r}.")
    if alias is None and found.STORE != "memory" and "://" not in found.STORE:
        raise _wrong(
            "STORE",
            f'{found.STORE!r} is not "memory", "database" or a URL such as "redis://localhost".',
        )


def _wrong(name: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_RATE_LIMITS["{name}"]: {why}')


def database_alias(store: str) -> str | None:
    """Return the alias of the database that is the store; ``None`` for another store."""
    kind, _, alias = store.partition(":")
    return (alias or "default") if kind == "database" else None


def named_rate(name: str) -> Rate | None:
    """Return the rate of a name; ``None`` if the project turned it off.

    Raises ``ImproperlyConfigured`` if neither the project nor this app has one of that name.
    """
    known = {**_LIMITS, **get_settings().LIMITS}
    if name not in known:
        raise _wrong("LIMITS", f"there is no {name!r}; the names are {', '.join(sorted(known))}.")
    text = known[name]
    return None if text is None else parse_rate(text)
