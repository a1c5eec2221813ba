"""The views below ``/.well-known/``. All are public, and read nothing from the database."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from django_matt.contrib.password_managers.resources import describe, find_resources
from django_matt.contrib.password_managers.settings import get_settings, related_origins

__all__ = ["change_password", "missing", "passkey_endpoints", "protected_resource", "webauthn"]

View = Callable[..., HttpResponse]


def _public(view: View) -> View:
    return login_not_required(require_safe(view))


@_public
def change_password(request: HttpRequest) -> HttpResponse:
    """Redirect to the page on which users change their password (W3C, A Well-Known URL for Changing Passwords)."""
    page = _find_page(get_settings().CHANGE_PASSWORD)
    if page is None:
        raise Http404
    return HttpResponseRedirect(page)


@_public
def passkey_endpoints(request: HttpRequest) -> HttpResponse:
    """Return the pages on which users add and manage passkeys (W3C, Passkey Endpoints Well-Known URL)."""
    options = get_settings()
    pages = {"enroll": _find_page(options.ENROLL), "manage": _find_page(options.MANAGE)}
    found = {name: request.build_absolute_uri(page) for name, page in pages.items() if page}
    if not found:
        raise Http404
    return _answer(found)


@_public
def webauthn(request: HttpRequest) -> HttpResponse:
    """Return the other origins that may use the passkeys of this site (WebAuthn 3, 5.11)."""
    origins = related_origins()
    if not origins:
        raise Http404
    return _answer({"origins": list(origins)})


@_public
def protected_resource(request: HttpRequest, path: str = "") -> HttpResponse:
    """Return what a client needs to get access tokens for an API, or for all APIs of the site (RFC 9728)."""
    wanted = f"/{path}".rstrip("/")
    resources = [each for each in find_resources() if not path or each.path.rstrip("/") == wanted]
    if not resources:
        raise Http404
    # The client compares it with the URL that it has inserted the well-known path into.
    identifier = f"{request.scheme}://{request.get_host()}" + (f"/{path}" if path else "")
    servers = get_settings().AUTHORIZATION_SERVERS
    response = _answer(describe(resources, identifier=identifier, authorization_servers=servers))
    # Clients in browsers come from any origin, and the document is the same for everybody.
    response["Access-Control-Allow-Origin"] = "*"
    return response


@_public
def missing(request: HttpRequest) -> HttpResponse:
    """Return 404: password managers use the other addresses only if this one does not exist."""
    raise Http404


def _find_page(page: str | None) -> str | None:
    """Return the URL of a page from the settings, None if the project does not have it."""
    if page is None or page.startswith(("/", "https://", "http://")):
        return page
    try:
        return reverse(page)
    except NoReverseMatch:
        return None


def _answer(document: Any) -> HttpResponse:
    response = JsonResponse(document)
    response["Cache-Control"] = "public, max-age=300"
    return response
