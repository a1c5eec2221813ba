"""Sign-in at a provider; the numbers are those of the properties of sign-in."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.urls import clear_url_caches, include, path

from tests.sign_in.social.conftest import LOGIN


def test_a_new_user_is_signed_in_by_a_trusted_address(browser):
    response = browser.sign_in(next="/books")
    assert (response.status_code, response["Location"]) == (302, "/books")
    user = get_user_model().objects.get(email="ada@company.example")
    assert browser.user_id == str(user.pk)
    assert not user.has_usable_password()
    browser.logout()
    browser.sign_in()
    assert browser.user_id == str(user.pk)
    assert get_user_model().objects.count() == 1


def test_an_untrusted_address_must_be_verified_first(browser, provider):
    provider.userinfo["email"] = "ada@elsewhere.example"
    response = browser.sign_in()
    assert "/confirm-email/" in response["Location"]
    assert browser.user_id is None


def test_17_the_request_has_state_nonce_and_pkce(browser, provider):
    browser.begin()
    challenge, method = browser.asked["code_challenge"], browser.asked["code_challenge_method"]
    assert (method, browser.asked["response_type"]) == ("S256", "code")
    assert len(browser.asked["nonce"]) == 43
    browser.finish()
    (form,) = provider.sent
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def test_17_the_state_belongs_to_one_browser_and_works_once(browser, open_browser, provider):
    browser.begin()
    other = open_browser()
    other.asked = browser.asked
    assert other.finish().status_code == 401
    other.begin()
    other.asked = browser.asked
    assert other.finish().status_code == 401
    assert other.user_id is None
    provider.claims["nonce"] = browser.asked["nonce"]
    assert browser.finish().status_code == 302
    browser.logout()
    assert browser.finish().status_code == 401
    assert browser.user_id is None


@pytest.mark.parametrize("nonce", [None, "", "another", 1, ["x"]])
def test_17_an_id_token_of_another_sign_in_is_refused(browser, provider, nonce):
    browser.begin()
    provider.claims["nonce"] = nonce
    assert browser.finish().status_code == 401
    assert browser.user_id is None
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize(
    "claims", [{"iss": "https://evil.example"}, {"aud": "another"}, {"exp": 1}, {"sub": "43"}]
)
def test_17_an_id_token_for_somebody_else_is_refused(browser, provider, claims):
    browser.begin()
    provider.claims.update(claims)
    assert browser.finish().status_code == 401
    assert browser.user_id is None


@pytest.mark.parametrize("name", ["redirect_uri", "state", "nonce", "client_id", "response_type"])
def test_17_a_link_cannot_change_the_request(browser, name):
    browser.begin()
    before = browser.asked.get(name)
    browser.begin(auth_params=f"{name}=evil", scope="admin")
    assert browser.asked[name] != "evil"
    assert name in {"state", "nonce"} or browser.asked[name] == before
    assert "admin" not in browser.asked["scope"]


def test_1_a_sign_in_begins_with_a_post_and_a_csrf_token(open_browser):
    browser = open_browser(enforce_csrf_checks=True)
    assert browser.get(LOGIN).status_code == 200
    assert browser.post(LOGIN).status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "https://evil.example/",
        "http://testserver@evil.example/",
        "http://evil@testserver/",
    ],
)
def test_18_next_is_refused_for_foreign_hosts(browser, url):
    assert browser.sign_in(next=url)["Location"] == "/home"


@pytest.mark.parametrize("password", ["secret", None])
def test_an_existing_account_is_never_signed_in_by_its_address(browser, settings, password):
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = password is not None
    get_user_model().objects.create_user("ada", "ada@company.example", password)
    browser.sign_in()
    assert browser.user_id is None
    assert get_user_model().objects.get().socialaccount_set.count() == 0


@pytest.mark.parametrize(
    ("trusted", "verified", "password", "signed_in"),
    [
        (True, True, None, True),
        (True, True, "secret", False),
        (True, False, None, False),
        (False, True, None, False),
    ],
)
def test_with_email_authentication_an_account_needs_a_verified_address_and_no_password(
    browser, settings, trusted, verified, password, signed_in
):
    settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
    settings.MATT_SOCIAL = {"TRUSTED_EMAIL": {"company": trusted}}
    user = get_user_model().objects.create_user("ada", "ada@company.example", password)
    user.emailaddress_set.create(email=user.email, verified=verified, primary=True)
    browser.sign_in()
    assert browser.user_id == (str(user.pk) if signed_in else None)


def test_a_user_who_is_signed_in_connects_the_provider(browser, provider):
    user = get_user_model().objects.create_user("ada", "ada@example.com", "secret")
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    browser.force_login(user)
    provider.userinfo["email"] = "other@company.example"
    browser.sign_in(process="connect")
    assert user.socialaccount_set.get().uid == "42"
    assert [each.email for each in user.emailaddress_set.all()] == ["ada@example.com"]
    browser.logout()
    browser.sign_in()
    assert browser.user_id == str(user.pk)


def test_an_inactive_user_is_not_signed_in(browser):
    browser.sign_in()
    browser.logout()
    get_user_model().objects.update(is_active=False)
    browser.sign_in()
    assert browser.user_id is None


def test_the_route_lists_the_providers(browser):
    (company,) = browser.get("/api/sign-in/providers").json()
    assert company == {
        "id": "company",
        "name": "The company",
        "start_url": LOGIN,
        "fields": {},
    }
    assert browser.post(company["start_url"]).status_code == 302


@pytest.mark.skipif(
    not apps.is_installed("django_matt.contrib.accounts"), reason="the app is not installed"
)
def test_without_pages_the_api_of_allauth_begins_the_sign_in(browser, provider, settings):
    settings.ROOT_URLCONF.urlpatterns += [path("", include("django_matt.contrib.accounts.urls"))]
    clear_url_caches()
    settings.HEADLESS_ONLY = True
    settings.HEADLESS_FRONTEND_URLS = {"socialaccount_login_error": "/failed"}
    (company,) = browser.get("/api/sign-in/providers").json()
    form = {**company["fields"], "callback_url": "https://evil.example/"}
    refused = browser.post(company["start_url"], form)
    assert refused["Location"].startswith("http://testserver/failed?")
    response = browser.post(company["start_url"], {**form, "callback_url": "/welcome"})
    asked = {
        name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()
    }
    provider.claims["nonce"] = asked["nonce"]
    browser.asked = asked
    assert browser.finish()["Location"] == "/welcome"
    assert browser.user_id


def test_no_token_of_the_provider_is_stored_or_shown(browser, caplog):
    from django.apps import apps

    caplog.set_level("DEBUG")
    browser.sign_in()
    assert not apps.get_model("socialaccount", "SocialToken").objects.exists()
    for secret in ("access", browser.asked["nonce"]):
        assert f'"{secret}"' not in caplog.text


def test_17_every_provider_uses_pkce_unless_its_settings_turn_it_off(shop, settings, rf):
    from allauth.socialaccount.adapter import get_adapter

    given: Any = {
        "google": {"APPS": [{"client_id": "a", "settings": {"x": 1}}]},
        "github": {"APP": {"client_id": "b"}, "OAUTH_PKCE_ENABLED": False},
        "gitlab": {"APP": {"client_id": "c", "settings": {"oauth_pkce_enabled": False}}},
    }
    settings.SOCIALACCOUNT_PROVIDERS = given
    found = {app.provider: app.settings for app in get_adapter().list_apps(rf.get("/"))}
    assert found == {
        "google": {"oauth_pkce_enabled": True, "x": 1},
        "github": {"oauth_pkce_enabled": False},
        "gitlab": {"oauth_pkce_enabled": False},
    }
    assert given["google"]["APPS"] == [{"client_id": "a", "settings": {"x": 1}}]
