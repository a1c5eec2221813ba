"""The routes: refresh, revoke, exchange, impersonate, the logins of a user, and the public keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja.responses import Status
from ninja.utils import check_csrf
from ninja_extra import ControllerBase, api_controller, http_delete, http_get, http_post

from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.tokens import endings, services
from django_matt.contrib.tokens.authentication import ACCESS_COOKIE, AccessToken, TokenAuth
from django_matt.contrib.tokens.keys import key_set
from django_matt.contrib.tokens.schemas import (
    ExchangeIn,
    FamilyOut,
    ImpersonateIn,
    KeySetOut,
    RefreshIn,
    RevokeIn,
    TokensOut,
)
from django_matt.contrib.tokens.settings import TokenSettings, get_settings
from django_matt.errors.exceptions import NotFound, PermissionDenied, UnprocessableContent
from django_matt.sign_in import authentication_records, is_impersonated

__all__ = ["REFRESH_COOKIE", "make_controller"]

REFRESH_COOKIE = "__Host-refresh"
"""The cookie of the refresh token."""

KEYS_MAX_AGE = 300
"""For how many seconds others may cache the public keys."""

View = TypeVar("View", bound=Callable[..., Any])


def make_controller(options: TokenSettings) -> type[ControllerBase]:
    """Return the controller class, with its routes below the path in the settings.

    The routes are exempt from ``ATOMIC_REQUESTS``: a refused refresh ends the login, which must not be rolled back.
    """
    signed_in = AnyOf(TokenAuth(), SessionAuthenticator())
    session: Any = SessionAuthenticator()
    if apps.is_installed("allauth.headless"):
        from django_matt.contrib.tokens.strategies import AppSession

        session = AnyOf(AppSession(), session)
    path = options.PATH.rstrip("/")

    @api_controller("", tags=["tokens"], auto_import=False)
    class TokensController(ControllerBase):
        """Tokens after a login."""

        @http_post(f"{path}/refresh", **_named("tokens_refresh", TokensOut, None, 401, 403))
        @transaction.non_atomic_requests
        def refresh(
            self, request: HttpRequest, response: HttpResponse, body: RefreshIn | None = None
        ) -> TokensOut:
            """Exchange a refresh token for new tokens. Each is used once; an older one ends the login."""
            value, by_cookie = _refresh_token_of(request, body)
            login = services.refresh(value, request=request)
            return _answer(login, response, cookies=by_cookie)

        @http_post(f"{path}/revoke", **_named("tokens_revoke", {204: None}, None, 403))
        @transaction.non_atomic_requests
        def revoke(
            self, request: HttpRequest, response: HttpResponse, body: RevokeIn | None = None
        ) -> Status[None]:
            """End the login of a refresh token, or every login of its user. An unknown token is not an error (RFC 7009)."""
            value, by_cookie = _refresh_token_of(request, body)
            endings.revoke(value, everywhere=bool(body and body.everywhere), request=request)
            if by_cookie:
                for name in (ACCESS_COOKIE, REFRESH_COOKIE):
                    _set_cookie(response, name, "", 0)
            return Status(204, None)

        @http_post(f"{path}/exchange", **_named("tokens_exchange", TokensOut, session))
        @transaction.non_atomic_requests
        def exchange(
            self, request: HttpRequest, response: HttpResponse, body: ExchangeIn | None = None
        ) -> TokensOut:
            """Return tokens for a session. They end when the user signs out of the session."""
            cookies = body is not None and body.transport == "cookie"
            if cookies and not get_settings().COOKIES:
                raise UnprocessableContent("This API sends no tokens as cookies.")
            with _as_session(request) as exchanged:
                login = services.issue(
                    request,
                    request.user,
                    records=authentication_records(request),
                    session_key=exchanged.session_key,
                )
            return _answer(login, response, cookies=cookies)

        @http_post(
            f"{path}/impersonate",
            **_named("tokens_impersonate", TokensOut, signed_in, 403, 404),
        )
        @transaction.non_atomic_requests
        def impersonate(
            self, request: HttpRequest, response: HttpResponse, body: ImpersonateIn
        ) -> TokensOut:
            """Return tokens with which a member of staff uses the API as another user, for a short time."""
            if is_impersonated(request):
                raise PermissionDenied("You already act as another user.")
            login = services.impersonate(request, request.user, lambda: _find_user(body.user))
            return _answer(login, response, cookies=False)

        @http_get(f"{path}/logins", **_named("tokens_logins", list[FamilyOut], signed_in))
        def logins(self, request: HttpRequest, response: HttpResponse) -> list[FamilyOut]:
            """List the logins of the user that are open."""
            response.headers["Cache-Control"] = "no-store"
            current = _family_of(request)
            return [
                FamilyOut(
                    id=family.pk,
                    client=family.client,
                    issued_at=family.issued_at,
                    rotated_at=family.rotated_at,
                    expires_at=family.expires_at,
                    is_current=family.pk == current,
                )
                for family in endings.open_families(request.user.pk)
            ]

        @http_delete(f"{path}/logins/{{id}}", **_named("tokens_end_login", {204: None}, signed_in))
        @transaction.non_atomic_requests
        def end_login(self, request: HttpRequest, id: UUID) -> Status[None]:  # noqa: A002
            """End a login of the user. Its refresh token stops at once, its access token within seconds."""
            if is_impersonated(request):
                raise PermissionDenied("You act as another user.")
            if not endings.end_family(id, user=request.user.pk, request=request):
                raise NotFound
            return Status(204, None)

        @http_get("/.well-known/jwks.json", **_named("tokens_keys", KeySetOut, None))
        def keys(self, response: HttpResponse) -> dict[str, Any]:
            """Return the public keys, with which other services verify access tokens."""
            response.headers["Cache-Control"] = f"public, max-age={KEYS_MAX_AGE}"
            return cast("dict[str, Any]", key_set())

    return TokensController


_MEANINGS = {
    401: "The refresh token is not valid.",
    403: "The request lacks a CSRF token, or a right.",
    404: "There is no such user.",
}


def _named(name: str, response: Any, auth: Any, *statuses: int) -> dict[str, Any]:
    """Return the options of a route, with the statuses that its own code returns."""
    return {
        "response": response,
        "auth": auth,
        "operation_id": name,
        "url_name": name,
        "openapi_extra": {
            "responses": {status: {"description": _MEANINGS[status]} for status in statuses}
        },
    }


def _refresh_token_of(request: HttpRequest, body: RefreshIn | RevokeIn | None) -> tuple[str, bool]:
    """Return the refresh token, and whether it is from the cookie: a CSRF token is then needed."""
    if body is not None and body.refresh_token is not None:
        return body.refresh_token, False
    value = request.COOKIES.get(REFRESH_COOKIE) if get_settings().COOKIES else None
    if value is None:
        return "", False
    if check_csrf(request) is not None:
        raise PermissionDenied("CSRF check Failed")
    return value, True


def _answer(login: services.Login, response: HttpResponse, *, cookies: bool) -> TokensOut:
    response.headers["Cache-Control"] = "no-store"
    tokens = login.tokens
    if not cookies:
        return TokensOut(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
        )
    _set_cookie(response, ACCESS_COOKIE, tokens.access_token, tokens.expires_in)
    _set_cookie(response, REFRESH_COOKIE, tokens.refresh_token or "", login.seconds_left)
    return TokensOut(access_token=None, expires_in=tokens.expires_in, refresh_token=None)


def _set_cookie(response: HttpResponse, name: str, value: str, seconds: int) -> None:
    """Set a cookie for this host, over TLS, that neither scripts nor forms of other sites can use."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=True,
        # A link from another site may show a page to a user who is signed in, but never refresh.
        samesite="Strict" if name == REFRESH_COOKIE else "Lax",
    )


def _session_of(request: Any) -> Any:
    """Return the session that is exchanged: that of an app client, or of the browser."""
    return getattr(request, "app_session", request.session)


@contextmanager
def _as_session(request: Any) -> Iterator[Any]:
    """Make the exchanged session that of the request: how its user signed in, and at whose provider, is read from there."""
    browsers, request.session = request.session, _session_of(request)
    try:
        yield request.session
    finally:
        request.session = browsers  # the middleware sends that one as a cookie


def _family_of(request: Any) -> UUID | None:
    token = request.auth
    return token.family if isinstance(token, AccessToken) else None


def _find_user(key: str) -> Any:
    model = get_user_model()
    try:
        found = model._default_manager.filter(pk=model._meta.pk.to_python(key)).first()
    except (ValidationError, ValueError, OverflowError):
        found = None
    if found is None:
        raise NotFound("There is no such user.")
    return found
