"""One typed, frozen view of ``settings.MATT_HEALTH``."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["HealthSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """The options of ``settings.MATT_HEALTH``, with their defaults.

    >>> HealthSettings().READY_PATH
    '/health/ready'
    """

    LIVE_PATH: str | None = "/health/live"
    """The path of the route that shows that the process is alive, below the API; ``None`` for no such route."""
    READY_PATH: str | None = "/health/ready"
    """The path of the route that shows whether the process can serve, below the API; ``None`` for no such route."""
    TIMEOUT: float = 3.0
    """How many seconds a check may take; the checks run at the same time."""
    DATABASES: tuple[str, ...] | None = None
    """The aliases of the databases that must answer; ``None`` for all of ``DATABASES``."""
    CACHES: tuple[str, ...] | None = None
    """The aliases of the caches that must return a value; ``None`` for all of ``CACHES``."""
    MIGRATIONS: tuple[str, ...] = ("default",)
    """The aliases of the databases that must have every migration of the code."""


def get_settings() -> HealthSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(HealthSettings, "MATT_HEALTH")
    for name in ("LIVE_PATH", "READY_PATH"):
        path = getattr(found, name)
        if path is not None and not path.startswith("/"):
            raise ImproperlyConfigured(
                f'settings.MATT_HEALTH["{name}"] is {path!r}; a path must begin with "/".'
            )
    if not found.TIMEOUT > 0:
        raise ImproperlyConfigured(
            f'settings.MATT_HEALTH["TIMEOUT"] is {found.TIMEOUT!r}; it must be a number of seconds above 0.'
        )
    for name, known in (
        ("DATABASES", settings.DATABASES),
        ("CACHES", settings.CACHES),
        ("MIGRATIONS", settings.DATABASES),
    ):
        unknown = sorted(set(getattr(found, name) or ()) - {"default", *known})
        if unknown:
            raise ImproperlyConfigured(
                f'settings.MATT_HEALTH["{name}"] names {", ".join(map(repr, unknown))}, which '
                f"settings.{'CACHES' if name == 'CACHES' else 'DATABASES'} does not have."
            )
    return found
