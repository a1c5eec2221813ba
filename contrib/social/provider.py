"""The provider of OpenID Connect, which replaces allauth's: with PKCE and a nonce, and parameters that no link can change."""

import secrets
from typing import Any

import requests
from allauth.socialaccount import app_settings
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import provider as openid_connect
from django.http import HttpRequest, HttpResponse

from django_matt.contrib.social.openid import OpenIDConnectAdapter

__all__ = ["OpenIDConnectProvider", "provider_classes", "register_provider"]


class OpenIDConnectProvider(openid_connect.OpenIDConnectProvider):  # type: ignore[misc]  # allauth has no types
    """A provider of OpenID Connect, configured as allauth's ``openid_connect``."""

    pkce_enabled_default = True
    oauth2_adapter_class = OpenIDConnectAdapter
    # With a token alone there is no nonce: anyone who has a token of another sign-in could use it again.
    supports_token_authentication = False

    def redirect(
        self,
        request: HttpRequest,
        process: str,
        next_url: str | None = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """Send the browser to the provider, with a new nonce, which is kept in the session (OpenID Connect Core, 3.1.2.1)."""
        nonce = secrets.token_urlsafe(32)
        # Not those of the request: a link could choose `redirect_uri`, `state` or `nonce`.
        kwargs["auth_params"] = {**self.get_auth_params(), "nonce": nonce}
        kwargs["scope"] = self.get_scope()
        try:
            response: HttpResponse = super().redirect(
                request, process, next_url, data, nonce=nonce, **kwargs
            )
        except (OAuth2Error, ProviderException, requests.RequestException) as error:
            # allauth asks for the provider's configuration where it catches nothing.
            response = render_authentication_error(request, self, exception=error)
        return response


provider_classes = [OpenIDConnectProvider]


def register_provider() -> None:
    """Replace allauth's class, wherever its app is in ``INSTALLED_APPS``; a ``provider_class`` of the project wins."""
    registry.load()
    if "provider_class" not in app_settings.PROVIDERS.get(OpenIDConnectProvider.id, {}):
        registry.register(OpenIDConnectProvider)
