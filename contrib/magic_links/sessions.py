"""The session of an app without cookies, which must not become the session of a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage import default_storage
from django.http import HttpRequest

__all__ = ["separate_session"]

_MESSAGES = "_messages"
"""Where Django's messages are: "Successfully signed in" would be sent in a cookie too."""
_REPLACED = ("session", "user", _MESSAGES)
_ROTATED = "CSRF_COOKIE_NEEDS_UPDATE"


@contextmanager
def separate_session(request: HttpRequest) -> Iterator[None]:
    """Give the request a new session, save it, and then return the former one.

    So a sign-in of an app sets no cookie. Otherwise another site could sign a browser in as somebody else, because
    requests of apps need no CSRF token.
    """
    kept = {name: getattr(request, name) for name in _REPLACED if hasattr(request, name)}
    rotated = request.META.get(_ROTATED)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    request.user = AnonymousUser()
    if _MESSAGES in kept:
        setattr(request, _MESSAGES, default_storage(request))
    try:
        yield
        request.session.save()
    finally:
        for name in ("session", "user"):
            request.__dict__.pop(name, None)
        for name, value in kept.items():
            setattr(request, name, value)
        if not rotated:
            request.META.pop(_ROTATED, None)
