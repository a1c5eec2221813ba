"""The routes: request a link and a code, and sign in by one of them."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from ninja.errors import HttpError
from ninja.responses import Status
from ninja_extra import ControllerBase, api_controller, http_post

from django_matt.contrib.magic_links.bindings import (
    binding_of,
    forget_binding,
    has_csrf_token,
    remember_binding,
)
from django_matt.contrib.magic_links.errors import LinkRefused
from django_matt.contrib.magic_links.schemas import (
    LinkRedemption,
    LinkRequest,
    LinkRequested,
    SignedIn,
)
from django_matt.contrib.magic_links.services import redeem_link, request_link
from django_matt.contrib.magic_links.settings import get_settings
from django_matt.errors.exceptions import UnprocessableContent
from django_matt.hooks import OperationHook
from django_matt.sign_in import IssuesTokens, installed

__all__ = ["LinkErrors", "make_controller"]

_STATUSES = {"sign_in_request_link": {403, 429}, "sign_in_redeem_link": {403, 409}}


class LinkErrors(OperationHook):
    """Documents the errors of the two routes; it does nothing to a request."""

    def __init__(self, statuses: set[int]) -> None:
        """Take the statuses of one route."""
        self._statuses = statuses

    @classmethod
    def bind(cls, operation: Any, api: Any) -> Any:
        """Choose the two routes."""
        statuses = _STATUSES.get(operation.operation_id)
        return cls(statuses) if statuses else None

    def error_statuses(self, method: str) -> set[int]:
        """Return the statuses that the route raises itself."""
        return self._statuses


def make_controller(api: Any) -> type[ControllerBase]:
    """Return the controller class for an API."""

    @api_controller("/sign-in/links", tags=["sign-in"], auth=None, auto_import=False)
    class MagicLinksController(ControllerBase):
        """Sign-in by e-mail."""

        @http_post(
            "",
            response={202: LinkRequested},
            auth=None,
            operation_id="sign_in_request_link",
            url_name="sign_in_request_link",
        )
        @transaction.non_atomic_requests
        def request_link(
            self, request: HttpRequest, response: HttpResponse, body: LinkRequest
        ) -> Status[LinkRequested]:
            """Send a link and a code to an address. The response is the same for every address."""
            app = _admit(request, body.client)
            binding = request_link(request, body.email, next_url=body.next)
            response.headers["Cache-Control"] = "no-store"
            if not app:
                remember_binding(request, response, binding)
            detail = _("If the address has an account, it gets a mail with a link and a code.")
            return Status(
                202,
                LinkRequested(
                    detail=detail,
                    expires_in=get_settings().LIFETIME,
                    binding=binding if app else None,
                ),
            )

        @http_post(
            "/redeem",
            response=SignedIn,
            auth=None,
            operation_id="sign_in_redeem_link",
            url_name="sign_in_redeem_link",
        )
        @transaction.non_atomic_requests
        @sensitive_variables()
        def redeem_link(
            self, request: HttpRequest, response: HttpResponse, body: LinkRedemption
        ) -> Any:
            """Sign in by the token of a link, by a code, or by both."""
            app = _admit(request, body.client)
            if not body.token and not body.code:
                raise UnprocessableContent(_("Send a token or a code."), code="nothing_to_redeem")
            binding = body.binding if app else binding_of(request)
            try:
                redeemed = redeem_link(
                    request, token=body.token, code=body.code, binding=binding, app=app
                )
            except LinkRefused as error:
                # Not raised: a hook's transaction around the view would undo the counted attempt.
                return api.on_exception(request, error)
            response.headers["Cache-Control"] = "no-store"
            if not app:
                forget_binding(request, response)
            return SignedIn.of(redeemed)

    return MagicLinksController


def _admit(request: HttpRequest, client: str) -> bool:
    """Tell whether the client is an app; refuse a browser without CSRF token, and an app where no tokens are issued."""
    if client == "app":
        if next(installed(IssuesTokens), None) is None:  # type: ignore[type-abstract]
            message = _("This project issues no tokens, so apps cannot sign in.")
            raise UnprocessableContent(message, code="no_tokens")
        return True
    if not has_csrf_token(request):
        raise HttpError(403, "CSRF check Failed")  # Ninja's words
    return False
