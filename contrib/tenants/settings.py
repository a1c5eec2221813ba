"""One typed, frozen view of ``settings.MATT_TENANTS``."""

from dataclasses import dataclass
from typing import Literal, get_args

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["SLUG", "TenantsSettings", "get_settings"]

SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
"""The pattern of an organization's slug, which can be a subdomain (RFC 1035, 2.3.1)."""

Source = Literal["header", "subdomain", "path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantsSettings:
    """The options of ``settings.MATT_TENANTS``, with their defaults.

    >>> TenantsSettings().FROM
    'header'
    """

    FROM: Source = "header"
    """What names the organization of a request, by its slug: ``"header"``, ``"subdomain"`` or ``"path"``."""
    HEADER: str = "X-Tenant"
    """The name of the header, for ``"header"``."""
    DOMAIN: str | None = None
    """The domain whose subdomains are the slugs, for ``"subdomain"``: ``"example.com"`` for ``acme.example.com``."""
    PARAMETER: str = "organization"
    """The name of the path parameter, for ``"path"``: ``/{organization}/books``."""
    ROLES: tuple[str, ...] = ("owner", "admin", "member", "viewer")
    """The roles, the strongest first. An organization always has a member with the first one."""
    MANAGER: str = "admin"
    """The weakest role that may change members, invitations and domains."""
    ROUTES: bool = True
    """Whether the API gets the routes below ``/organizations`` and ``/invitations``."""
    SELF_SERVICE: bool = True
    """Whether everybody who is signed in may create an organization."""
    RESERVED_SLUGS: tuple[str, ...] = (
        *("admin", "api", "app", "auth", "login", "mail", "static", "status", "support", "www"),
    )
    """Slugs that no organization may have. A request to such a subdomain has no organization."""
    INVITATION_DAYS: int = 7
    """How many days an invitation is valid."""
    INVITATION_URL: str | None = None
    """The page that accepts invitations, such as ``"https://example.com/join#{token}"``; it is sent by e-mail.

    Without it, no mail is sent, and the response of the route that invites has the token.
    """
    TXT_RESOLVER: str = "django_matt.contrib.tenants.domains.resolve_txt"
    """The dotted path of a function that returns the TXT records of a name as a list of strings."""
    ROW_LEVEL_SECURITY: bool = False
    """Whether PostgreSQL checks the organization of every row as well; see ``EnableRowLevelSecurity``."""


def get_settings() -> TenantsSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(TenantsSettings, "MATT_TENANTS")
    if found.FROM not in get_args(Source):
        raise ImproperlyConfigured(
            f'settings.MATT_TENANTS["FROM"] is {found.FROM!r}; '
            f"it must be one of {', '.join(map(repr, get_args(Source)))}."
        )
    if found.FROM == "subdomain" and not found.DOMAIN:
        raise ImproperlyConfigured(
            'settings.MATT_TENANTS["FROM"] is "subdomain", which needs "DOMAIN": the domain whose subdomains '
            'are the organizations, such as "example.com".'
        )
    if not found.ROLES or found.MANAGER not in found.ROLES:
        raise ImproperlyConfigured(
            f'settings.MATT_TENANTS["MANAGER"] is {found.MANAGER!r}, which is not in "ROLES".'
        )
    if found.INVITATION_URL is not None and "{token}" not in found.INVITATION_URL:
        raise ImproperlyConfigured(
            'settings.MATT_TENANTS["INVITATION_URL"] has no "{token}", which is replaced by the token.'
        )
    return found
