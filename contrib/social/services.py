"""Lists the providers."""

from collections.abc import Iterator
from typing import Any

from allauth import app_settings
from allauth.socialaccount.adapter import get_adapter
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from django_matt.contrib.social.schemas import SignInProviderOut

__all__ = ["list_providers"]

_HEADLESS = "headless:browser:socialaccount:redirect_to_provider"


def list_providers(request: HttpRequest) -> Iterator[SignInProviderOut]:
    """Yield the configured providers that a browser can be sent to, without those that are hidden."""
    # Then, allauth has no pages, and its API begins the sign-in.
    headless = app_settings.HEADLESS_ONLY
    for provider in get_adapter(request).list_providers(request):
        app: Any = provider.app
        if not provider.supports_redirect or (app is not None and app.settings.get("hidden")):
            continue
        fields = {"provider": provider.sub_id, "process": "login"} if headless else {}
        try:
            url = reverse(_HEADLESS) if headless else provider.get_login_url(request)
        except NoReverseMatch:
            continue
        name = (app.name if app is not None else "") or provider.name
        yield SignInProviderOut(id=provider.sub_id, name=name, start_url=url, fields=fields)
