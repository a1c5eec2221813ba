"""What the pages answer: a strict Content-Security-Policy, no caching, and a 400 for a credential that cannot be read."""

import traceback
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, reverse
from django.utils.cache import add_never_cache_headers

from django_matt.errors.exceptions import SAFE
from django_matt.policies import find_writer
from django_matt.sign_in import is_impersonated

__all__ = ["PAGES_CSP", "protect"]

_LOADS = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

PAGES_CSP = f"{_LOADS}; form-action 'self'"
"""The ``Content-Security-Policy`` of the pages, if no middleware of the project sends one."""


def protect(patterns: Iterable[Any]) -> list[URLPattern | URLResolver]:
    """Return copies of URL patterns whose views send the headers, and answer unreadable credentials with a 400.

    A header that a view sets itself is kept.
    """
    return [_protect_pattern(each) for each in patterns]


def _protect_pattern(pattern: Any) -> Any:
    if isinstance(pattern, URLResolver):
        inner = protect(pattern.url_patterns)
        return URLResolver(
            pattern.pattern, inner, pattern.default_kwargs, pattern.app_name, pattern.namespace
        )
    # Browsers apply form-action to redirects too, and these forms lead to another site: the provider.
    to_provider = str(pattern.name or "").endswith("_login") and pattern.name != "account_login"
    view = _protect_view(pattern.callback, _LOADS if to_provider else PAGES_CSP)
    return URLPattern(pattern.pattern, view, pattern.default_args, pattern.name)


def _protect_view(view: Callable[..., Any], csp: str) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in SAFE and is_impersonated(request):
            raise PermissionDenied("You act as another user.")
        try:
            response: HttpResponseBase = view(request, *args, **kwargs)
        except (PermissionDenied, ReauthenticationRequired) as error:
            if not _is_stale(request, error):
                raise
            # allauth asks where the provider redirects to, which works once.
            begin = isinstance(error, ReauthenticationRequired)
            resume = request.path if begin else reverse("socialaccount_connections")
            context = {"resume_url": resume}
            response = render(request, "account/sign_in_again.html", context, status=403)
        except Exception as error:
            # allauth's forms expect a credential that a browser has made.
            if "credential" in request.POST and _is_about_credential(error):
                raise BadRequest("The credential cannot be read.") from error
            raise
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and not response.has_header("Content-Security-Policy") and not find_writer():
            response["Content-Security-Policy"] = csp
        return response

    return protected


def _is_stale(request: HttpRequest, error: Exception) -> bool:
    """Tell whether only a new sign-in is a fresh proof: the user has neither a password nor a second factor."""
    if isinstance(error, PermissionDenied) and "Reauthentication" not in str(error):
        return False
    user = request.user
    return user.is_authenticated and not get_adapter().get_reauthentication_methods(user)


def _is_about_credential(error: BaseException) -> bool:
    """Tell whether a parser of the credential raised the error: of JSON, or of the WebAuthn library."""
    frames = traceback.walk_tb(error.__traceback__)
    modules = {str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame, _ in frames}
    return bool(modules & {"json", "fido2"})
