"""Property 25: the credentials that a request presents decide alone; CSRF only where a cookie is used; also on WebSockets."""

import asyncio
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.test import Client

from django_matt import MattAPI
from django_matt.asgi import get_asgi_application
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.tokens.authentication import TokenAuth

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="correct horse")


@pytest.fixture
def strict(client: Client, bob: User) -> Client:
    """A browser in which Bob is signed in; it checks CSRF tokens as a real one must."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(bob, backend=BACKEND)
    return browser


@pytest.fixture(params=["/api/either", "/api/aeither"])
def path(request):
    return request.param


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_token_beside_a_session_is_the_tokens_user(strict, path, login, ada, method):
    answer = getattr(strict, method)(path, headers=bearer(login(ada).access_token))
    assert (answer.status_code, answer.json()) == (200, {"name": "ada"})


@pytest.mark.parametrize("token", ["guessed", "a.b.c", ""])
def test_a_wrong_token_beside_a_session_is_refused(strict, path, token):
    answer = strict.get(path, headers=bearer(token))
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_the_token_of_an_ended_login_beside_a_session_is_refused(
    strict, path, login, ada, settings
):
    settings.MATT_TOKENS = {"REVOCATION_SECONDS": 0}
    token = login(ada).access_token
    ada.delete()
    assert strict.get(path, headers=bearer(token)).status_code == 401


def test_the_session_alone_needs_a_csrf_token_to_write(strict, path):
    assert strict.get(path).json() == {"name": "bob"}
    assert strict.post(path).status_code == 403
    token = "x" * 32
    strict.cookies["csrftoken"] = token
    assert strict.post(path, headers={"X-CSRFToken": token}).json() == {"name": "bob"}


def test_nothing_is_refused_with_a_challenge(client, path, db):
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_does_not_help_where_only_tokens_are_accepted(strict):
    assert strict.get("/api/sync").status_code == 401
    assert strict.get("/api/async").status_code == 401


# ---- a browser's exchange ----


def test_an_exchange_needs_a_csrf_token(strict, me, bob):
    assert strict.post("/api/tokens/exchange").status_code == 403
    tokens = with_csrf(strict, "exchange").json()
    assert me(tokens["access_token"]).json() == {"user": bob.pk}


def test_nobody_exchanges_a_session_that_is_not_signed_in(client, db):
    assert client.post("/api/tokens/exchange").status_code == 401


def test_an_access_token_is_not_exchanged(client, login, ada):
    """A token must not make itself live longer."""
    answer = client.post("/api/tokens/exchange", headers=bearer(login(ada).access_token))
    assert answer.status_code == 401


def with_csrf(browser: Client, name: str, **body: Any) -> Any:
    browser.cookies["csrftoken"] = "x" * 32
    return browser.post(
        f"/api/tokens/{name}",
        body,
        content_type="application/json",
        headers={"X-CSRFToken": "x" * 32},
    )


def without_csrf(browser: Client, name: str) -> Any:
    return browser.post(f"/api/tokens/{name}", "", content_type="application/json")


# ---- cookies ----


def test_cookies_are_refused_unless_the_settings_allow_them(strict):
    assert with_csrf(strict, "exchange", transport="cookie").status_code == 422


@pytest.fixture
def cookies(settings: Any) -> None:
    settings.MATT_TOKENS = {"COOKIES": True}


@pytest.fixture
def spa(cookies: None, strict: Client) -> Client:
    """A browser whose tokens are in cookies, and which has no session any more."""
    answer = with_csrf(strict, "exchange", transport="cookie")
    assert answer.json()["access_token"] is None
    assert answer.json()["refresh_token"] is None
    del strict.cookies["sessionid"]
    return strict


def test_token_cookies_are_for_this_host_and_not_for_scripts(spa):
    for name in ("__Host-access", "__Host-refresh"):
        cookie = spa.cookies[name]
        assert cookie["httponly"]
        assert cookie["secure"]
        assert cookie["path"] == "/"
        assert not cookie["domain"]
        assert cookie["samesite"] in {"Lax", "Strict"}


def test_a_token_in_a_cookie_needs_a_csrf_token_to_write(spa, path):
    assert spa.get(path).json() == {"name": "bob"}
    assert spa.post(path).status_code == 403
    assert spa.post(path, headers={"X-CSRFToken": "x" * 32}).json() == {"name": "bob"}


def test_a_token_in_the_header_decides_beside_a_cookie(spa, path, login, ada):
    assert spa.post(path, headers=bearer(login(ada).access_token)).json() == {"name": "ada"}
    assert spa.get(path, headers=bearer("guessed")).status_code == 401


def test_a_cookie_is_refreshed_with_a_csrf_token(spa):
    before = {name: spa.cookies[name].value for name in ("__Host-access", "__Host-refresh")}
    assert without_csrf(spa, "refresh").status_code == 403
    answer = with_csrf(spa, "refresh")
    assert (answer.status_code, answer.json()["refresh_token"]) == (200, None)
    assert spa.cookies["__Host-refresh"].value != before["__Host-refresh"]
    assert spa.get("/api/sync").status_code == 200


def test_a_wrong_refresh_token_in_the_body_decides_beside_a_cookie(spa):
    assert with_csrf(spa, "refresh", refresh_token="guessed").status_code == 401


def test_signing_out_removes_the_cookies(spa):
    assert without_csrf(spa, "revoke").status_code == 403
    assert with_csrf(spa, "revoke").status_code == 204
    assert spa.cookies["__Host-refresh"].value == ""
    assert spa.get("/api/sync").status_code == 401


def test_a_cookie_is_ignored_unless_the_settings_allow_them(client, login, ada):
    client.cookies["__Host-access"] = login(ada).access_token
    assert client.get("/api/sync").status_code == 401


# ---- WebSockets ----


@pytest.fixture
def socket(serve, transactional_db, settings):
    """Return ``socket(headers)``: the first message of a socket that accepts tokens and sessions."""
    settings.MATT_TOKENS = {"COOKIES": True}
    api = MattAPI(extensions=["matt_tokens"], auth=AnyOf(TokenAuth(), SessionAuthenticator()))

    async def consumer(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["user"].username})

    api.add_socket("/socket", consumer)
    serve(api)

    async def connect(headers):
        found = {"host": "testserver", **headers}
        scope = {
            "type": "websocket",
            "path": "/api/socket",
            "headers": [(k.encode(), v.encode()) for k, v in found.items()],
        }
        room = ApplicationCommunicator(get_asgi_application(), scope)
        await room.send_input({"type": "websocket.connect"})
        first = await room.receive_output(20)
        if first["type"] == "websocket.close":
            return first["code"]
        return (await room.receive_output(20))["text"]

    return lambda **headers: asyncio.run(connect(headers))


def test_a_socket_accepts_a_token(socket, login):
    ada = User.objects.create_user("ada")
    assert socket(authorization=f"Bearer {login(ada).access_token}") == "ada"
    assert socket(cookie=f"__Host-access={login(ada).access_token}") == "ada"


def test_a_socket_refuses_a_wrong_token_beside_a_session(socket, login):
    bob, browser = User.objects.create_user("bob"), Client()
    browser.force_login(bob, backend=BACKEND)
    session = f"sessionid={browser.cookies['sessionid'].value}"
    assert socket(cookie=session) == "bob"
    assert socket(cookie=session, authorization="Bearer guessed") == 1008
    assert socket() == 1008
