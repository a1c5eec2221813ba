"""Completing logins through allauth, and what a session remembers of them."""

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from django_matt import MattAPI
from django_matt.authentication import AnyOf, BearerAuthenticator, SessionAuthenticator
from django_matt.contrib.accounts.authentication import SessionTokenAuth
from django_matt.sign_in import authentication_records, complete_login
from tests.sign_in.accounts.conftest import Caller, activate_totp, make_user, mount, totp_code

pytestmark = pytest.mark.django_db


class Bearer(BearerAuthenticator):
    def authenticate(self, request: HttpRequest, credentials: Any) -> Any:
        return get_user_model().objects.filter(email=credentials.value).first()


api = MattAPI(urls_namespace="logins", extensions=[])


@api.post("/complete", auth=None)
def complete(request, method: str, email: str, atomic: bool = False):
    user = get_user_model().objects.get(email=email)
    if atomic:
        with transaction.atomic():
            outcome = complete_login(request, user, method=method, email=email)  # type: ignore[arg-type]
    else:
        outcome = complete_login(request, user, method=method, email=email)  # type: ignore[arg-type]
    records = [each.method for each in authentication_records(request)]
    return {"pending": outcome.pending, "records": records}


ANY = AnyOf(Bearer(), SessionTokenAuth(), SessionAuthenticator())


@api.get("/me", auth=ANY)
def me(request):
    records = authentication_records(request)
    assert all(abs(each.at - time.time()) < 60 for each in records)
    return {"email": request.user.email, "records": [each.method for each in records]}


@api.get("/me-async", auth=ANY)
async def me_async(request):
    return {"email": request.user.email}


@pytest.fixture
def client(project: Any) -> Client:
    mount(project, path("logins/", api.urls))
    return Client()


def finish(client: Client, method: str, email: str = "ada@example.com", **more: Any) -> Any:
    query = {"method": method, "email": email, **more}
    return client.post("/logins/complete", query_params=query).json()  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["password", "passkey", "code", "link", "oidc"])
@pytest.mark.parametrize("atomic", [False, True])
def test_a_proof_signs_the_user_in_and_is_remembered(client: Client, method: str, atomic: bool):
    make_user()
    assert finish(client, method, atomic=atomic) == {"pending": None, "records": [method]}
    found = client.get("/logins/me").json()
    assert found == {"email": "ada@example.com", "records": [method]}


def test_property_2_the_session_key_changes_at_the_login(client: Client):
    make_user()
    session = client.session
    session["kept"] = True
    session.save()
    finish(client, "link")
    assert client.session.session_key != session.session_key
    assert client.session["kept"] is True


@pytest.mark.parametrize("kind", ["browser", "app"])
def test_property_2_the_session_key_changes_at_a_login_of_allauths_api(project: Any, kind: str):
    user = make_user()
    activate_totp(user)
    caller = Caller(kind)
    assert caller.sign_in().status_code == 401

    def key() -> str:
        return caller.token or caller.client.cookies["sessionid"].value

    before = key()
    assert caller("POST", "auth/2fa/authenticate", {"code": totp_code()}).status_code == 200
    assert key() != before


@pytest.mark.parametrize("method", ["password", "code", "link", "oidc"])
def test_property_15_a_second_factor_is_asked_for_after_every_proof(client: Client, method: str):
    activate_totp(make_user())
    assert finish(client, method) == {"pending": "mfa_authenticate", "records": []}
    assert client.get("/logins/me").status_code == 401
    caller = Caller("browser")
    caller.client = client
    answer = caller("POST", "auth/2fa/authenticate", {"code": totp_code()})
    assert answer.status_code == 200
    assert client.get("/logins/me").json()["records"] == [method, "totp"]


def test_who_has_nothing_to_prove_it_with_adds_a_factor_soon_after_the_sign_in(client: Client):
    """A user without a password and a factor, who signs in by links or at a provider."""
    user = make_user()
    user.set_unusable_password()
    user.save()
    finish(client, "link")
    caller = Caller("browser")
    caller.client = client
    key = "account_authentication_methods"

    def add() -> Any:
        secret = caller("GET", "account/authenticators/totp").json()["meta"].get("secret")
        code = totp_code(secret) if secret else "0"
        return caller("POST", "account/authenticators/totp", {"code": code})

    def wait(seconds: int) -> None:
        session = client.session
        session[key] = [{**each, "at": each["at"] - seconds} for each in session[key]]
        session.save()

    wait(301)
    assert add().status_code == 401
    wait(-301)
    assert add().status_code == 200
    # Now there is something to prove it with.
    assert caller("DELETE", "account/authenticators/totp").status_code == 401


def test_a_pending_login_does_not_leave_another_user_signed_in(client: Client):
    make_user()
    activate_totp(make_user("bob@example.com"))
    finish(client, "password")
    assert finish(client, "link", "bob@example.com")["pending"] == "mfa_authenticate"
    assert client.get("/logins/me").status_code == 401


def test_property_15_an_inactive_user_and_an_unverified_address_do_not_sign_in(client: Client):
    make_user("off@example.com", is_active=False)
    assert finish(client, "link", "off@example.com")["pending"] == "inactive"
    user = make_user("new@example.com")
    user.emailaddress_set.update(verified=False)
    assert finish(client, "oidc", "new@example.com")["pending"] is None, "the proof verifies it"
    assert user.emailaddress_set.get().verified


def test_without_an_address_that_is_verified_the_login_is_pending(client: Client, project: Any):
    user = make_user()
    user.emailaddress_set.update(verified=False)

    @api.post("/no-address", auth=None)
    def no_address(request):
        return {"pending": complete_login(request, user, method="passkey").pending}

    mount(project, path("logins/", MattAPI(extensions=[], urls_namespace="x").urls))
    request = Client().get("/api/openapi.json").wsgi_request
    from types import SimpleNamespace

    from allauth.core import context

    request.allauth = SimpleNamespace()  # type: ignore[attr-defined]
    with context.request_context(request):
        outcome = complete_login(request, user, method="passkey")
    assert (outcome.pending, outcome.signed_in) == ("verify_email", False)
    assert request.user.is_anonymous


def test_a_session_token_authenticates_an_app(client: Client):
    make_user()
    app = Caller("app")
    assert app.sign_in().status_code == 200
    headers = {"x-session-token": app.token}
    found = client.get("/logins/me", headers=headers).json()
    assert found == {"email": "ada@example.com", "records": ["password"]}
    assert client.get("/logins/me-async", headers=headers).json() == {"email": "ada@example.com"}
    assert "sessionid" not in client.cookies
    get_user_model().objects.update(is_active=False)
    assert client.get("/logins/me", headers=headers).status_code == 401


@pytest.mark.parametrize("token", ["x", "x" * 40, "x" * 5_000])
def test_a_wrong_session_token_is_a_401_even_with_a_session(client: Client, token: str):
    make_user()
    finish(client, "password")
    assert client.get("/logins/me", headers={"x-session-token": token}).status_code == 401


def test_what_a_session_remembers_is_not_said_of_a_bearer_token(client: Client):
    make_user()
    make_user("bob@example.com")
    finish(client, "password")
    for email in ("ada@example.com", "bob@example.com"):
        found = client.get("/logins/me", headers={"authorization": f"Bearer {email}"}).json()
        assert found == {"email": email, "records": []}
