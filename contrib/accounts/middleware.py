"""allauth's middleware that notes when each session was used, for sessions that exist no longer, or never could."""

from typing import Any

from allauth.usersessions.middleware import UserSessionsMiddleware as AllauthMiddleware
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["UserSessionsMiddleware"]


class UserSessionsMiddleware(AllauthMiddleware):  # type: ignore[misc] # allauth has no types
    """Use it instead of allauth's, after ``AuthenticationMiddleware``.

    A request of a user who is being deleted goes on as that of nobody, so a route answers with 401. So does a request whose
    session cookie contains NUL, which PostgreSQL does not accept in a query.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Note that the session is used, and let the next middleware answer."""
        if "\0" in (request.session.session_key or ""):
            request.session = type(request.session)()
        try:
            response: HttpResponseBase = super().__call__(request)
        except IntegrityError:
            # It is of the row that refers to the user: Django has answered what the view or another middleware raises.
            user: Any = request.user
            if get_user_model()._base_manager.filter(pk=user.pk).exists():
                raise
            request.session.flush()
            request.user = AnonymousUser()
            response = self.get_response(request)
        return response
