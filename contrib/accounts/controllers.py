"""The routes of the whole account: its export, and its deletion."""

from typing import Any

from django.http import HttpResponse
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_delete, http_get

from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.accounts.authentication import SessionTokenAuth
from django_matt.contrib.accounts.services import delete_account, export_account
from django_matt.contrib.accounts.settings import AccountsSettings
from django_matt.step_up import RequiresRecent

__all__ = ["make_controller"]


def make_controller(options: AccountsSettings) -> type[ControllerBase]:
    """Return the controller class, with its routes at the path in the settings."""
    path = options.ACCOUNT_PATH

    @api_controller(
        "",
        tags=["account"],
        auth=AnyOf(SessionTokenAuth(), SessionAuthenticator()),
        permissions=[RequiresRecent(minutes=5)],
        auto_import=False,
    )
    class AccountController(ControllerBase):
        """The account of the user who is signed in, who must have signed in during the last five minutes."""

        @http_get(f"{path}/export", response=dict[str, Any], operation_id="account_export")
        def export(self, response: HttpResponse) -> dict[str, Any]:
            """Return what is stored about the user."""
            request: Any = self.context.request  # type: ignore[union-attr]
            response.headers["Cache-Control"] = "no-store"
            response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
            return export_account(request, request.user)

        @http_delete(f"{path}", response={204: None}, operation_id="account_delete")
        def delete(self) -> Status[None]:
            """Delete the user, with all of their sessions and tokens."""
            request: Any = self.context.request  # type: ignore[union-attr]
            delete_account(request, request.user)
            return Status(204, None)

    return AccountController
