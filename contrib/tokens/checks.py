"""The system checks ``matt_tokens.…``: the options are valid, and safe in production."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.tokens.keys import load_ring
from django_matt.contrib.tokens.settings import get_settings

__all__ = ["check_deployment", "check_settings"]

_LONG_ACCESS = 3600
_LONG_LEEWAY = 60
_LONG_REVOCATION = 60


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_TOKENS``, and keys that cannot be read."""
    try:
        if get_settings().PRIVATE_KEYS:
            load_ring()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_TOKENS."
        return [Error(str(error), hint=hint, id="matt_tokens.E001")]
    return []


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report options that are unsafe in production."""
    if check_settings():
        return []
    options = get_settings()
    found: list[CheckMessage] = []
    if "api" in {options.ISSUER, options.AUDIENCE}:
        found.append(
            Warning(
                'MATT_TOKENS["ISSUER"] or ["AUDIENCE"] is the default: tokens of another project with the same keys would be accepted.',
                hint="Set both to URLs of your project, such as https://example.com.",
                id="matt_tokens.W001",
            )
        )
    if options.ACCESS_SECONDS > _LONG_ACCESS:
        found.append(
            Warning(
                f"Access tokens are valid for {options.ACCESS_SECONDS} seconds. Services that verify them by the public keys "
                "do not notice that a login has ended.",
                hint=f"Set ACCESS_SECONDS to {_LONG_ACCESS} or less.",
                id="matt_tokens.W002",
            )
        )
    if options.LEEWAY_SECONDS > _LONG_LEEWAY or options.REVOCATION_SECONDS > _LONG_REVOCATION:
        found.append(
            Warning(
                "A stolen refresh token, or an access token whose login has ended, works for more than a minute.",
                hint="Set LEEWAY_SECONDS and REVOCATION_SECONDS to 60 or less; their defaults are 10.",
                id="matt_tokens.W003",
            )
        )
    return found
