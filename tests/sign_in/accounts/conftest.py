"""A project with the app's URLs, and clients of both kinds: browsers with CSRF checks, and apps with a session token."""

import json
import types
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import clear_url_caches, include, path

from django_matt import MattAPI
from django_matt.contrib.accounts import defaults

OFF = (
    "ACCOUNT_LOGIN_BY_CODE_ENABLED",
    "ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED",
    "HEADLESS_ONLY",
    "MFA_PASSKEY_LOGIN_ENABLED",
    "MFA_PASSKEY_SIGNUP_ENABLED",
)
PASSWORD = "correct-horse-battery"


class Caller:
    """A client of allauth's API: ``kind`` is ``browser`` or ``app``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=kind == "browser")
        self.token = ""
        self.agent = "Test/1.0"

    def __call__(self, method: str, where: str, data: Any = None, **more: Any) -> Any:
        """Send JSON, or bytes as they are, with what this kind of client sends along."""
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data)
        headers = {"user-agent": self.agent, **more.pop("headers", {})}
        if self.kind == "browser":
            if "csrftoken" not in self.client.cookies:
                self.client.get("/_allauth/browser/v1/config")
            headers.setdefault("x-csrftoken", self.client.cookies["csrftoken"].value)
        elif self.token:
            headers.setdefault("x-session-token", self.token)
        answer: Any = self.client.generic(
            method,
            f"/_allauth/{self.kind}/v1/{where}",
            body,
            content_type=more.pop("content_type", "application/json"),
            headers=headers,
            **more,
        )
        if self.kind == "app" and answer.get("Content-Type") == "application/json":
            made = answer.json()
            meta = made.get("meta") if isinstance(made, dict) else None
            self.token = (meta or {}).get("session_token", self.token)
        return answer

    def forget(self) -> None:
        """Begin a new session."""
        self.client.cookies.pop("sessionid", None)
        self.token = ""

    def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> Any:
        """Sign in by password."""
        return self("POST", "auth/login", {"email": email, "password": password})


def make_user(email: str = "ada@example.com", **fields: Any) -> Any:
    """Create a user with a verified address."""
    from allauth.account.models import EmailAddress

    user = get_user_model().objects.create_user(email, email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


SECRET = "JBSWY3DPEHPK3PXP"


def activate_totp(user: Any) -> None:
    """Give a user an authenticator app."""
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(user, SECRET)


def totp_code(secret: str = SECRET) -> str:
    """Return the code that the authenticator app shows now."""
    from allauth.mfa.totp.internal.auth import (
        format_hotp_value,
        hotp_value,
        yield_hotp_counters_from_time,
    )

    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def mount(settings: Any, *more: Any) -> None:
    """Serve the URLs of the app, built with the settings as they are now, and an API."""
    from django_matt.contrib.accounts.guards import guarded_patterns
    from django_matt.contrib.accounts.urls import _errors

    api = MattAPI(extensions=["matt_accounts"])
    guarded = _errors.answer_errors(include(guarded_patterns()), max_body=100_000)
    urlconf: Any = types.ModuleType("accounts_urlconf")
    urlconf.urlpatterns = [
        path("_allauth/", guarded),
        path("accounts/", include("django_matt.contrib.accounts.pages.urls")),
        path("api/", api.urls),
        *more,
    ]
    settings.ROOT_URLCONF = urlconf
    clear_url_caches()


@pytest.fixture
def project(settings: Any) -> Any:
    """The safe settings, and the URLs that they lead to."""
    for name in defaults.__all__:
        setattr(settings, name, getattr(defaults, name))
    settings.MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
    for name in OFF:
        setattr(settings, name, False)
    cache.clear()
    mount(settings)
    yield settings
    cache.clear()
    clear_url_caches()


@pytest.fixture(params=["browser", "app"])
def caller(request: Any, project: Any) -> Caller:
    """Both kinds of clients, one after the other."""
    return Caller(request.param)
