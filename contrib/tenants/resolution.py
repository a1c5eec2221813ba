"""Finds the organization of a request: what names it, and whether the sender is a member, in one query per request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from django_matt.contrib.tenants.current import CURRENT
from django_matt.contrib.tenants.errors import NoTenant, SSORequired
from django_matt.contrib.tenants.identity_providers import only_tenant
from django_matt.contrib.tenants.models import Membership, Organization, TenantModel
from django_matt.contrib.tenants.settings import SLUG, get_settings
from django_matt.errors.exceptions import PermissionDenied
from django_matt.scopes import entered, unscoped
from django_matt.scopes.registry import Scopes

__all__ = [
    "RequestTenancy",
    "RequestTenant",
    "find_member",
    "find_tenant",
    "narrow_memberships",
    "narrow_organizations",
    "narrow_rows",
    "require_tenant",
    "role_in",
    "tenant_scope",
]

_FOUND = "_matt_tenant"
_SLUG = re.compile(SLUG)
_KEY = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class RequestTenant:
    """The organization of a request, and the sender's role in it; None for a key that belongs to no user."""

    organization: Organization
    role: str | None


def find_tenant(request: HttpRequest) -> RequestTenant | None:
    """Return the organization of a request, None if it names none or nobody has signed in.

    Raises ``NoTenant`` if the organization is unknown, or the sender is not a member. The result is kept until the request is
    authenticated as somebody else.
    """
    principal, user = getattr(request, "auth", None), _user_of(request)
    kept = vars(request).get(_FOUND)
    if kept is None or kept[0] is not principal or kept[1] != user:
        kept = vars(request)[_FOUND] = (principal, user, _look_up(request, user))
    found: RequestTenant | type[PermissionDenied] | None = kept[2]
    if isinstance(found, type):
        raise found
    return found


def require_tenant(request: HttpRequest) -> RequestTenant:
    """Return the organization of a request; raise ``NoTenant`` if it has none."""
    found = find_tenant(request)
    if found is None:
        raise NoTenant
    return found


def find_member(request: HttpRequest, slug: str) -> RequestTenant:
    """Return the organization with a slug and the sender's role in it; raise ``NoTenant`` if the sender is not a member."""
    found = _member(_user_of(request), only_tenant(request), slug, request)
    if found is None:
        raise NoTenant
    return found


def role_in(request: HttpRequest, organization: Organization) -> str | None:
    """Return the sender's role in an organization, None for somebody who is not a member."""
    try:
        return find_member(request, organization.slug).role
    except PermissionDenied:
        return None


def _user_of(request: HttpRequest) -> Any:
    """Return the key of the user, None for nobody."""
    user = getattr(request, "user", None)
    return user.pk if user is not None and user.is_authenticated else None


def _look_up(request: HttpRequest, user: Any) -> RequestTenant | type[PermissionDenied] | None:
    pinned, slug = only_tenant(request), _named_by(request)
    if pinned is None and (user is None or slug is None):
        return None
    try:
        return _member(user, pinned, slug, request) or NoTenant
    except SSORequired:
        return SSORequired


def _member(
    user: Any, pinned: str | None, slug: str | None, request: HttpRequest
) -> RequestTenant | None:
    """Look up a membership, or the organization of a key without a user. ``pinned`` is the only key that it may have.

    Raises ``SSORequired`` if the organization accepts its own sign-in alone. A token or a key that is pinned to it was made
    by somebody who had signed in so.
    """
    if slug is not None and not _SLUG.fullmatch(slug):
        return None
    if pinned is not None and not _KEY.fullmatch(pinned):
        return None
    with unscoped():
        if user is None:
            if pinned is None:
                return None
            organizations = Organization.objects.filter(pk=pinned)
            if slug is not None:
                organizations = organizations.filter(slug=slug)
            organization = organizations.first()
            role = getattr(getattr(request, "auth", None), "tenant_role", None)
            return None if organization is None else RequestTenant(organization, role)
        memberships = Membership.objects.filter(user_id=user).select_related("organization")
        if slug is not None:
            memberships = memberships.filter(organization__slug=slug)
        if pinned is not None:
            memberships = memberships.filter(organization_id=pinned)
        found = memberships.first()
        if found is None:
            return None
        if found.organization.sso_only and pinned is None:
            raise SSORequired
        return RequestTenant(found.organization, found.role)


def _named_by(request: HttpRequest) -> str | None:
    """Return the slug that a request names, None if it names none."""
    options = get_settings()
    if options.FROM == "header":
        return request.META.get(f"HTTP_{options.HEADER.upper().replace('-', '_')}") or None
    if options.FROM == "path":
        match = getattr(request, "resolver_match", None)
        return None if match is None else match.kwargs.get(options.PARAMETER)
    host, suffix = request.get_host().partition(":")[0].lower(), f".{options.DOMAIN}".lower()
    slug = host.removesuffix(suffix)
    return None if slug == host or slug in options.RESERVED_SLUGS else slug


class RequestTenancy:
    """The organization of a request, which is found when it is first needed."""

    def __init__(self, request: HttpRequest) -> None:
        """Take the request."""
        self._request = request

    def key(self) -> Any:
        """Return the primary key of the organization; raise ``NoTenant`` if there is none."""
        return require_tenant(self._request).organization.pk

    def known_key(self) -> Any:
        """Return the primary key if it was found already, or else None."""
        kept = vars(self._request).get(_FOUND)
        return kept[2].organization.pk if kept and isinstance(kept[2], RequestTenant) else None


# ---- what a request may read ----


def narrow_rows(request: HttpRequest) -> Q:
    """Narrow a ``TenantModel``, invitations and domains to the organization of the request."""
    return Q(organization=require_tenant(request).organization.pk)


def narrow_memberships(request: HttpRequest) -> Q:
    """Narrow memberships to those of the request's organization, and the user's own."""
    found, user = find_tenant(request), _user_of(request)
    if found is None and user is None:
        raise NoTenant
    mine = Q(user=user) if user is not None else Q()
    return mine if found is None else mine | Q(organization=found.organization.pk)


def narrow_organizations(request: HttpRequest) -> Q:
    """Narrow organizations to that of the request; without one, to those that the user is a member of."""
    found, user = find_tenant(request), _user_of(request)
    if found is not None:
        return Q(pk=found.organization.pk)
    if user is None:
        raise NoTenant
    return Q(memberships__user=user)


@contextmanager
def tenant_scope(organization: Organization) -> Iterator[None]:
    """Work for an organization outside of requests, in a task, a command or a test: read its rows, and write them.

    Inside of a request it replaces the organization of the request until the end of the block.

    >>> with tenant_scope(organization):
    ...     Book.objects.create(title="Emma")
    """
    request = HttpRequest()
    vars(request)[_FOUND] = (None, None, RequestTenant(organization, None))
    token = CURRENT.set(RequestTenancy(request))
    try:
        with entered(SimpleNamespace(scopes=_OUTSIDE, title="tenant_scope()"), request):
            yield
    finally:
        CURRENT.reset(token)


_OUTSIDE = Scopes()
_OUTSIDE.add(TenantModel, narrow_rows)
