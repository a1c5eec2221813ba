"""Whatever a provider or a client sends, the response is a 4xx, and nobody is signed in."""

import pytest
from django.contrib.auth import get_user_model

from tests.sign_in.social.conftest import CALLBACK

BROKEN = [b"", b"null", b"[]", b"\xff", b"[" * 20_000, b"{}"]


def refused(browser):
    response = browser.finish()
    assert 400 <= response.status_code < 500, response.content[:500]
    assert browser.user_id is None
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize("place", ["configuration", "token", "userinfo"])
def test_an_answer_that_is_broken(browser, provider, place, answer):
    browser.begin()
    setattr(provider, place, answer)
    refused(browser)


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_answer_that_is_an_error(browser, provider, status):
    browser.begin()
    provider.status = status
    refused(browser)
    assert browser.begin().status_code == 401


def test_a_provider_that_is_away(browser, provider):
    browser.begin()
    provider.configuration["token_endpoint"] = "http://127.0.0.1:9/token"
    refused(browser)
    provider.configuration["authorization_endpoint"] = 7
    assert browser.begin().status_code == 401


@pytest.mark.parametrize(
    "sub", [None, 7, "", [], {}, "\x00", "\ud800", "x" * 70_000, "x" * 300, True]
)
def test_an_identifier_that_cannot_be_stored(browser, provider, sub):
    browser.begin()
    provider.userinfo["sub"] = sub
    provider.claims["sub"] = sub if isinstance(sub, str) and "\ud800" not in sub else "42"
    refused(browser)


@pytest.mark.parametrize("name", ["email", "name", "picture"])
@pytest.mark.parametrize("value", ["\x00", "\ud800", "x" * 70_000])
def test_text_that_cannot_be_stored(browser, provider, name, value):
    browser.begin()
    provider.userinfo[name] = value
    refused(browser)


@pytest.mark.parametrize("name", ["email", "email_verified", "name", "preferred_username"])
@pytest.mark.parametrize("value", [None, 7, {}, "x" * 500])
def test_a_value_of_another_type_is_no_500(browser, provider, name, value):
    browser.begin()
    provider.userinfo[name] = value
    assert browser.finish().status_code < 500


@pytest.mark.parametrize(
    "token",
    [
        {"id_token": None},
        {"id_token": "x"},
        {"id_token": "a.b.c"},
        {"id_token": 7},
        {"expires_in": "soon"},
        {"expires_in": 10**400},
        {"access_token": None},
        {"access_token": ["x"]},
    ],
)
def test_tokens_that_are_none(browser, provider, token):
    browser.begin()
    provider.token.update(token)
    refused(browser)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "state=x",
        "state=x&code=x",
        "state=%00&code=%00",
        "state=%ED%A0%80&code=x",
        "state=" + "x" * 5_000,
        "error=access_denied",
        "error=%00&state=x",
        "state[]=x&code[]=x",
        "code=x&code=y&state=a&state=b",
    ],
)
def test_a_callback_of_nobody(browser, query):
    browser.begin()
    for method in (browser.get, browser.head):
        assert 400 <= method(f"{CALLBACK}?{query}").status_code < 500


def test_a_refused_sign_in_of_the_provider(browser):
    browser.begin()
    response = browser.get(CALLBACK, {"state": browser.asked["state"], "error": "access_denied"})
    assert "cancelled" in response["Location"]
    browser.begin()
    response = browser.get(CALLBACK, {"state": browser.asked["state"], "error": "\x00"})
    assert response.status_code == 401


@pytest.mark.parametrize("name", ["unknown", "%00", "%ED%A0%80", "x" * 3_000, "%F0%9F%98%80"])
def test_a_provider_that_is_unknown(browser, name):
    for end in ("login/", "login/callback/"):
        assert browser.get(f"/accounts/oidc/{name}/{end}").status_code == 404
        assert browser.post(f"/accounts/oidc/{name}/{end}").status_code == 404


def test_a_state_that_is_chosen_by_another_site_leads_nowhere(browser):
    browser.begin(next="/home", process="\x00")
    assert browser.finish().status_code < 500
