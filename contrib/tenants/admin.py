"""Organizations in Django's admin, with their members; staff can turn "SSO only" off if a provider does not work any more."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from django_matt.contrib.tenants.models import Domain, Membership, Organization
from django_matt.sign_in import end_tenant_credentials

__all__ = ["OrganizationAdmin"]


class _Members(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    raw_id_fields = ("user",)
    extra = 0


class _Domains(admin.TabularInline):  # type: ignore[type-arg]
    model = Domain
    readonly_fields = ("proof", "verified_at")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, because a domain needs a proof."""
        return False


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Domains are shown, and verified by the route or the command."""

    list_display = ("name", "slug", "sso_only", "created_at")
    search_fields = ("name", "slug")
    inlines = (_Members, _Domains)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The slug is in URLs and in the ids of other systems, so it does not change."""
        return () if obj is None else ("slug",)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """End what members got by other ways if "SSO only" is turned on, as the route does."""
        super().save_model(request, obj, form, change)
        if obj.sso_only and "sso_only" in form.changed_data:
            end_tenant_credentials(obj, request=request)
