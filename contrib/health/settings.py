"""One typed, frozen view of ``settings.MATT_HEALTH``."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["HealthSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """What the ``MATT_HEALTH`` dictionary of a project may hold, with the defaults.

    >>> HealthSettings().READY_PATH
    '/health/ready'
    """

    LIVE_PATH: str | None = "/health/live"
    """Where the API says that the process is alive; ``None`` for no such route."""
    READY_PATH: str | None = "/health/ready"
    """Where the API says whether it can serve requests; ``None`` for no such route."""
    TIMEOUT: float = 3.0
    """How many seconds a check may take; the checks run at the same time."""
    DATABASES: tuple[str, ...] | None = None
    """The aliases of the databases that must answer; ``None`` for all of ``DATABASES``."""
    CACHES: tuple[str, ...] | None = None
    """The aliases of the caches that must keep a value; ``None`` for all of ``CACHES``."""
    MIGRATIONS: tuple[str, ...] = ("default",)
    """The aliases of the databases that must have every migration of the code."""


def get_settings() -> HealthSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for a name or value that cannot be."""
    found = read_settings(HealthSettings, "MATT_HEALTH")
    for name in ("LIVE_PATH", "READY_PATH"):
        path = getattr(found, name)
        if path is not None and not path.startswith("/"):
            raise ImproperlyConfigured(
                f'settings.MATT_HEALTH["{name}"] is {path!r}; a path begins with "/".'
            )
    if not found.TIMEOUT > 0:
        raise ImproperlyConfigured(
            f'settings.MATT_HEALTH["TIMEOUT"] is {found.TIMEOUT!r}; it is a number of seconds above 0.'
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
