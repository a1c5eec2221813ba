"""The exchange with a provider of OpenID Connect: what it sends is checked before anything is done with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

__all__ = ["OpenIDConnectAdapter", "callback", "login"]

_LARGEST = 64 * 1024


@contextmanager
def _answer_of_provider() -> Iterator[None]:
    """Turn what a malformed answer raises into an error that is the provider's."""
    try:
        yield
    except (ProviderException, requests.RequestException):
        raise
    except (ArithmeticError, AttributeError, ImproperlyConfigured, LookupError) as error:
        raise ProviderException("The provider sent a malformed answer.") from error
    except (RecursionError, TypeError, ValueError) as error:
        raise ProviderException("The provider sent a malformed answer.") from error


class OpenIDConnectAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """Reads the provider's answers, and refuses those of another sign-in."""

    expected_nonce: str | None = None

    @property
    def openid_config(self) -> dict[str, Any]:
        """The configuration that the provider publishes."""
        with _answer_of_provider():
            found = super().openid_config
            if not isinstance(found, dict):
                raise TypeError("not an object")
            for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(found[name], str):
                    raise TypeError(name)
            return found

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> Any:
        """Exchange the code for tokens."""
        with _answer_of_provider():
            return super().get_access_token_data(*args, **kwargs)

    def parse_token(self, data: Any) -> Any:
        """Read the access token."""
        with _answer_of_provider():
            if not isinstance(data["access_token"], str):
                raise TypeError("access_token")
            return super().parse_token(data)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Check the ID token, and the user information if it is fetched (OpenID Connect Core, 3.1.3.7 and 5.3.2)."""
        with _answer_of_provider():
            if not isinstance(kwargs["response"].get("id_token"), str):
                raise ProviderException("The provider sent no ID token.")
            found = super().complete_login(request, app, token, **kwargs)
            data = found.account.extra_data
            _check_text(data)
            id_token = data["id_token"]
            nonce = id_token.get("nonce")
            expected = self.expected_nonce
            if not (expected and isinstance(nonce, str) and constant_time_compare(nonce, expected)):
                raise ProviderException("The ID token belongs to another sign-in.")
            if data.get("userinfo", id_token)["sub"] != id_token["sub"]:
                raise ProviderException("The user information is about another user.")
            return found


def _check_text(data: Any) -> None:
    """Refuse what no database stores: NUL, lone surrogates, and more than 64 KiB."""
    text = json.dumps(data, ensure_ascii=False)
    if "\\u0000" in text or len(text.encode()) > _LARGEST:
        raise ProviderException("The provider sent text that cannot be stored.")


class _Callback(OAuth2CallbackView):  # type: ignore[misc]  # allauth has no types
    """The view that the provider redirects to."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        if state is not None:
            adapter: Any = self.adapter
            adapter.expected_nonce = state.get("nonce")
        return state, response


def _respond(kind: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    if not provider_id.isprintable():
        raise Http404
    adapter = OpenIDConnectAdapter(request, provider_id)
    try:
        response: HttpResponse = kind.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (OAuth2Error, ProviderException, requests.RequestException) as error:
        response = render_authentication_error(request, adapter.get_provider(), exception=error)
    return response


@login_not_required
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Ask whether to sign in at the provider; a POST sends the browser there."""
    return _respond(OAuth2LoginView, request, provider_id)


@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in whom the provider has sent back."""
    return _respond(_Callback, request, provider_id)
