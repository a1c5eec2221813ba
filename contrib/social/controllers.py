"""The route that lists the providers, for the buttons of a front end."""

from django.http import HttpRequest
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt.contrib.social.schemas import SignInProviderOut
from django_matt.contrib.social.services import list_providers

__all__ = ["make_controller"]


def make_controller(path: str) -> type[ControllerBase]:
    """Return the controller class, with its route at a path."""

    @api_controller("", tags=["sign-in"], auth=None, auto_import=False)
    class SocialController(ControllerBase):
        """Sign-in at other providers."""

        @http_get(
            path,
            response=list[SignInProviderOut],
            auth=None,
            operation_id="sign_in_providers",
            url_name="sign_in_providers",
        )
        def list_providers(self, request: HttpRequest) -> list[SignInProviderOut]:
            """List the providers at which users can sign in."""
            return list(list_providers(request))

    return SocialController
