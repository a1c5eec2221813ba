"""One typed, frozen view of ``settings.MATT_IDEMPOTENCY``."""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["IdempotencySettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencySettings:
    """The options of ``settings.MATT_IDEMPOTENCY``, with their defaults.

    >>> IdempotencySettings().EXPIRES
    86400
    """

    APIS: tuple[str, ...] = ()
    """The ``urls_namespace`` of each API whose POST and PATCH routes with authentication all accept keys; ``"*"`` for all."""
    EXPIRES: int = 86_400
    """For how many seconds a response is kept."""
    WAIT: float = 10.0
    """How many seconds a request waits for another with the same key; SQLite waits for the ``timeout`` of its database."""
    MAX_BODY: int = 1_000_000
    """How many bytes of a response are kept. Of a longer one only that it was sent."""
    HEADERS: tuple[str, ...] = ()
    """Headers of your own that are kept with a response. Cookies are never kept."""


def get_settings() -> IdempotencySettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(IdempotencySettings, "MATT_IDEMPOTENCY")
    for name in ("EXPIRES", "WAIT", "MAX_BODY"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ImproperlyConfigured(
                f'settings.MATT_IDEMPOTENCY["{name}"] is {value!r}; it must be a number above 0.'
            )
    if any(name.lower() == "set-cookie" for name in found.HEADERS):
        raise ImproperlyConfigured(
            'settings.MATT_IDEMPOTENCY["HEADERS"] names Set-Cookie: a session of one response must not be kept.'
        )
    return found
