"""``RequiresRecent``: a permission for routes that need a recent sign-in, such as one that deletes the account (RFC 9470)."""

import time
from collections.abc import Sequence
from typing import Any, get_args

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from ninja_extra.permissions import BasePermission

from django_matt.errors.exceptions import NotAuthenticated
from django_matt.sign_in import AuthenticationRecord, Method, authentication_records

__all__ = ["InsufficientAuthentication", "RequiresRecent"]


class InsufficientAuthentication(NotAuthenticated):
    """The credentials are valid, but the sign-in is too old, or was by another method: 401 (RFC 9470, 3)."""

    default_detail = "Sign in again to do this."
    default_code = "insufficient_user_authentication"

    def __init__(self, *, seconds: int, factor: Method | None = None) -> None:
        """Take how old the sign-in may be, and the method that it needs."""
        parameters = {"error": self.default_code, "error_description": str(self.default_detail)}
        members: dict[str, Any] = {"max_age": seconds}
        if factor is not None:
            parameters["acr_values"] = members["acr_values"] = factor
        parameters["max_age"] = str(seconds)
        challenge = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        super().__init__(headers={"WWW-Authenticate": f"Bearer {challenge}"}, **members)


class RequiresRecent(BasePermission):
    """Accept only users who proved who they are a short time ago: ``permissions=[RequiresRecent(minutes=5)]``.

    ``factor`` names the method that they must have used, such as ``"passkey"``. For an access token, the login of the
    token counts; for a session, what the installed apps remember of it. Other credentials, such as API keys, and
    impersonated users are always refused. The refusal is a 401 that tells the client what is missing (RFC 9470).
    """

    def __init__(self, minutes: float = 5, factor: Method | None = None) -> None:
        """Raise ``ValueError`` for an unknown method, which nobody could ever use."""
        if factor is not None and factor not in get_args(Method):
            raise ValueError(f"{factor!r} is none of the methods {', '.join(get_args(Method))}.")
        if not minutes > 0:
            raise ValueError(f"{minutes!r} is not a number of minutes above 0.")
        self.seconds = int(minutes * 60)
        self.factor: Method | None = factor

    def has_permission(self, request: HttpRequest, controller: Any = None) -> bool:
        """Return True, or raise ``InsufficientAuthentication``."""
        since = time.time() - self.seconds
        for record in _records_of(request):
            if record.at >= since and self.factor in (None, record.method):
                return True
        raise InsufficientAuthentication(seconds=self.seconds, factor=self.factor)


def _records_of(request: HttpRequest) -> Sequence[AuthenticationRecord]:
    """Return the proofs of the credentials that were used, and never those of a session that was only sent along."""
    auth: Any = getattr(request, "auth", None)
    if getattr(auth, "actor_id", None) is not None:
        return ()
    if (records := getattr(auth, "records", None)) is not None:
        found: Sequence[AuthenticationRecord] = records
        return found
    if auth is not None and not hasattr(auth, "is_authenticated"):
        return ()
    user: Any = getattr(request, "user", None)
    session: Any = getattr(request, "session", None)
    if user is None or session is None or session.get(SESSION_KEY) != str(user.pk):
        return ()
    return authentication_records(request)
