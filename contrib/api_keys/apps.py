"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.http import HttpRequest

__all__ = ["ApiKeysConfig"]


class ApiKeysConfig(AppConfig):
    """Add ``"django_matt.contrib.api_keys"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.api_keys"
    label = "matt_api_keys"
    verbose_name = "Django Matt: API keys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.api_keys import checks

        register(checks.check_settings, "matt")
        register(checks.check_deployment, "matt", deploy=True)

    def extend(self, api: Any) -> None:
        """Add the routes that manage keys to an API."""
        from django_matt.contrib.api_keys.controllers import load_auth, make_controller
        from django_matt.contrib.api_keys.settings import get_settings

        options = get_settings()
        if options.PATH is not None:
            api.register_controllers(
                make_controller(auth=load_auth(options.AUTH), path=options.PATH)
            )

    def end_tenant_credentials(self, tenant: str, *, request: HttpRequest | None = None) -> int:
        """Revoke the keys of users for one tenant; see ``django_matt.sign_in.EndsTenantCredentials``."""
        from django_matt.contrib.api_keys.services import revoke_member_keys

        return revoke_member_keys(tenant, request=request)
