"""Authentication of routes by the session token that allauth gives to apps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.headless.internal.sessionkit import authenticate_by_x_session_token
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from django_matt.authentication import Authenticator, Credentials
from django_matt.contrib.accounts.records import translate
from django_matt.sign_in import AuthenticationRecord

__all__ = ["SessionToken", "SessionTokenAuth"]


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What ``request.auth`` is after ``SessionTokenAuth``: the user, and the session that the token names."""

    user: Any
    session: SessionBase

    @property
    def records(self) -> Sequence[AuthenticationRecord]:
        """How and when the user of the session proved who they are."""
        return translate(self.session.get(AUTHENTICATION_METHODS_SESSION_KEY))


class SessionTokenAuth(Authenticator):
    """The header ``X-Session-Token``, which apps get from ``/_allauth/app/v1/auth/login`` and send instead of cookies.

    ``request.auth`` is a ``SessionToken``, and ``request.user`` its user. Two queries per request, as for a session.
    """

    security_schemes = {
        "sessionToken": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The `session_token` of an earlier response. Apps send it instead of cookies.",
        }
    }

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> Any:
        """Return the session and its user; None if it has ended, or if the user is inactive."""
        found = authenticate_by_x_session_token(credentials.value)
        if found is None or found.user is None:
            return None
        return SessionToken(found.user, found.session)
