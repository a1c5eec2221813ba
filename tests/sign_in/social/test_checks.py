"""The system checks of the app."""

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.social import checks
from django_matt.contrib.social.settings import get_settings


def found():
    return [
        m.id
        for m in run_checks(include_deployment_checks=True)
        if m.id and m.id.startswith("matt_social")
    ]


def test_safe_settings_have_no_message(shop):
    assert found() == []


@pytest.mark.parametrize(
    "options",
    [{"PATH": "x"}, {"TRUSTED_EMAIL": {"google": "gmail.com"}}, {"TRUSTED_EMAIL": {"google": 1}}],
)
def test_e001_an_invalid_option(settings, options):
    settings.MATT_SOCIAL = options
    with pytest.raises(ImproperlyConfigured, match="MATT_SOCIAL"):
        get_settings()
    assert [message.id for message in checks.check_settings()] == ["matt_social.E001"]
    assert checks.check_deployment() == []


def test_e003_another_adapter(shop, settings):
    settings.SOCIALACCOUNT_ADAPTER = "allauth.socialaccount.adapter.DefaultSocialAccountAdapter"
    assert found() == ["matt_social.E003"]


def test_e004_another_provider(shop, monkeypatch):
    from allauth.socialaccount.providers import registry
    from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider

    monkeypatch.setitem(registry.provider_map, "openid_connect", OpenIDConnectProvider)
    assert found() == ["matt_social.E004"]


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("SOCIALACCOUNT_LOGIN_ON_GET", "matt_social.W001"),
        ("SOCIALACCOUNT_EMAIL_AUTHENTICATION", "matt_social.W002"),
        ("SOCIALACCOUNT_STORE_TOKENS", "matt_social.W003"),
    ],
)
def test_unsafe_settings(shop, settings, name, check):
    settings.MATT_SOCIAL = {}
    setattr(settings, name, True)
    assert found() == [check]


def test_unsafe_providers(shop, settings):
    (app,) = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {**app, "settings": {"server_url": "http://company.example"}},
                {**app, "settings": {"oauth_pkce_enabled": False}},
            ]
        },
        "google": {"OAUTH_PKCE_ENABLED": False},
    }
    assert sorted(found()) == ["matt_social.W004", "matt_social.W004", "matt_social.W005"]
