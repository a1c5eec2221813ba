"""One typed, frozen view of ``settings.MATT_ADMIN_API``."""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["AdminApiSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApiSettings:
    """The options of ``settings.MATT_ADMIN_API``, with their defaults.

    >>> AdminApiSettings().PATH
    '/admin-api'
    """

    PATH: str | None = "/admin-api"
    """The path of the operations, below the API; ``None`` to turn them off, if you call ``add_admin`` yourself."""
    SITE: str = "django.contrib.admin.site"
    """The dotted path of the ``AdminSite`` whose models become operations."""
    AUTH: tuple[str, ...] | None = None
    """Who may call them: dotted paths of authenticators or their classes, of which any one is enough.

    With ``None``, that of the API; if the API has none, a session and its CSRF token.
    """
    MAX_ROWS: int = 10_000
    """How many rows a CSV export, and an action for ``all`` rows, may have."""

    def __post_init__(self) -> None:
        """Raise ``ImproperlyConfigured`` for an invalid value."""
        if self.PATH is not None and (
            not isinstance(self.PATH, str) or not self.PATH.startswith("/")
        ):
            raise _invalid("PATH", self.PATH, 'a path must begin with "/"')
        if not isinstance(self.SITE, str) or "." not in self.SITE:
            raise _invalid("SITE", self.SITE, "it must be the dotted path of an AdminSite")
        if self.AUTH is not None and (isinstance(self.AUTH, str) or not self.AUTH):
            raise _invalid("AUTH", self.AUTH, "it must be a list of dotted paths, or None")
        if type(self.MAX_ROWS) is not int or self.MAX_ROWS < 1:
            raise _invalid("MAX_ROWS", self.MAX_ROWS, "it must be 1 or more")


def _invalid(name: str, value: object, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_ADMIN_API["{name}"] is {value!r}; {reason}.')


def get_settings() -> AdminApiSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    return read_settings(AdminApiSettings, "MATT_ADMIN_API")
