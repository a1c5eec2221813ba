"""The app's configuration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import register

from django_matt.errors.exceptions import MissingExtra

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_matt.sign_in import AuthenticationRecord, LoginOutcome, Method

__all__ = ["AccountsConfig"]

try:
    import allauth  # noqa: F401 - to name the extra where it is missing
except ImportError:
    raise MissingExtra("django-allauth", "accounts") from None


class AccountsConfig(AppConfig):
    """Add ``"django_matt.contrib.accounts"`` to ``INSTALLED_APPS``, before allauth's apps."""

    name = "django_matt.contrib.accounts"
    label = "matt_accounts"
    verbose_name = "Django Matt: accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and connect to the signals of allauth."""
        from django_matt.contrib.accounts import checks
        from django_matt.contrib.accounts.pages.checks import check_pages

        register(check_pages, "matt")
        for check in (
            checks.check_settings,
            checks.check_apps,
            checks.check_urls,
            checks.check_login,
        ):
            register(check, "matt")
        for check in (
            checks.check_defaults,
            checks.check_hosts,
            checks.check_limits,
            checks.check_sessions,
            checks.check_pkce,
        ):
            register(check, "matt", deploy=True)
        if not checks.check_apps():
            from django_matt.contrib.accounts.receivers import connect

            connect()

    def extend(self, api: Any) -> None:
        """Add allauth's routes to the API's document, and the routes of the own account to the API."""
        from django_matt.contrib.accounts.documents import describe_accounts
        from django_matt.contrib.accounts.settings import get_settings

        api.add_openapi(describe_accounts)
        options = get_settings()
        if options.ACCOUNT_PATH is not None:
            from django_matt.contrib.accounts.controllers import make_controller

            api.register_controllers(make_controller(options))

    def complete_login(
        self, request: "HttpRequest", user: Any, *, method: "Method", email: str | None = None
    ) -> "LoginOutcome":
        """Sign the user in by allauth's flows; see ``django_matt.sign_in.CompletesLogin``."""
        from django_matt.contrib.accounts.logins import finish_login

        return finish_login(request, user, method=method, email=email)

    def authentication_records(self, request: "HttpRequest") -> "Sequence[AuthenticationRecord]":
        """Return how and when the user signed in; see ``django_matt.sign_in.RemembersAuthentication``."""
        from django_matt.contrib.accounts.logins import list_records

        return list_records(request)
