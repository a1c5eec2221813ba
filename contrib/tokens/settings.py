"""One typed, frozen view of ``settings.MATT_TOKENS``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["Algorithm", "TokenSettings", "get_settings"]

Algorithm = Literal["EdDSA", "RS256", "ES256", "HS256"]
"""How access tokens are signed. EdDSA is Ed25519."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """The options of ``settings.MATT_TOKENS``, with their defaults.

    >>> TokenSettings().ACCESS_SECONDS
    300
    """

    PATH: str = "/tokens"
    """The path below the API under which the routes are."""
    ISSUER: str = "api"
    """The claim ``iss``: the URL of the site that issues the tokens."""
    AUDIENCE: str = "api"
    """The claim ``aud``: the API that accepts the tokens."""
    ALGORITHM: Algorithm = "EdDSA"
    """The algorithm of new signing keys."""
    PRIVATE_KEYS: Sequence[str] = ()
    """Signing keys from your environment instead of the database: PEM documents, the first signs, the others only verify.

    With ``HS256``, each is a secret of 32 characters or more.
    """
    ACCESS_SECONDS: int = 300
    """How long an access token is valid."""
    LOGIN_SECONDS: int = 30 * 24 * 60 * 60
    """How long a login lasts, however often its tokens are refreshed."""
    IMPERSONATION_SECONDS: int = 15 * 60
    """How long an impersonation lasts."""
    LEEWAY_SECONDS: float = 10
    """How long a used refresh token still returns the same successor; 0 refuses its second use at once."""
    REVOCATION_SECONDS: float = 10
    """How long an access token may work after its login has ended."""
    MAX_LOGINS: int = 50
    """How many logins a user may have; a new one ends the oldest."""
    SCOPES: Sequence[str] = ()
    """The scopes of a login's tokens, if the code that issues them names none."""
    COOKIES: bool = False
    """Whether browsers may get their tokens as cookies, which JavaScript cannot read."""


def get_settings() -> TokenSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(TokenSettings, "MATT_TOKENS")
    if found not in _accepted:
        _check(found)
        _accepted[:] = [found]
    return found


_accepted: list[TokenSettings] = []


def _check(found: TokenSettings) -> None:
    if not found.PATH.startswith("/"):
        raise ImproperlyConfigured(
            f'settings.MATT_TOKENS["PATH"] is {found.PATH!r}; a path must begin with "/".'
        )
    if found.ALGORITHM not in get_args(Algorithm):
        raise ImproperlyConfigured(
            f'settings.MATT_TOKENS["ALGORITHM"] is {found.ALGORITHM!r}; it must be one of '
            f"{', '.join(map(repr, get_args(Algorithm)))}."
        )
    for name, least in (
        ("ACCESS_SECONDS", 1),
        ("LOGIN_SECONDS", 1),
        ("IMPERSONATION_SECONDS", 1),
        ("MAX_LOGINS", 1),
        ("LEEWAY_SECONDS", 0),
        ("REVOCATION_SECONDS", 0),
    ):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
            raise ImproperlyConfigured(
                f'settings.MATT_TOKENS["{name}"] is {value!r}; it must be a number of {least} or more.'
            )
    for name in ("PRIVATE_KEYS", "SCOPES"):
        if isinstance(getattr(found, name), str):
            raise ImproperlyConfigured(
                f'settings.MATT_TOKENS["{name}"] must be a list of strings, not a string.'
            )
