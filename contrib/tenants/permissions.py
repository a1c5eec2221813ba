"""Roles as permissions of Ninja Extra, and as a function for other views."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from ninja_extra.permissions import BasePermission

from django_matt.contrib.tenants.resolution import RequestTenant, require_tenant
from django_matt.contrib.tenants.settings import get_settings
from django_matt.errors.exceptions import PermissionDenied

__all__ = ["HasRole", "has_role", "require_role"]


def has_role(role: str | None, wanted: str) -> bool:
    """Tell whether a role is ``wanted`` or a stronger one; raise ``ImproperlyConfigured`` if ``wanted`` is unknown."""
    roles = get_settings().ROLES
    if wanted not in roles:
        raise ImproperlyConfigured(
            f'{wanted!r} is not in settings.MATT_TENANTS["ROLES"]: {", ".join(map(repr, roles))}.'
        )
    return role in roles[: roles.index(wanted) + 1]


def require_role(request: HttpRequest, role: str) -> RequestTenant:
    """Return the organization of a request; raise ``PermissionDenied`` if the sender does not have the role there."""
    found = require_tenant(request)
    if not has_role(found.role, role):
        raise PermissionDenied
    return found


class HasRole(BasePermission):
    """A permission of Ninja Extra: the sender has this role in the organization of the request, or a stronger one.

    >>> HasRole("admin").role
    'admin'
    """

    def __init__(self, role: str) -> None:
        """Take the weakest role that is enough."""
        self.role = role

    def has_permission(self, request: HttpRequest, controller: Any) -> bool:
        """Tell whether the sender has the role; raise ``NoTenant`` if the request has no organization."""
        return has_role(require_tenant(request).role, self.role)
