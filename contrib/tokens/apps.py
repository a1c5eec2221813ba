"""The app's configuration."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import register
from django.http import HttpRequest

from django_matt.sign_in import AuthenticationRecord, Impersonation, IssuedTokens

__all__ = ["TokensConfig"]


class TokensConfig(AppConfig):
    """Add ``"django_matt.contrib.tokens"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.tokens"
    label = "matt_tokens"
    verbose_name = "Django Matt: tokens"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and end logins with their sessions and passwords."""
        from django_matt.contrib.tokens import checks, receivers

        register(checks.check_settings, "matt")
        register(checks.check_deployment, "matt", deploy=True)
        has_sessions = apps.is_installed("allauth.usersessions")
        receivers.connect(apps.get_model("usersessions", "UserSession") if has_sessions else None)

    def extend(self, api: Any) -> None:
        """Add the routes to an API."""
        from django_matt.contrib.tokens.controllers import make_controller
        from django_matt.contrib.tokens.settings import get_settings

        api.register_controllers(make_controller(get_settings()))

    def issue_tokens(
        self,
        request: HttpRequest,
        user: Any,
        *,
        records: Sequence[AuthenticationRecord] = (),
        scopes: Sequence[str] = (),
    ) -> IssuedTokens:
        """Begin a login for a user who has signed in. It ends with the session of the request, if there is one."""
        from django_matt.contrib.tokens import services

        login = services.issue(
            request,
            user,
            records=records,
            scopes=scopes,
            session_key=services.session_key_of(request),
        )
        return login.tokens

    def revoke_tokens(self, user: Any) -> int:
        """End every login of a user, and return how many there were."""
        from django_matt.contrib.tokens.endings import end_families

        return end_families(user)

    def end_tenant_credentials(self, tenant: str, *, request: HttpRequest | None = None) -> int:
        """End every login for one tenant; see ``django_matt.sign_in.EndsTenantCredentials``."""
        from django_matt.contrib.tokens.endings import end_tenant_families

        return end_tenant_families(tenant, request=request)

    def may_impersonate(self, actor: Any, user: Any) -> bool:
        """Return whether a member of staff may act as a user; see ``django_matt.sign_in.Impersonates``."""
        from django_matt.contrib.tokens.models import may_impersonate

        return may_impersonate(actor, user)

    def begin_impersonation(self, request: HttpRequest, find_user: Callable[[], Any]) -> str:
        """Let the user of a request act as another one in its session. The tokens that begin with it are given to nobody."""
        from django_matt.contrib.tokens import services

        return str(services.impersonate(request, request.user, find_user).family.pk)

    def find_impersonation(self, request: HttpRequest, key: str) -> Impersonation | None:
        """Return the impersonation of this session that has a key, while it lasts."""
        from django_matt.contrib.tokens import services

        found = services.find_impersonation(request, key)
        if found is None:
            return None
        return Impersonation(user=found.user, actor=found.actor, expires_at=found.expires_at)

    def end_impersonation(self, request: HttpRequest, key: str) -> None:
        """End the impersonation that has a key."""
        from django_matt.contrib.tokens.endings import end_family

        end_family(key, request=request)

    def export_account(self, user: Any) -> Mapping[str, Any]:
        """Return the logins of a user, which their account's export has."""
        from django_matt.contrib.tokens.endings import open_families

        return {
            "logins": [
                {
                    "client": family.client,
                    "issued_at": family.issued_at.isoformat(),
                    "expires_at": family.expires_at.isoformat(),
                }
                for family in open_families(user)
            ]
        }

    def prune_rows(self, *, dry_run: bool) -> int:
        """Delete the logins that have expired or ended, and retired keys; see ``django_matt.extensions.PrunesRows``."""
        from django_matt.contrib.tokens.endings import prune

        return prune(dry_run=dry_run)
