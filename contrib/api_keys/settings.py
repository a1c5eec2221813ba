"""One typed, frozen view of ``settings.MATT_API_KEYS``."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["ApiKeysSettings", "Header", "get_settings"]

Header = Literal["X-API-Key", "Authorization"]
"""Where a request has its key; in ``Authorization``, it is a bearer token."""

_WORD = re.compile(r"[a-z][a-z0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeysSettings:
    """The options of ``settings.MATT_API_KEYS``, with their defaults.

    >>> ApiKeysSettings().PREFIX
    'matt'
    """

    PREFIX: str = "matt"
    """The word with which every key begins, such as the name of your product."""
    ENVIRONMENT: str | None = None
    """The second word of a key; keys of other environments are refused. ``None``: ``test`` with ``DEBUG``, else ``live``."""
    HEADER: Header = "X-API-Key"
    """The header of the key: ``X-API-Key``, or ``Authorization`` for ``Authorization: Bearer …``."""
    PATH: str | None = "/api-keys"
    """The path of the routes that manage keys, below the API; ``None`` for no routes."""
    AUTH: tuple[str, ...] = ("django_matt.authentication.SessionAuthenticator",)
    """Who may use these routes: dotted paths of authenticators or their classes. Any one of them is enough."""
    ALLOWED_SCOPES: str = "django_matt.contrib.api_keys.owners.permissions_of"
    """The dotted path of a function that returns the scopes that an ``Owner`` may have today; ``None`` allows all."""
    MANAGES_ORGANIZATION: str | None = None
    """The dotted path of ``f(request, tenant)``: may this user manage the keys of the organization?

    With ``None``, the app that knows tenants decides; without one, nobody may.
    """
    ORGANIZATION_ROLE: str | None = None
    """The role that the keys of organizations have, for apps with roles."""
    MAX_LIFETIME: timedelta | None = timedelta(days=365)
    """The longest lifetime of a key, and the default; with ``None``, a key does not have to expire."""
    OVERLAP: timedelta = timedelta(days=7)
    """How long a rotated key still works at most, and by default."""
    MAX_KEYS: int = 50
    """How many valid keys an owner may have."""

    def __post_init__(self) -> None:
        """Raise ``ImproperlyConfigured`` for an invalid value."""
        for name in ("PREFIX", "ENVIRONMENT"):
            word = getattr(self, name)
            if word is not None and not _WORD.fullmatch(word):
                raise _invalid(name, word, "it must be 2 to 16 small letters and digits")
        if self.HEADER not in get_args(Header):
            raise _invalid("HEADER", self.HEADER, f"it must be one of {get_args(Header)}")
        if self.PATH is not None and not self.PATH.startswith("/"):
            raise _invalid("PATH", self.PATH, 'a path must begin with "/"')
        if isinstance(self.AUTH, str) or not self.AUTH:
            raise _invalid("AUTH", self.AUTH, "it must be a list of dotted paths")
        if self.MAX_LIFETIME is not None and self.MAX_LIFETIME.total_seconds() <= 0:
            raise _invalid("MAX_LIFETIME", self.MAX_LIFETIME, "it must be longer than 0")
        if self.OVERLAP.total_seconds() < 0:
            raise _invalid("OVERLAP", self.OVERLAP, "it must not be negative")
        if self.MAX_KEYS < 1:
            raise _invalid("MAX_KEYS", self.MAX_KEYS, "it must be 1 or more")

    @property
    def environment(self) -> str:
        """The second word of the keys of this server."""
        return self.ENVIRONMENT or ("test" if settings.DEBUG else "live")


def _invalid(name: str, value: object, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_API_KEYS["{name}"] is {value!r}; {reason}.')


def get_settings() -> ApiKeysSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    return read_settings(ApiKeysSettings, "MATT_API_KEYS")
