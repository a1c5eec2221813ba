"""A permission of Django as a permission of Ninja Extra."""

from typing import Any

from django.http import HttpRequest
from ninja_extra.permissions import BasePermission

__all__ = ["HasPermission"]


class HasPermission(BasePermission):
    """Whether the user has a permission of Django: ``permissions=[HasPermission("shop.add_product")]``.

    Others get a 403. It reads the user's permissions from the database, so it is for sync routes.
    """

    def __init__(self, name: str) -> None:
        """Take the name of the permission, ``app.action_model``."""
        self.name = name

    def has_permission(self, request: HttpRequest, controller: Any) -> bool:
        """Return whether the user of the request has the permission."""
        user = getattr(request, "user", None)
        return user is not None and bool(user.has_perm(self.name))
