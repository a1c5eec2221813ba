"""One typed, frozen view of ``settings.MATT_AUDIT``."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["AuditSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """The options of ``settings.MATT_AUDIT``, with their defaults.

    >>> AuditSettings().PATH
    '/account/events'
    """

    PATH: str | None = "/account/events"
    """The path of the route where users read their own events, below the API; ``None`` for no such route."""
    STAFF_PATH: str | None = "/security-events"
    """The path of the route where staff reads all events, below the API; ``None`` for no such route."""
    AUTH: tuple[str, ...] = ("django_matt.authentication.SessionAuthenticator",)
    """Who may use these routes: dotted paths of authenticators or their classes. Any one of them is enough."""
    NEW_DEVICE_MAIL: bool = True
    """Whether users get a mail when they sign in with a browser or from a network that they have not used before."""
    RETENTION: timedelta | None = None
    """What ``matt_audit prune`` deletes by default: events that are older than this."""

    def __post_init__(self) -> None:
        """Raise ``ImproperlyConfigured`` for an invalid value."""
        for name in ("PATH", "STAFF_PATH"):
            path = getattr(self, name)
            if path is not None and not path.startswith("/"):
                raise _invalid(name, path, 'a path must begin with "/"')
        if isinstance(self.AUTH, str) or not self.AUTH:
            raise _invalid("AUTH", self.AUTH, "it must be a list of dotted paths")
        if self.RETENTION is not None and self.RETENTION.total_seconds() <= 0:
            raise _invalid("RETENTION", self.RETENTION, "it must be longer than 0")


def _invalid(name: str, value: object, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_AUDIT["{name}"] is {value!r}; {reason}.')


def get_settings() -> AuditSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    return read_settings(AuditSettings, "MATT_AUDIT")
