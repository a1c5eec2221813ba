"""With ``TokenStrategy``, every login of an allauth app client returns tokens."""

from types import ModuleType
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import clear_url_caches, include, path

from django_matt.contrib.tokens import services
from django_matt.contrib.tokens.models import Family


@pytest.fixture
def app(api: Any, settings: Any) -> Any:
    """An app that uses allauth's routes for app clients."""
    settings.HEADLESS_TOKEN_STRATEGY = "django_matt.contrib.tokens.strategies.TokenStrategy"
    settings.HEADLESS_ONLY = True
    settings.ACCOUNT_LOGIN_METHODS = {"username"}
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    urlconf: Any = ModuleType("urlconf_of_allauth")
    urlconf.urlpatterns = [
        path("api/", api.urls),
        path("accounts/", include("allauth.urls")),
        path("_allauth/", include("allauth.headless.urls")),
    ]
    settings.ROOT_URLCONF = urlconf
    clear_url_caches()
    yield Client(raise_request_exception=False)
    clear_url_caches()


def call(app: Client, method: str, name: str, session: str = "", **body: Any) -> Any:
    headers = {"X-Session-Token": session} if session else {}
    return getattr(app, method)(
        f"/_allauth/app/v1/{name}", body, content_type="application/json", headers=headers
    )


@pytest.fixture
def signed_in(app: Client, ada: User) -> Any:
    answer = call(app, "post", "auth/login", username="ada", password="correct horse")
    assert answer.status_code == 200, answer.content
    return answer.json()["meta"]


def test_a_login_returns_tokens(app, signed_in, ada):
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    assert app.get("/api/sync", headers=headers).json() == {"user": ada.pk}
    claims = jwt.decode(signed_in["access_token"], options={"verify_signature": False})
    assert claims["amr"] == ["password"]
    assert claims["auth_time"] <= claims["iat"] <= claims["auth_time"] + 5


def test_allauths_route_refreshes_them(app, signed_in):
    answer = call(app, "post", "tokens/refresh", refresh_token=signed_in["refresh_token"])
    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}
    assert app.get("/api/sync", headers=headers).status_code == 200
    assert call(app, "post", "tokens/refresh", refresh_token="guessed").status_code == 400


def test_our_route_refreshes_them_too(app, signed_in):
    answer = app.post(
        "/api/tokens/refresh",
        {"refresh_token": signed_in["refresh_token"]},
        content_type="application/json",
    )
    assert answer.status_code == 200


def test_signing_out_of_allauth_ends_them(app, signed_in):
    assert call(app, "delete", "auth/session", signed_in["session_token"]).status_code == 401
    answer = call(app, "post", "tokens/refresh", refresh_token=signed_in["refresh_token"])
    assert answer.status_code == 400
    assert Family.objects.get().revoked_at is not None


def test_a_new_password_ends_them(app, signed_in, ada):
    answer = call(
        app,
        "post",
        "account/password/change",
        signed_in["session_token"],
        current_password="correct horse",
        new_password="battery staple 9",
    )
    assert answer.status_code == 200
    answer = call(app, "post", "tokens/refresh", refresh_token=signed_in["refresh_token"])
    assert answer.status_code == 400


def test_a_wrong_password_returns_none(app, ada):
    answer = call(app, "post", "auth/login", username="ada", password="guessed")
    assert "access_token" not in str(answer.content)
    assert not Family.objects.exists()


def exchange(app, headers):
    return app.post("/api/tokens/exchange", "", content_type="application/json", headers=headers)


def test_the_session_of_an_app_is_exchanged_for_tokens(app, signed_in, ada):
    headers = {"X-Session-Token": signed_in["session_token"]}
    answer = exchange(app, headers)
    assert answer.status_code == 200
    assert "sessionid" not in answer.cookies
    access = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert app.get("/api/sync", headers=access).json() == {"user": ada.pk}
    call(app, "delete", "auth/session", signed_in["session_token"])
    assert exchange(app, headers).status_code == 401
    assert app.get("/api/sync", headers=access).status_code == 401


def test_what_is_read_of_a_session_is_read_of_the_one_that_is_exchanged(
    app, signed_in, monkeypatch
):
    """Such as the provider of a tenant, to which the tokens are then bound."""
    seen: list[Any] = []
    issue = services.issue

    def see(request: Any, *args: Any, **more: Any) -> Any:
        seen.append(request.session.session_key)
        return issue(request, *args, **more)

    monkeypatch.setattr(services, "issue", see)
    assert exchange(app, {"X-Session-Token": signed_in["session_token"]}).status_code == 200
    assert len(seen) == 1
    assert seen[0] not in {None, app.cookies.get("sessionid")}


@pytest.mark.parametrize("token", ["guessed", "", "x" * 5_000])
def test_a_wrong_session_token_is_refused_beside_a_browsers_session(app, ada, token):
    """Property 25."""
    app.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    headers = {"X-Session-Token": token}
    assert exchange(app, headers).status_code == 401
