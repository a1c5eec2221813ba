"""Signing in as a user: who may, the views that begin and end it, and what a session remembers of it.

The app that offers ``django_matt.sign_in.Impersonates`` decides who may, for how long, and records it. The session stays
that of the member of staff: it has the key of what was begun, and no credentials of the user.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from django_matt.errors.exceptions import PermissionDenied as Refused
from django_matt.sign_in import Impersonates, Impersonation, installed

__all__ = ["MIDDLEWARE", "acting_views", "end", "find", "may_sign_in_as"]

MIDDLEWARE = "django_matt.contrib.admin.middleware.SignInAsMiddleware"
_KEY = "_matt_acting"


def _app() -> Impersonates | None:
    """Return the app that lets staff act as users; ``None`` if there is none, or no middleware for it."""
    if MIDDLEWARE not in settings.MIDDLEWARE:
        return None
    return next(installed(Impersonates), None)  # type: ignore[type-abstract]


def may_sign_in_as(request: HttpRequest, user: Any) -> bool:
    """Return whether the page of an object has the button: it is a user, as whom the user of the request may act."""
    app = _app()
    if app is None or not isinstance(user, get_user_model()):
        return False
    return app.may_impersonate(request.user, user)


def find(request: HttpRequest) -> Impersonation | None:
    """Return as whom the session acts; forget what has ended."""
    key: Any = request.session.get(_KEY)
    app = _app() if key else None
    found = None if app is None else app.find_impersonation(request, key)
    if key and found is None:
        del request.session[_KEY]
    return found


def begin(request: HttpRequest, find_user: Callable[[], Any]) -> None:
    """Act as a user from the next request on. Raises ``PermissionDenied``."""
    app = _app()
    if app is None:
        raise Http404
    end(request)
    try:
        request.session[_KEY] = app.begin_impersonation(request, find_user)
    except Refused as error:
        raise PermissionDenied(str(error.detail)) from error


def _find_user(key: str) -> Any:
    users: Any = get_user_model()._default_manager
    try:
        user = users.filter(pk=key).first()
    except (ValueError, ValidationError, OverflowError):
        user = None
    if user is None:
        raise Http404("There is no such user.")
    return user


def end(request: HttpRequest) -> None:
    """Be oneself again."""
    key = request.session.pop(_KEY, None)
    app = _app()
    if key and app is not None:
        app.end_impersonation(request, key)


def acting_views(site: AdminSite) -> tuple[Any, Any]:
    """Return the view that begins it, and the one that ends it, for POST alone."""

    @require_POST
    def sign_in_as(request: HttpRequest, key: str) -> HttpResponse:
        begin(request, lambda: _find_user(key))
        return HttpResponseRedirect(site.site_url or reverse(f"{site.name}:index"))

    @require_POST
    def stop(request: HttpRequest) -> HttpResponse:
        end(request)
        return HttpResponseRedirect(reverse(f"{site.name}:index"))

    return sign_in_as, stop
