"""The settings and the system checks of the app."""

import sys
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_matt.contrib.passkeys import checks
from django_matt.contrib.passkeys.settings import get_settings
from django_matt.errors.exceptions import MissingExtra

ADAPTER = "allauth.mfa.adapter.DefaultMFAAdapter"


def ids(check: Any) -> list[str]:
    found = check()
    assert all(message.hint for message in found)
    return [message.id for message in found]


def test_without_settings_passkeys_belong_to_localhost(settings: Any):
    del settings.MATT_PASSKEYS
    assert get_settings().accepted_origins == {"http://localhost:8000"}


def test_the_origin_of_a_domain_is_its_https_origin(settings: Any):
    settings.MATT_PASSKEYS = {"RP_ID": "example.com"}
    assert get_settings().accepted_origins == {"https://example.com"}


def test_subdomains_ports_apps_and_related_origins_are_accepted_where_they_are_listed(
    settings: Any,
):
    settings.MATT_PASSKEYS = {
        "RP_ID": "example.com",
        "ORIGINS": ["https://app.example.com:8443", "android:apk-key-hash:abc"],
        "RELATED_ORIGINS": ["https://example.org"],
    }
    assert len(get_settings().accepted_origins) == 3
    assert ids(checks.check_settings) == []


@pytest.mark.parametrize(
    "given",
    [
        {"RP_ID": "https://example.com"},
        {"RP_ID": "example.com:8000"},
        {"RP_ID": "Example.com"},
        {"RP_ID": ""},
        {"RP_ID": "127.0.0.1"},
        {"RP_ID": "example.com", "ORIGINS": ["https://example.org"]},
        {"RP_ID": "example.com", "ORIGINS": ["https://notexample.com"]},
        {"RP_ID": "example.com", "ORIGINS": ["http://example.com"]},
        {"RP_ID": "example.com", "ORIGINS": ["https://example.com/"]},
        {"RP_ID": "example.com", "ORIGINS": ["https://example.com:443"]},
        {"RP_ID": "example.com", "ORIGINS": ["https://EXAMPLE.com"]},
        {"RP_ID": "example.com", "ORIGINS": ["https://*.example.com"]},
        {"RP_ID": "example.com", "ORIGINS": ["example.com"]},
        {"RP_ID": "example.com", "ORIGINS": "https://example.com"},
        {"RP_ID": "example.com", "ORIGINS": [1]},
        {"RP_ID": "example.com", "RELATED_ORIGINS": ["http://example.org"]},
        {"CHALLENGE_SECONDS": 0},
        {"CHALLENGE_SECONDS": "300"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_an_error(given: dict[str, Any]):
    with override_settings(MATT_PASSKEYS=given):
        assert ids(checks.check_settings) == ["matt_passkeys.E001"]
        with pytest.raises(ImproperlyConfigured, match="MATT_PASSKEYS"):
            get_settings()


def test_the_settings_of_these_tests_are_right():
    for check in (
        *(checks.check_settings, checks.check_adapter, checks.check_types),
        *(checks.check_sign_up, checks.check_upstream, checks.check_origins),
    ):
        assert ids(check) == []


def test_another_adapter_is_an_error(settings: Any):
    settings.MFA_ADAPTER = ADAPTER
    assert ids(checks.check_adapter) == ["matt_passkeys.E002"]
    settings.MFA_ADAPTER = "nowhere.Adapter"
    assert ids(checks.check_adapter) == ["matt_passkeys.E002"]


def test_types_without_passkeys_are_an_error(settings: Any):
    settings.MFA_SUPPORTED_TYPES = ["totp"]
    assert ids(checks.check_types) == ["matt_passkeys.E003"]


def test_passkeys_without_sign_in_and_recovery_codes_are_warnings(settings: Any):
    settings.MFA_SUPPORTED_TYPES = ["webauthn"]
    settings.MFA_PASSKEY_LOGIN_ENABLED = False
    assert ids(checks.check_types) == ["matt_passkeys.W001", "matt_passkeys.W002"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MFA_PASSKEY_LOGIN_ENABLED", False),
        ("ACCOUNT_EMAIL_VERIFICATION", "optional"),
        ("ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED", False),
        ("ACCOUNT_SIGNUP_FIELDS", ["username*"]),
    ],
)
def test_sign_up_by_passkey_needs_a_verified_address(settings: Any, name: str, value: Any):
    setattr(settings, name, value)
    found = checks.check_sign_up()
    assert [message.id for message in found] == ["matt_passkeys.E004"]
    assert name in str(found[0].hint)
    settings.MFA_PASSKEY_SIGNUP_ENABLED = False
    assert ids(checks.check_sign_up) == []


def test_a_missing_name_of_allauth_is_an_error(monkeypatch: pytest.MonkeyPatch):
    from allauth.mfa.webauthn.internal import auth

    monkeypatch.delattr(auth, "get_server")
    found = checks.check_upstream()
    assert [message.id for message in found] == ["matt_passkeys.E005"]
    assert "get_server" in found[0].msg


def test_the_insecure_origin_of_allauth_has_no_effect(settings: Any):
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    assert ids(checks.check_origins) == ["matt_passkeys.W003"]


def test_a_deployment_on_localhost_is_an_error(settings: Any):
    assert ids(checks.check_relying_party) == ["matt_passkeys.E006"]
    settings.MATT_PASSKEYS = {"RP_ID": "example.com"}
    assert ids(checks.check_relying_party) == []


def test_without_the_extra_its_install_line_is_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fido2", None)
    with pytest.raises(MissingExtra, match="accounts"):
        apps.get_app_config("matt_passkeys").ready()


def test_without_allauths_app_the_project_does_not_start(settings: Any):
    with pytest.raises(ImproperlyConfigured, match=r"allauth\.mfa"):
        settings.INSTALLED_APPS = [
            name for name in settings.INSTALLED_APPS if name != "allauth.mfa"
        ]
