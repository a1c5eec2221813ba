"""The events in Django's admin, to read."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from django_matt.contrib.audit.models import SecurityEvent

__all__ = ["SecurityEventAdmin"]


class SecurityEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Users with the permission to view events may read them; nobody may change or delete them."""

    list_display = ("name", "at", "user", "actor", "address", "tenant_id")
    list_filter = ("name",)
    list_select_related = ("user", "actor")
    date_hierarchy = "at"
    search_fields = ("user_key", "address", "request_id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may add events."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may change events."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody may delete events here."""
        return False


if apps.is_installed("django.contrib.admin"):
    admin.site.register(SecurityEvent, SecurityEventAdmin)
