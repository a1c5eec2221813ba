"""The keys in Django's admin: to read, and to revoke."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.services import revoke_key

__all__ = ["ApiKeyAdmin"]


class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Users with the permission to change keys may revoke them."""

    list_display = (
        "name",
        "public_id",
        "user",
        "tenant_id",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_filter = ("environment", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "public_id", "tenant_id")
    exclude = ("digest",)
    actions = ("revoke_keys",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may add keys here, because the text of a new key could not be shown once."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may change keys."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may delete keys: revoke them."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether a user may change keys."""
        user: Any = request.user
        return bool(user.has_perm("matt_api_keys.change_apikey"))

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, queryset: "QuerySet[ApiKey]") -> None:
        """Revoke the selected keys at once."""
        revoked = sum(
            revoke_key(key, revoked_by=request.user, request=request)
            for key in queryset.select_related("user")
        )
        self.message_user(request, f"Revoked {revoked} API keys.")


if apps.is_installed("django.contrib.admin"):
    admin.site.register(ApiKey, ApiKeyAdmin)
