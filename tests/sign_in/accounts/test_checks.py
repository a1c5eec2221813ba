"""The system checks: what cannot work is an error, and what is unsafe a warning of ``check --deploy``."""

import types
from typing import Any

import pytest
from django.core.checks import run_checks
from django.urls import clear_url_caches, include, path

from tests.sign_in.accounts.conftest import mount


def found(*, deploy: bool = False) -> set[str]:
    messages = run_checks(tags=["matt"], include_deployment_checks=deploy)
    mine = [each for each in messages if (each.id or "").startswith("matt_accounts.")]
    assert all(each.hint for each in mine)
    return {(each.id or "").removeprefix("matt_accounts.") for each in mine}


def serve(project: Any, *patterns: Any) -> None:
    urlconf: Any = types.ModuleType("checked_urlconf")
    urlconf.urlpatterns = list(patterns)
    project.ROOT_URLCONF = urlconf
    clear_url_caches()


def test_the_safe_settings_have_no_errors_and_only_the_cache_of_the_tests_is_warned_of(
    project: Any,
):
    project.ALLOWED_HOSTS = ["testserver"]
    assert found() <= {"W101"}
    project.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}
    assert found(deploy=True) - {"W101"} == {"W006"}


@pytest.mark.parametrize(
    "options", [{"MAX_SESSIONS": 0}, {"MAX_SESSIONS": "5"}, {"MAX_BODY": 0}, {"TYPO": 1}]
)
def test_a_wrong_option_is_an_error(project: Any, options: dict[str, Any]):
    from django.core.exceptions import ImproperlyConfigured

    try:
        project.MATT_ACCOUNTS = options
    except ImproperlyConfigured:
        return
    assert "E001" in found()


def test_urls_that_are_missing_or_unguarded_are_errors(project: Any):
    serve(project)
    assert {"E003", "E007"} <= found()
    serve(project, path("", include("django_matt.contrib.accounts.urls")))
    assert not {"E003", "E004", "E007"} & found()
    serve(
        project,
        path("_allauth/", include("allauth.headless.urls")),
        path("accounts/", include("allauth.urls")),
    )
    assert "E004" in found()


def test_settings_with_which_nobody_can_sign_in_are_errors(project: Any):
    project.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    project.MIDDLEWARE = [each for each in project.MIDDLEWARE if "Session" not in each]
    assert {"E005", "E006"} <= found()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ACCOUNT_EMAIL_NOTIFICATIONS", False, "W001"),
        ("ACCOUNT_REAUTHENTICATION_METHODS", ("password", "code"), "W002"),
        ("ACCOUNT_PREVENT_ENUMERATION", False, "W003"),
        ("ACCOUNT_EMAIL_VERIFICATION", "optional", "W003"),
        ("ACCOUNT_ADAPTER", "allauth.account.adapter.DefaultAccountAdapter", "W010"),
        ("HEADLESS_SERVE_SPECIFICATION", True, "W004"),
        ("ACCOUNT_REAUTHENTICATION_REQUIRED", False, "W011"),
        ("ACCOUNT_CONFIRM_EMAIL_ON_GET", True, "W012"),
        ("ACCOUNT_LOGOUT_ON_GET", True, "W012"),
        ("ALLOWED_HOSTS", ["*"], "W013"),
        ("MFA_ALLOW_UNVERIFIED_EMAIL", True, "W014"),
        ("ACCOUNT_RATE_LIMITS", False, "W005"),
        ("SESSION_ENGINE", "django.contrib.sessions.backends.signed_cookies", "W008"),
    ],
)
def test_unsafe_settings_are_warnings_for_deployment(
    project: Any, name: str, value: Any, expected: str
):
    mount(project)
    setattr(project, name, value)
    assert expected in found(deploy=True)
    assert expected not in found()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", ["shop.example"]),
        ("ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED", True),
        ("HEADLESS_FRONTEND_URLS", {"account_reset_password_from_key": "https://x.example/{key}"}),
    ],
)
def test_a_mail_without_the_host_of_the_request_is_safe_with_any_host(
    project: Any, name: str, value: Any
):
    mount(project)
    project.ALLOWED_HOSTS = ["*"]
    setattr(project, name, value)
    assert "W013" not in found(deploy=True)


def test_a_provider_without_pkce_is_a_warning_unless_the_adapter_turns_it_on(
    project: Any, monkeypatch: pytest.MonkeyPatch
):
    from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
    from allauth.socialaccount.providers import registry
    from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider

    mount(project)
    registry.load()
    monkeypatch.setitem(registry.provider_map, "openid_connect", OpenIDConnectProvider)
    project.SOCIALACCOUNT_ADAPTER = "allauth.socialaccount.adapter.DefaultSocialAccountAdapter"
    assert "W009" in found(deploy=True)
    monkeypatch.setattr(DefaultSocialAccountAdapter, "turns_pkce_on", True, raising=False)
    assert "W009" not in found(deploy=True)
