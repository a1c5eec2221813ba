"""``pages``: the sign-in pages at ``/accounts/``, with settings of allauth that decide which of them exist."""

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import clear_url_caches, include, path

from tests.sign_in.account_pages.markup import faults_of

#: allauth decides at import which URLs there are.
OURS = ("django_matt.contrib.accounts.urls", "django_matt.contrib.accounts.pages.urls")
PASSWORD = "correct horse 1"


class Visitor(Client):
    """A browser without JavaScript, which refuses to look at a page with faults."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 200 and kind.startswith("text/html"):
            assert faults_of(response.content.decode()) == []
            assert "default-src '" in response.headers["Content-Security-Policy"]
            assert "no-store" in response.headers["Cache-Control"]
        return response


def forget_urls() -> None:
    """Import the URLs of the pages again, with the settings of then."""
    for name in list(sys.modules):
        allauths = name.startswith("allauth.") and name.endswith(".urls")
        if (allauths and ".headless" not in name) or name in OURS:
            del sys.modules[name]
    clear_url_caches()


@pytest.fixture
def pages(settings: Any) -> Iterator[Callable[..., Visitor]]:
    """Return ``pages(**settings)``, which returns a visitor. Codes are sent, and not links, with ``codes=True``."""

    def mount(*patterns: Any, codes: bool = False, **more: Any) -> Visitor:
        defaults = {
            "ACCOUNT_LOGIN_METHODS": {"email"},
            "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
            "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
            "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED": codes,
            "ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED": codes,
            "ACCOUNT_LOGIN_BY_CODE_ENABLED": codes,
            "ACCOUNT_LOGOUT_REDIRECT_URL": "account_login",
            "ACCOUNT_RATE_LIMITS": False,
            "MFA_RATE_LIMITS": {"webauthn_login": None},
            "ACCOUNT_ADAPTER": "allauth.account.adapter.DefaultAccountAdapter",
            "MFA_ADAPTER": "allauth.mfa.adapter.DefaultMFAAdapter",
            "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
            "MFA_PASSKEY_LOGIN_ENABLED": True,
            "MFA_PASSKEY_SIGNUP_ENABLED": codes,
            "HEADLESS_ONLY": False,
            "LOGIN_REDIRECT_URL": "account_home",
            "LOGIN_URL": "account_login",
        }
        for name, value in (defaults | more).items():
            setattr(settings, name, value)
        cache.clear()
        forget_urls()
        urlconf = types.ModuleType("pages_urlconf")
        urlconf.urlpatterns = [  # type: ignore[attr-defined]
            path("accounts/", include("django_matt.contrib.accounts.pages.urls")),
            *patterns,
        ]
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        return Visitor()

    yield mount
    forget_urls()
