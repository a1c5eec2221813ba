"""The route that tells a browser which passkeys the server accepts."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt.contrib.passkeys.schemas import Signals
from django_matt.contrib.passkeys.services import accepted_passkeys
from django_matt.contrib.passkeys.settings import get_settings

__all__ = ["make_controller"]


def make_controller(auth: Any) -> type[ControllerBase]:
    """Return the controller class; ``auth`` is the authentication of its route."""

    @api_controller("", tags=["passkeys"], auth=auth, auto_import=False)
    class PasskeysController(ControllerBase):
        """What allauth's endpoints do not have."""

        @http_get(
            "/passkeys/signals",
            response=Signals,
            by_alias=True,
            operation_id="passkeys_signals",
            url_name="passkeys_signals",
        )
        def signals(self, request: HttpRequest, response: HttpResponse) -> Any:
            """Return the arguments of the browser's signal API, so that it forgets passkeys that were deleted here."""
            user: Any = request.user
            if not user.is_authenticated:
                raise AuthenticationError
            response.headers["Cache-Control"] = "no-store"
            rp_id, accepted = get_settings().RP_ID, accepted_passkeys(user)
            if not accepted.user_ids:
                return {"allAcceptedCredentials": [], "currentUserDetails": []}
            entity = get_adapter().get_public_key_credential_user_entity(user)
            return {
                "allAcceptedCredentials": [
                    {
                        "rpId": rp_id,
                        "userId": user_id,
                        "allAcceptedCredentialIds": accepted.credential_ids,
                    }
                    for user_id in accepted.user_ids
                ],
                "currentUserDetails": [
                    {
                        "rpId": rp_id,
                        "userId": user_id,
                        "name": entity["name"],
                        "displayName": entity["display_name"],
                    }
                    for user_id in accepted.user_ids
                ],
            }

    return PasskeysController
