"""allauth's headless views with the errors and limits of this package: bad input is a 4xx, whatever it is."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from types import TracebackType
from typing import Any

from allauth import app_settings as allauth_settings
from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.ratelimit import get_cache_key, parse_rates
from allauth.headless import app_settings
from allauth.headless.constants import Client
from allauth.headless.internal.restkit.views import RESTView
from allauth.headless.tokens.strategies.base import AbstractTokenStrategy
from allauth.headless.urls import build_urlpatterns
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja.utils import check_csrf

from django_matt.errors.exceptions import (
    SAFE,
    BadRequest,
    Conflict,
    MethodNotAllowed,
    NotFound,
    PermissionDenied,
)
from django_matt.formats.bodies import read_body
from django_matt.formats.json import JSON
from django_matt.sign_in import is_impersonated

__all__ = ["GuardedView", "guarded_patterns", "list_routes"]

_WAIT = 60
"""The seconds of ``Retry-After`` where the limit that was reached is not known."""


class GuardedView(RESTView):  # type: ignore[misc] # allauth has no types
    """The base class that is put before each of allauth's view classes.

    It refuses wrong methods with 405, and browsers without a CSRF token with 403. It reads bodies with the parser of the
    APIs, which limits nesting and refuses lone surrogates and NUL. It adds ``Retry-After`` to a 429.
    """

    client: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the method and the CSRF token, let allauth's view answer, and complete a 429."""
        allowed = [name.upper() for name in self.http_method_names if hasattr(self, name)]
        if request.method == "HEAD" and "GET" in allowed:
            # allauth's views read the body of a HEAD as that of a POST. The server sends no body anyway.
            request.method = "GET"
        if request.method not in allowed:
            raise _unrouted(MethodNotAllowed(headers={"Allow": ", ".join(allowed)}))
        if request.method == "OPTIONS":
            return HttpResponse(headers={"Allow": ", ".join(allowed)})
        if self.client == Client.BROWSER and request.method not in SAFE and check_csrf(request):
            raise PermissionDenied("CSRF check failed.", code="csrf_failed")
        if request.method not in SAFE and is_impersonated(request):
            # The session is that of the member of staff, who has proved who they are, and not who the user is.
            raise PermissionDenied("You act as another user.")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        if response.status_code == 429 and "Retry-After" not in response.headers:
            response.headers["Retry-After"] = str(_wait(request, getattr(self, "data", None)))
        return response

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse to finish a sign-up by passkey that was not begun, which allauth's view cannot."""
        unbegun = getattr(self, "_require_stage", None)
        if request.method == "PUT" and unbegun is not None and unbegun() is not None:
            raise Conflict("No sign-up is pending.", code="no_pending_sign_up")
        response: HttpResponseBase = super().handle(request, *args, **kwargs)
        return response

    def _parse_json(self, request: HttpRequest) -> Any:
        body = b"" if request.method == "GET" else read_body(request)
        if not body:
            return None
        data = JSON().load(body)
        if not isinstance(data, dict):
            raise BadRequest("The request body must be a JSON object.", code="malformed_body")
        return data

    def handle_input(self, data: Any) -> Any:
        """Validate the input; what the WebAuthn library cannot read is the client's mistake."""
        credential = (data or {}).get("credential")
        if credential is not None and not isinstance(credential, dict):
            raise BadRequest("The credential must be a JSON object.", code="malformed_credential")
        try:
            return super().handle_input(data)
        except Exception as error:
            if credential is not None and _was_raised_in(error.__traceback__, "fido2"):
                raise BadRequest(
                    "The credential cannot be read.", code="malformed_credential"
                ) from error
            raise


def _was_raised_in(traceback: TracebackType | None, library: str) -> bool:
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == library:
            return True
        traceback = traceback.tb_next
    return False


def _unrouted(error: Any) -> Any:
    error.routing = True
    return error


def _wait(request: HttpRequest, data: Any) -> int:
    """Return in how many seconds every limit that is reached lets the request through."""
    given = [data.get(name) for name in ("email", "phone")] if isinstance(data, dict) else []
    keys = [key.lower() for key in given if isinstance(key, str)]
    waits = [wait for wait in _waits(request, keys) if wait > 0]
    return math.ceil(max(waits, default=_WAIT))


def _waits(request: HttpRequest, keys: list[str]) -> Iterator[float]:
    limits: list[tuple[str, Any]] = [("allauth.account", account_settings.RATE_LIMITS)]
    if allauth_settings.MFA_ENABLED:
        from allauth.mfa import app_settings as mfa_settings

        limits.append(("allauth.mfa", mfa_settings.RATE_LIMITS))
    now = time.time()
    for app, rates in limits:
        for action, text in rates.items():
            for rate in parse_rates(text):
                if rate.per == "user" and not request.user.is_authenticated:
                    continue
                for key in keys if rate.per == "key" else [None]:
                    name = get_cache_key(request, app=app, action=action, rate=rate, key=key)
                    history = cache.get(name) or []
                    if len(history) >= rate.amount:
                        yield history[rate.amount - 1] + rate.duration - now


def guarded_patterns() -> list[URLPattern | URLResolver]:
    """Return allauth's headless URLs, as the settings are now, with each view behind a ``GuardedView``.

    Routes that cannot work in this project are left out: phones without an adapter, codes that are turned off, refresh
    tokens without a strategy for them, providers without a provider.
    """
    found: list[URLPattern | URLResolver] = [
        path(f"{client.value}/", include((_guarded_routes(client), "headless"), client.value))
        for client in _clients()
    ]
    found.append(re_path("", _find_nothing))
    return [path("", include((found, "headless")))]


def list_routes() -> dict[str, frozenset[str]]:
    """Return the routes below the prefix, such as ``browser/v1/config``, with their methods in lower case."""
    return {
        route: frozenset(name.lower() for name in view_class.http_method_names)
        & {name for name in ("get", "post", "put", "patch", "delete") if hasattr(view_class, name)}
        for client in _clients()
        for route, view_class in _walk(_guarded_routes(client), f"{client.value}/")
    }


def _clients() -> Iterable[Client]:
    return [Client(client) for client in app_settings.CLIENTS]


def _walk(patterns: Iterable[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, route)
        else:
            yield route, each.callback.view_class


def _guarded_routes(client: Client) -> list[URLPattern | URLResolver]:
    return list(_guard(build_urlpatterns(client), "", _absent_routes(client)))


def _guard(
    patterns: Iterable[Any], prefix: str, absent: frozenset[str]
) -> Iterator[URLPattern | URLResolver]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = list(_guard(each.url_patterns, route, absent))
            yield URLResolver(
                each.pattern, inner, each.default_kwargs, each.app_name, each.namespace
            )
        elif route.removeprefix("v1/") not in absent:
            view = _guard_view(each.callback)
            yield URLPattern(each.pattern, view, each.default_args, each.name)


def _guard_view(view: Any) -> Callable[..., HttpResponseBase]:
    inner: Any = view.view_class
    guarded: Any = type(inner.__name__, (GuardedView, inner), {"__module__": inner.__module__})
    view = guarded.as_api_view(**view.view_initkwargs)

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response: HttpResponseBase = view(request, *args, **kwargs)
        except ImmediateHttpResponse as error:
            # Such as the 410 for a session token that has ended, which is raised outside of the view class.
            response = error.response
        return response

    # The guard checks the CSRF token itself, as Django's middleware answers in HTML.
    made: Callable[..., HttpResponseBase] = csrf_exempt(answer)
    return made


@csrf_exempt
def _find_nothing(request: HttpRequest) -> HttpResponseBase:
    raise _unrouted(NotFound())


def _absent_routes(client: Client) -> frozenset[str]:
    """Return the routes that allauth has and that could only fail with the settings of the project."""
    account: Any = account_settings
    # A redirect is for browsers: an app sends the provider's token.
    absent = {"auth/provider/redirect"} if client is Client.APP else set[str]()
    if type(get_adapter()).get_phone is DefaultAccountAdapter.get_phone:
        absent |= {"account/phone", "auth/phone/verify", "auth/phone/verify/resend"}
    if "code" not in account.REAUTHENTICATION_METHODS:
        absent |= {f"auth/reauthenticate/code/{step}" for step in ("request", "confirm", "resend")}
    if not account.LOGIN_BY_CODE_ENABLED and not account.LOGIN_BY_CODE_REQUIRED:
        absent |= {"auth/code/confirm"}
    if not account.EMAIL_VERIFICATION_BY_CODE_ENABLED:
        absent |= {"auth/email/verify/resend"}
    strategy: Any = type(app_settings.TOKEN_STRATEGY)
    if strategy.refresh_token is AbstractTokenStrategy.refresh_token:
        absent |= {"tokens/refresh"}
    if allauth_settings.SOCIALACCOUNT_ENABLED:
        from allauth.socialaccount.providers import registry

        if not registry.get_class_list():
            absent |= {"account/providers"}
            absent |= {f"auth/provider/{step}" for step in ("redirect", "token", "signup")}
    return frozenset(absent)
