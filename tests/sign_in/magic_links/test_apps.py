"""An app without cookies keeps the binding itself, gets tokens, and never signs a browser in."""

from typing import Any

import pytest
from django.apps import apps

from django_matt.sign_in import IssuedTokens, LoginOutcome
from tests.sign_in.magic_links.conftest import REDEEM, ROUTE, newest_mail

pytestmark = [
    pytest.mark.usefixtures("ada"),
    pytest.mark.parametrize("make_browser", ["sync", "async"], indirect=True),
]


@pytest.fixture
def issued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An installed app that issues tokens; what it was called with."""
    calls: list[Any] = []
    # Of the object: a Protocol remembers which classes have its methods.
    app = apps.get_app_config("matt_magic_links")

    def issue_tokens(request: Any, user: Any, *, records: Any = (), scopes: Any = ()):
        calls.append((user.email, records[-1].method, request.session.session_key))
        return IssuedTokens(access_token="access", refresh_token="refresh", expires_in=300)

    monkeypatch.setattr(app, "issue_tokens", issue_tokens, raising=False)
    monkeypatch.setattr(app, "revoke_tokens", lambda user: 0, raising=False)
    return calls


@pytest.fixture
def app(make_browser: Any) -> Any:
    return make_browser(enforce_csrf_checks=True)


def ask(app: Any) -> str:
    body = {"email": "ada@example.com", "client": "app"}
    response = app.post(ROUTE, body)
    assert response.status_code == 202
    assert not response.cookies
    return str(response.json()["binding"])


@pytest.mark.parametrize("method", ["link", "code"])
def test_an_app_gets_tokens_without_cookies_and_csrf_token(app, issued, method):
    binding, mailed = ask(app), newest_mail()
    proof = {"token": mailed.token} if method == "link" else {"code": mailed.code}
    response = app.post(REDEEM, {**proof, "binding": binding, "client": "app"})
    assert response.status_code == 200
    assert response.json()["tokens"] == {
        "access_token": "access",
        "token_type": "Bearer",
        "expires_in": 300,
        "refresh_token": "refresh",
    }
    ((email, used, session_key),) = issued
    assert (email, used) == ("ada@example.com", method)
    assert session_key
    assert not response.cookies
    assert app.me() is None


def test_without_its_binding_an_app_needs_the_code_too(app, issued):
    ask(app)
    mailed = newest_mail()
    for binding in ("", "wrong"):
        body = {"token": mailed.token, "client": "app", "binding": binding}
        assert app.post(REDEEM, body).status_code == 409
    body = {"token": mailed.token, "code": mailed.code, "client": "app"}
    assert app.post(REDEEM, body).json()["tokens"]


def test_the_cookie_of_a_browser_is_no_binding_of_an_app(make_browser, issued):
    browser = make_browser()
    mailed = browser.ask()
    assert browser.redeem(token=mailed.token, client="app").status_code == 409


def test_a_browser_that_is_signed_in_stays_so(make_browser, issued, django_user_model):
    browser = make_browser()
    browser.client.force_login(django_user_model.objects.create_user("bob", "bob@example.com"))
    binding = browser.post(ROUTE, {"email": "ada@example.com", "client": "app"}).json()["binding"]
    body = {"token": newest_mail().token, "binding": binding, "client": "app"}
    assert browser.post(REDEEM, body).json()["tokens"]
    assert browser.me() == "bob@example.com"


def test_an_app_whose_sign_in_is_pending_gets_the_session_that_continues_it(
    app, issued, monkeypatch
):
    def pend(request: Any, user: Any, **_: Any) -> LoginOutcome:
        request.session["pending"] = user.pk
        return LoginOutcome(user=user, pending="mfa_authenticate")

    monkeypatch.setattr("django_matt.sign_in.complete_login", pend)
    binding = ask(app)
    body = {"token": newest_mail().token, "binding": binding, "client": "app"}
    answer = app.post(REDEEM, body).json()
    assert (answer["signed_in"], answer["tokens"]) == (False, None)
    assert len(answer["session_token"]) == 32
    assert not issued


def test_where_nobody_issues_tokens_apps_cannot_sign_in(app, monkeypatch):
    monkeypatch.setattr(
        "django_matt.contrib.magic_links.controllers.installed", lambda protocol: iter(())
    )
    for url, body in ((ROUTE, {"email": "ada@example.com"}), (REDEEM, {"token": "x"})):
        assert app.post(url, {**body, "client": "app"}).status_code == 422


@pytest.mark.parametrize("method", ["link", "code"])
@pytest.mark.skipif(
    not apps.is_installed("django_matt.contrib.tokens"), reason="the app is not installed"
)
def test_the_tokens_of_the_app_tokens_work(app, method):
    binding, mailed = ask(app), newest_mail()
    proof = {"token": mailed.token} if method == "link" else {"code": mailed.code}
    tokens = app.post(REDEEM, {**proof, "binding": binding, "client": "app"}).json()["tokens"]
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    found = app.get("/api/token", headers=header).json()
    assert found == {"email": "ada@example.com", "amr": [method]}
