"""For allauth's app clients: every login returns tokens, and ``X-Session-Token`` can be exchanged for tokens.

Only this module of the app imports allauth.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth import get_user
from django.http import HttpRequest

from django_matt.authentication import Authenticator, Credentials
from django_matt.contrib.tokens import services
from django_matt.errors.exceptions import MissingExtra
from django_matt.sign_in import AuthenticationRecord, Method, authentication_records

try:
    from allauth.account.authentication import get_authentication_records
    from allauth.core import context
    from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
except ImportError as _error:
    raise MissingExtra(_error.name or "allauth", "accounts") from None

__all__ = ["AppSession", "TokenStrategy"]

_METHODS: dict[str, Method] = {
    "password": "password",
    "code": "code",
    "socialaccount": "oidc",
    "totp": "totp",
    "webauthn": "passkey",
    "recovery_codes": "recovery_code",
}


class TokenStrategy(SessionTokenStrategy):  # type: ignore[misc]  # allauth has no types
    """``HEADLESS_TOKEN_STRATEGY = "django_matt.contrib.tokens.strategies.TokenStrategy"``."""

    def create_access_token_payload(self, request: HttpRequest) -> dict[str, Any]:
        """Return the tokens for the ``meta`` of allauth's response to a login."""
        login = services.issue(
            request,
            request.user,
            records=authentication_records(request) or list(_records_of(request)),
            session_key=self.create_session_token(request),
        )
        return {
            "access_token": login.tokens.access_token,
            "refresh_token": login.tokens.refresh_token,
            "expires_in": login.tokens.expires_in,
        }

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        """Return the next access and refresh token; None if the refresh token is not valid."""
        try:
            tokens = services.refresh(refresh_token, request=context.request).tokens
        except services.InvalidRefreshToken:
            return None
        return tokens.access_token, tokens.refresh_token or ""


def _records_of(request: Any) -> Iterator[AuthenticationRecord]:
    """Yield allauth's records of a session."""
    records: Sequence[dict[str, Any]] = get_authentication_records(request, request.user)
    for record in records:
        method = _METHODS.get(record.get("type") or record["method"])
        if method is not None:
            yield AuthenticationRecord(method=method, at=record["at"])


class AppSession(Authenticator):
    """The session of an app client, in the header ``X-Session-Token``. The view finds it in ``request.app_session``."""

    security_schemes = {
        # The same words as the app accounts has, so that the document lists the scheme once.
        "sessionToken": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The `session_token` of an earlier response. Apps send it instead of cookies.",
        }
    }

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> Any:
        """Return the user of the session; None if the session has ended or nobody is signed in."""
        session = TokenStrategy().lookup_session(credentials.value)
        if session is None:
            return None
        asked = HttpRequest()
        asked.session = session
        user = get_user(asked)
        request.app_session = session  # type: ignore[attr-defined]
        return user if user.is_authenticated else None
