"""``TokenAuth``: the access token of a request, from the header ``Authorization`` or a cookie."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from django_matt.authentication import Authenticator, Credentials
from django_matt.contrib.tokens.settings import get_settings
from django_matt.contrib.tokens.verification import AccessToken, verifier
from django_matt.errors.exceptions import InvalidCredentials

__all__ = ["ACCESS_COOKIE", "AccessToken", "LazyUser", "TokenAuth"]

ACCESS_COOKIE = "__Host-access"
"""The cookie of the access token. Browsers accept the prefix ``__Host-`` only from this host, over TLS."""


class TokenAuth(Authenticator):
    """An access token of this app: ``auth=TokenAuth()``, ``auth=TokenAuth(scopes=["books:write"])``.

    ``request.auth`` is an ``AccessToken``. ``request.user`` loads the user when one of its attributes is read; async code
    uses ``await request.auser()``. A token that this process has verified before needs no query. With
    ``MATT_TOKENS["COOKIES"]``, the token may also be in a cookie; unsafe methods then need a CSRF token.
    """

    @property
    def security_schemes(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[override]
        """The header, and the cookie if the settings allow it."""
        schemes: dict[str, Mapping[str, Any]] = {
            "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        }
        if get_settings().COOKIES:
            schemes["accessCookie"] = {"type": "apiKey", "in": "cookie", "name": ACCESS_COOKIE}
        return schemes

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> AccessToken:
        """Return the verified token; raise ``InvalidCredentials`` if it is wrong or its login has ended."""
        return verifier.recall(credentials.value) or verifier.verify(credentials.value)

    async def aauthenticate(self, request: HttpRequest, credentials: Credentials) -> AccessToken:
        """Do the same on an async route. It uses a thread only if it has to query the database."""
        value = credentials.value
        return (
            verifier.recall(value)
            or verifier.verify_without_query(value)
            or await sync_to_async(verifier.verify)(value)
        )

    def user_of(self, principal: AccessToken) -> "LazyUser":
        """Return the user, not yet loaded."""
        return LazyUser(principal.user_id)

    def _accept(self, request: HttpRequest, principal: AccessToken) -> AccessToken:
        """Let ``request.auser()`` load the user."""
        accepted: AccessToken = super()._accept(request, principal)
        user: Any = request.user
        request.auser = user.aload
        return accepted


class LazyUser(SimpleLazyObject):  # type: ignore[type-arg]  # generic for type checkers alone
    """A user that is loaded when an attribute other than its key is read.

    ``pk``, ``is_authenticated`` and ``is_anonymous`` need no query. If the user no longer exists or is inactive, reading
    another attribute raises ``InvalidCredentials``, which is a 401.
    """

    is_authenticated = True
    is_anonymous = False

    def __init__(self, key: Any) -> None:
        """Take the primary key."""
        load = cache(lambda: _load(key))
        super().__init__(load)
        # Not setattr, which would load the user.
        self.__dict__.update(pk=key, load=load)

    def __bool__(self) -> bool:
        """Return True without loading: permissions ask it first."""
        return True

    async def aload(self) -> Any:
        """Load the user, and return it."""
        return await sync_to_async(self.load)()


def _load(key: Any) -> Any:
    user = get_user_model()._default_manager.filter(pk=key).first()
    if user is None or not user.is_active:
        raise InvalidCredentials
    return user
