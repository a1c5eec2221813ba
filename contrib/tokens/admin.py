"""The logins and the signing keys in Django's admin: to read, and to end a login."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt.contrib.tokens.endings import end_family
from django_matt.contrib.tokens.models import Family, SigningKey

__all__ = ["FamilyAdmin", "SigningKeyAdmin"]


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may change rows."""
        return False


class FamilyAdmin(_ReadOnly):
    """Users with the permission to delete logins may end them."""

    list_display = (
        "user",
        "actor",
        "client",
        "issued_at",
        "rotated_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("revoked_at",)
    list_select_related = ("user", "actor")
    exclude = ("session_digest", "auth_digest")
    actions = ("end_logins",)

    @admin.action(description="End the selected logins", permissions=["delete"])
    def end_logins(self, request: HttpRequest, queryset: "QuerySet[Family]") -> None:
        """End the selected logins."""
        ended = sum(end_family(family.pk, request=request) for family in queryset)
        self.message_user(request, f"Ended {ended} logins.")


class SigningKeyAdmin(_ReadOnly):
    """The keys without their private parts. ``manage.py matt_keys`` changes them."""

    list_display = ("kid", "algorithm", "is_active", "created_at", "activated_at", "retired_at")
    exclude = ("private",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may delete keys."""
        return False


if apps.is_installed("django.contrib.admin"):
    admin.site.register(Family, FamilyAdmin)
    admin.site.register(SigningKey, SigningKeyAdmin)
