"""The cookie of the browser that requested a link, and the CSRF check of the routes that use it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware

from django_matt.contrib.magic_links.settings import get_settings

__all__ = ["binding_of", "forget_binding", "has_csrf_token", "remember_binding"]


def _name(request: HttpRequest) -> str:
    # With this prefix, browsers accept the cookie from no other host (RFC 6265bis, 4.1.3.2).
    return "__Host-matt_sign_in" if _is_secure(request) else "matt_sign_in"


def _is_secure(request: HttpRequest) -> bool:
    return request.is_secure() or settings.SESSION_COOKIE_SECURE


def binding_of(request: HttpRequest) -> str:
    """Return the secret of the browser; empty if it has none."""
    return request.COOKIES.get(_name(request), "")


def remember_binding(request: HttpRequest, response: HttpResponse, binding: str) -> None:
    """Set the cookie, for as long as the link is valid."""
    response.set_cookie(
        _name(request),
        binding,
        max_age=get_settings().LIFETIME,
        secure=_is_secure(request),
        httponly=True,
        samesite="Lax",
    )


def forget_binding(request: HttpRequest, response: HttpResponse) -> None:
    """Remove the cookie of a link that was used."""
    if binding_of(request):
        response.set_cookie(
            _name(request),
            max_age=0,
            secure=_is_secure(request),
            httponly=True,
            samesite="Lax",
        )


def has_csrf_token(request: HttpRequest) -> bool:
    """Tell whether Django's CSRF check accepts a request. Its middleware exempts the routes of an API."""
    middleware: Any = CsrfViewMiddleware(lambda _: HttpResponseForbidden())
    request.__dict__["csrf_processing_done"] = False
    middleware.process_request(request)
    return middleware.process_view(request, _not_exempt, (), {}) is None


def _not_exempt(request: HttpRequest) -> None: ...
