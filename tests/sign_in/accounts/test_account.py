"""Users take the data of their account along, and delete it, after a recent proof of who they are."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone

from tests.sign_in.accounts.conftest import Caller, activate_totp, make_user

pytestmark = pytest.mark.django_db


def ask(caller: Caller, method: str, path: str, **headers: str) -> Any:
    """Call a route of the API with what this kind of client sends along."""
    if caller.kind == "browser":
        headers.setdefault("x-csrftoken", caller.client.cookies["csrftoken"].value)
    else:
        headers.setdefault("x-session-token", caller.token)
    return caller.client.generic(method, f"/api{path}", headers=headers)  # type: ignore[arg-type]


def grow_old(seconds: int) -> None:
    """Let the sign-ins of all sessions be some time ago."""
    for row in Session.objects.all():
        data = row.get_decoded()
        for record in data.get("account_authentication_methods", []):
            record["at"] -= seconds
        store = Session.get_session_store_class()
        row.session_data = store().encode(data)
        row.expire_date = timezone.now() + timedelta(days=1)
        row.save()


def test_the_export_has_what_is_stored_and_no_secrets(caller: Caller, monkeypatch: Any):
    config = apps.get_app_config("matt_accounts")
    monkeypatch.setattr(config, "export_account", lambda user: {"name": user.email}, raising=False)
    user = make_user()
    caller.sign_in()
    activate_totp(user)
    answer = ask(caller, "GET", "/account/export")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    found = answer.json()
    assert found["user"]["email"] == "ada@example.com"
    assert found["email_addresses"] == [
        {"email": "ada@example.com", "verified": True, "primary": True}
    ]
    assert [each["type"] for each in found["factors"]] == ["totp"]
    assert found["matt_accounts"] == {"name": "ada@example.com"}
    assert [each["user_agent"] for each in found["sessions"]] == ["Test/1.0"]
    for secret in (user.password, "JBSWY3DPEHPK3PXP", caller.token or "md5$"):
        assert secret not in answer.text


def test_the_deletion_ends_everything(caller: Caller):
    make_user()
    make_user("bob@example.com")
    caller.sign_in()
    other = Caller("app")
    other.sign_in()
    assert ask(caller, "DELETE", "/account").status_code == 204
    assert [each.email for each in get_user_model().objects.all()] == ["bob@example.com"]
    assert other("GET", "auth/session").status_code == 410
    assert ask(caller, "GET", "/account/export").status_code == 401
    assert caller.sign_in().status_code == 400 if caller.kind == "browser" else True


@pytest.mark.parametrize("route", ["GET /account/export", "DELETE /account"])
def test_a_sign_in_that_is_too_old_is_not_enough(caller: Caller, route: str):
    make_user()
    caller.sign_in()
    grow_old(301)
    answer = ask(caller, *route.split())
    assert answer.status_code == 401
    assert "insufficient_user_authentication" in answer["WWW-Authenticate"]
    assert get_user_model().objects.exists()
    caller("POST", "auth/reauthenticate", {"password": "correct-horse-battery"})
    assert ask(caller, *route.split()).status_code in (200, 204)


@pytest.mark.parametrize("route", ["GET /account/export", "DELETE /account"])
def test_nobody_else_may(project: Any, route: str):
    caller = Caller("browser")
    caller("GET", "config")
    assert ask(caller, *route.split()).status_code == 401
    make_user()
    caller.sign_in()
    if route.startswith("DELETE"):
        assert ask(caller, *route.split(), **{"x-csrftoken": "wrong"}).status_code == 403
        assert get_user_model().objects.exists()
