"""Who owns a key, and which scopes the owner may have today."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from django.utils.module_loading import import_string

from django_matt.contrib.api_keys.settings import get_settings

__all__ = ["Owner", "allowed_scopes", "permissions_of"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A user, or the organization (tenant) with the id ``tenant_id``, whose ``user`` is ``None``.

    A user's key may have a ``tenant_id`` too: that of the tenant for which it was created.
    """

    user: Any = None
    tenant_id: str = ""


def permissions_of(owner: Owner) -> Collection[str] | None:
    """Return the permissions of an active user, such as ``shop.change_book``; ``None``, which is all, for an organization."""
    if owner.user is None:
        return None
    return cast("set[str]", owner.user.get_all_permissions())  # empty for an inactive user


def allowed_scopes(owner: Owner) -> Collection[str] | None:
    """Return the scopes that ``MATT_API_KEYS["ALLOWED_SCOPES"]`` allows the owner now; ``None`` for all."""
    allowed: Callable[[Owner], Collection[str] | None] = import_string(
        get_settings().ALLOWED_SCOPES
    )
    return allowed(owner)
