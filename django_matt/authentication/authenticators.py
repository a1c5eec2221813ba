"""``Authenticator`` and the classes for a bearer token, an API key and a session."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware
from ninja.errors import ConfigError, HttpError

from django_matt.errors.exceptions import SAFE, InsufficientScope, InvalidCredentials
from django_matt.security_schemes import challenge_of, challenge_scheme, reader_of

__all__ = [
    "APIKeyAuthenticator",
    "Authenticator",
    "BearerAuthenticator",
    "Credentials",
    "SessionAuthenticator",
    "set_user",
    "user_of",
]

MAX_LENGTH = 16_384
"""How many characters credentials may have."""

_TYPES = {
    "apiKey": {"name", "in"},
    "http": {"scheme"},
    "mutualTLS": set[str](),
    "oauth2": {"flows"},
    "openIdConnect": {"openIdConnectUrl"},
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749, 3.3
_REALM = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]+")


class Credentials(NamedTuple):
    """The credentials of a request: the name of the security scheme, and the token, key or cookie itself."""

    scheme: str
    value: str


class Authenticator:
    """The base class of callbacks for ``auth=``: one or more security schemes, a sync method and an async twin.

    ``authenticate(request, credentials)`` returns the sender of the request, which becomes ``request.auth``. If it
    returns None or raises ``InvalidCredentials``, the credentials are wrong: the response is a 401, and no other callback
    is called. A request without credentials goes on to the next callback. Async routes await ``aauthenticate`` if it
    exists. Otherwise ``authenticate`` runs in the request's thread, or in the event loop if ``is_blocking`` is False.

    >>> class Token(Authenticator):
    ...     security_schemes = {"token": {"type": "http", "scheme": "bearer"}}
    ...     is_blocking = False
    ...
    ...     def authenticate(self, request, credentials):
    ...         return credentials.value == "secret"
    """

    security_schemes: Mapping[str, Mapping[str, Any]] = {}
    """OpenAPI Security Scheme Objects by name, as the document shows them. A request may use any of them."""
    scopes: Sequence[str] = ()
    """The scopes that the credentials need; a route may need others: ``Token(scopes=["books:write"])``."""
    realm: str = "api"
    """The realm in ``WWW-Authenticate``: the part of the site that the credentials are for."""
    is_blocking: bool = True
    """Whether ``authenticate`` may wait for a database, a cache or a network."""

    def __init__(self, *, scopes: Sequence[str] | None = None) -> None:
        """Set the scopes that credentials need; by default, those of the class."""
        if scopes is not None:
            # A string is refused when the route is bound: its letters would be scopes.
            self.scopes = scopes if isinstance(scopes, str) else tuple(scopes)

    # ---- what a class says ----

    @property
    def csrf(self) -> bool:
        """Whether unsafe methods need a CSRF token if a cookie is used; a class may set it to False."""
        return bool(self._cookies)

    def find(self, request: HttpRequest) -> Credentials | None:
        """Return the credentials of a request, None if it has none. It must not wait for anything.

        Raises ``InvalidCredentials`` if they are empty, not ASCII, unprintable or too long.
        """
        for name, read, is_token in self._readers:
            value = read(request)
            if value is None:
                continue
            is_sound = value.isascii() and value.isprintable() and 0 < len(value) <= MAX_LENGTH
            if not is_sound or (is_token and " " in value):
                raise InvalidCredentials
            return Credentials(name, value)
        return None

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> Any:
        """Return the sender of the request; None if the credentials are wrong."""
        raise NotImplementedError

    async def aauthenticate(self, request: HttpRequest, credentials: Credentials) -> Any:
        """Return the sender of the request; None if the credentials are wrong."""
        raise NotImplementedError

    def scopes_of(self, principal: Any) -> Collection[str] | None:
        """Return the scopes of what ``authenticate`` returned: by default, its attribute ``scopes``.

        A string is split at spaces, because tokens list scopes in this way (RFC 6749, 3.3).
        """
        found: Collection[str] | None = getattr(principal, "scopes", None)
        return found

    def user_of(self, principal: Any) -> Any:
        """Return the future ``request.user``: the principal or its ``user``; None for an anonymous user."""
        return user_of(principal)

    def security_requirements(self) -> Sequence[Mapping[str, Sequence[str]]]:
        """Return OpenAPI's Security Requirement Objects: by default, any one scheme with all scopes."""
        return [{name: list(self.scopes)} for name in self.security_schemes]

    # ---- how it is called ----

    def __call__(self, request: HttpRequest) -> Any:
        """Authenticate a request on a sync route; Ninja calls this if Django Matt has not bound the route."""
        return self._sync(request)

    @cached_property
    def _sync(self) -> Callable[[HttpRequest], Any]:
        return self._matt_bind(is_async=False)

    @cached_property
    def _readers(self) -> list[tuple[str, Callable[[HttpRequest], str | None], bool]]:
        found = ((name, reader_of(each), each) for name, each in self.security_schemes.items())
        return [
            (name, read, challenge_scheme(each) == "Bearer")
            for name, read, each in found
            if read is not None
        ]

    @cached_property
    def _cookies(self) -> frozenset[str]:
        return frozenset(
            name for name, each in self.security_schemes.items() if each.get("in") == "cookie"
        )

    def _matt_bind(self, *, is_async: bool) -> Callable[[HttpRequest], Any]:
        """Return the function that authenticates on a sync or an async route."""
        self._check()
        find, challenge = self.find, self._challenge
        cookies = self._cookies if self.csrf else ()
        need_csrf_token = sync_to_async(
            _need_csrf_token
        )  # it may ask the session, and so the database
        check: Any = self._check_async() if is_async else self._check_sync()

        def ask(request: HttpRequest) -> Any:
            try:
                credentials = find(request)
                if credentials is None:
                    return None
                found = check(request, credentials)
                if found is not None and credentials.scheme in cookies:
                    _need_csrf_token(request)
                return found
            except HttpError as error:
                challenge(error)
                raise

        async def ask_async(request: HttpRequest) -> Any:
            try:
                credentials = find(request)
                if credentials is None:
                    return None
                found = await check(request, credentials)
                uses_cookie = found is not None and credentials.scheme in cookies
                if uses_cookie and request.method not in SAFE:
                    await need_csrf_token(request)
                return found
            except HttpError as error:
                challenge(error)
                raise

        return ask_async if is_async else ask

    def _check_sync(self) -> Callable[[HttpRequest, Credentials], Any]:
        sync, _ = self._methods()
        authenticate: Any = self.authenticate if sync else async_to_sync(self.aauthenticate)
        accept = self._accept
        return lambda request, credentials: accept(request, authenticate(request, credentials))

    def _check_async(self) -> Callable[[HttpRequest, Credentials], Awaitable[Any]]:
        _, twin = self._methods()
        accept, authenticate, aauthenticate = self._accept, self.authenticate, self.aauthenticate

        def check(request: HttpRequest, credentials: Credentials) -> Any:
            return accept(request, authenticate(request, credentials))

        async def check_twin(request: HttpRequest, credentials: Credentials) -> Any:
            return accept(request, await aauthenticate(request, credentials))

        async def check_here(request: HttpRequest, credentials: Credentials) -> Any:
            return accept(request, authenticate(request, credentials))

        if twin:
            return check_twin
        return sync_to_async(check) if self.is_blocking else check_here

    def _methods(self) -> tuple[bool, bool]:
        """Return which of the two methods to use: a subclass that overrides one of them hides the other inherited one."""
        order = type(self).__mro__
        sync, twin = (
            [
                place
                for place, cls in enumerate(order)
                if name in vars(cls) and cls is not Authenticator
            ]
            for name in ("authenticate", "aauthenticate")
        )
        if not sync and not twin:
            raise ConfigError(f"{type(self).__name__} needs a method authenticate().")
        hides_twin = len(sync) > 1 and sync < twin
        hides_sync = len(twin) > 1 and twin < sync
        return bool(sync) and not hides_sync, bool(twin) and not hides_twin

    def _accept(self, request: HttpRequest, principal: Any) -> Any:
        """Return the principal if it is not None and has every scope; set ``request.user``."""
        if not principal:
            raise InvalidCredentials
        if self.scopes and not set(self.scopes) <= _words(self.scopes_of(principal)):
            raise InsufficientScope(scopes=self.scopes)
        set_user(request, self.user_of(principal))
        return principal

    def _challenge(self, error: HttpError) -> None:
        """Add the reason for the refusal to the challenge of an error (RFC 6750, 3.1)."""
        if isinstance(error, InvalidCredentials | InsufficientScope):
            challenge = challenge_of([self], error=error.code)
            if challenge:
                error.headers.setdefault("WWW-Authenticate", challenge)

    def _check(self) -> None:
        """Raise ``ConfigError`` for mistakes that would otherwise show at the first request."""
        name = type(self).__name__
        if iscoroutinefunction(self.authenticate) or not iscoroutinefunction(self.aauthenticate):
            raise ConfigError(f"{name}: authenticate() is a def, and aauthenticate() an async def.")
        if type(self).find is Authenticator.find and not self._readers:
            raise ConfigError(f"{name} needs security_schemes, or a find() of its own.")
        for key, scheme in self.security_schemes.items():
            needed = _TYPES.get(str(scheme.get("type")))
            if needed is None or not _NAME.fullmatch(key) or not needed <= scheme.keys():
                raise ConfigError(
                    f"{name}: the security scheme {key!r} is not one of OpenAPI: {dict(scheme)!r}."
                )
        for requirement in self.security_requirements():
            if not requirement.keys() <= self.security_schemes.keys():
                raise ConfigError(f"{name} requires a scheme that it does not have: {requirement}.")
        if not _REALM.fullmatch(self.realm):
            raise ConfigError(f"{name}: {self.realm!r} cannot be a realm.")
        for scope in self.scopes:
            if isinstance(self.scopes, str) or not _SCOPE.fullmatch(scope):
                raise ConfigError(f"{name}: scopes must be a list of strings, not {self.scopes!r}.")


def _words(scopes: Collection[str] | None) -> set[str]:
    return set(scopes.split() if isinstance(scopes, str) else scopes or ())


def user_of(principal: Any) -> Any:
    """Return the principal if it is a user, or else its ``user``; None without one."""
    return principal if hasattr(principal, "is_authenticated") else getattr(principal, "user", None)


def set_user(request: HttpRequest, user: Any) -> None:
    """Set ``request.user``. Without a user it is anonymous, even if the browser has also sent a session."""
    if user is None and apps.is_installed("django.contrib.auth"):
        from django.contrib.auth.models import AnonymousUser

        user = AnonymousUser()

    async def auser() -> Any:
        return user

    if user is not None:
        request.user = user
        request.auser = auser


class BearerAuthenticator(Authenticator):
    """A token in ``Authorization: Bearer …`` (RFC 6750)."""

    security_schemes = {"bearer": {"type": "http", "scheme": "bearer"}}


class APIKeyAuthenticator(Authenticator):
    """A key in the header ``X-API-Key``; to use another header, override ``security_schemes``."""

    security_schemes = {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}


class SessionAuthenticator(Authenticator):
    """The user of Django's session. Unsafe methods need a CSRF token if the session is used."""

    @property
    def security_schemes(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[override]
        """The session's cookie, as the settings name it."""
        return {"session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}}

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> Any:
        """Return the user who is signed in, if anybody is."""
        user = request.user
        return user if user.is_authenticated else None

    def _accept(self, request: HttpRequest, principal: Any) -> Any:
        """Treat an anonymous session as missing credentials."""
        return None if principal is None else super()._accept(request, principal)


def _need_csrf_token(request: HttpRequest) -> None:
    """Raise a 403 if Django's middleware would; the middleware itself exempts every route of Ninja."""
    if request.method in SAFE or getattr(request, "_ninja_csrf_exempt", False):
        return
    middleware: Any = CsrfViewMiddleware(lambda _: HttpResponseForbidden())
    request.__dict__["csrf_processing_done"] = False
    middleware.process_request(request)
    if middleware.process_view(request, _not_exempt, (), {}) is not None:
        raise HttpError(403, "CSRF check Failed")  # Ninja's words


def _not_exempt(request: HttpRequest) -> None: ...
