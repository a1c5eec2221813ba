"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.http import HttpRequest

__all__ = ["TenantsConfig"]


class TenantsConfig(AppConfig):
    """Add ``"django_matt.contrib.tenants"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.tenants"
    label = "matt_tenants"
    verbose_name = "Django Matt: organizations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and tell PostgreSQL the organization on each connection."""
        from django.contrib.auth.signals import user_logged_in

        from django_matt.contrib.tenants import checks, row_security
        from django_matt.contrib.tenants.identity_providers import join_after_sign_in

        user_logged_in.connect(join_after_sign_in, dispatch_uid="matt_tenants")
        register(checks.check_settings, "matt")
        register(checks.check_deployment, "matt", deploy=True)
        register(checks.check_row_security, Tags.database)
        row_security.watch()

    def extend(self, api: Any) -> None:
        """Add the hook, the scopes, the error of row-level security, and the routes."""
        from django.db import ProgrammingError
        from ninja.constants import NOT_SET

        from django_matt.authentication import SessionAuthenticator
        from django_matt.contrib.tenants import models, resolution, row_security
        from django_matt.contrib.tenants.controllers import make_controllers
        from django_matt.contrib.tenants.hooks import EntersTenant
        from django_matt.contrib.tenants.settings import get_settings

        api.add_hook(EntersTenant)
        api.add_scope(models.TenantModel, resolution.narrow_rows)
        api.add_scope(models.Invitation, resolution.narrow_rows)
        api.add_scope(models.Domain, resolution.narrow_rows)
        api.add_scope(models.Membership, resolution.narrow_memberships)
        api.add_scope(models.Organization, resolution.narrow_organizations)
        if get_settings().ROW_LEVEL_SECURITY:
            api.register_error(ProgrammingError, row_security.answer_refused_row)
        if get_settings().ROUTES:
            # Routes without authentication would use the session's cookie without a CSRF token.
            has_auth = api.auth is not NOT_SET and api.auth is not None
            api.register_controllers(
                *make_controllers(NOT_SET if has_auth else SessionAuthenticator())
            )

    def resolve_tenant(self, request: HttpRequest) -> Any:
        """Return the organization of a request, None without one; raise ``NoTenant`` if the sender is not a member."""
        from django_matt.contrib.tenants.resolution import find_tenant

        found = find_tenant(request)
        return None if found is None else found.organization

    def may_manage_tenant(self, request: HttpRequest, tenant: Any) -> bool:
        """Return whether the user's role in an organization is ``MATT_TENANTS["MANAGER"]`` or a stronger one."""
        from django_matt.contrib.tenants.permissions import has_role
        from django_matt.contrib.tenants.resolution import role_in
        from django_matt.contrib.tenants.settings import get_settings

        return has_role(role_in(request, tenant), get_settings().MANAGER)
