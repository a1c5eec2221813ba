"""The security events of accounts, without anything that was typed."""

from typing import Any

import pytest
from django.apps import apps
from django.core import mail

from django_matt.sign_in import SecurityEvent
from tests.sign_in.accounts.conftest import PASSWORD, Caller, activate_totp, make_user, totp_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(monkeypatch: Any) -> list[SecurityEvent]:
    seen: list[SecurityEvent] = []
    config = apps.get_app_config("matt_accounts")
    monkeypatch.setattr(config, "record_security_event", seen.append, raising=False)
    return seen


def names(events: list[SecurityEvent]) -> list[str]:
    found = [each.name for each in events]
    events.clear()
    return found


def test_sign_in_and_sign_out_are_recorded(caller: Caller, events: list[SecurityEvent]):
    user = make_user()
    caller.sign_in()
    assert [(each.name, each.user, dict(each.data)) for each in events] == [
        ("signed_in", user, {"methods": ["password"]})
    ]
    events.clear()
    caller("DELETE", "auth/session")
    assert names(events) == ["signed_out"]


def test_a_failed_sign_in_is_recorded_without_what_was_typed(
    caller: Caller, events: list[SecurityEvent]
):
    make_user()
    caller.sign_in(password="guess")
    caller.sign_in("eve@example.com", "guess")
    assert [each.name for each in events] == ["sign_in_failed"] * 2
    assert "guess" not in str([each.data for each in events])
    assert "eve" not in str([each.data for each in events])


def test_a_sign_up_and_the_verified_address_are_recorded(
    caller: Caller, events: list[SecurityEvent]
):
    caller("POST", "auth/signup", {"email": "new@example.com", "password": PASSWORD})
    assert names(events) == ["signed_up"]
    code = next(word for word in mail.outbox[0].body.split() if "-" in word and word.isupper())
    assert caller("POST", "auth/email/verify", {"key": code}).status_code == 200
    assert names(events) == ["signed_in"]


def test_a_wrong_second_factor_is_recorded(caller: Caller, events: list[SecurityEvent]):
    activate_totp(make_user())
    caller.sign_in()
    assert names(events) == []
    caller("POST", "auth/2fa/authenticate", {"code": "000000"})
    assert names(events) == ["sign_in_failed"]


@pytest.mark.django_db(transaction=True)
def test_property_24_a_change_of_a_factor_needs_a_fresh_proof_and_tells_the_user(
    caller: Caller, events: list[SecurityEvent]
):
    user = make_user()
    caller.sign_in()
    mail.outbox.clear()
    events.clear()

    def add() -> Any:
        secret = caller("GET", "account/authenticators/totp").json()["meta"]["secret"]
        return caller("POST", "account/authenticators/totp", {"code": totp_code(secret)})

    refused = add()
    assert refused.status_code == 401
    # A code from the mail is no fresh proof: defaults.py takes it out.
    assert [each["id"] for each in refused.json()["data"]["flows"]] == ["reauthenticate"]
    assert caller("POST", "auth/reauthenticate/code/request", {}).status_code == 404
    assert (names(events), mail.outbox) == ([], [])
    assert caller("POST", "auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    assert add().status_code == 200
    assert sorted(names(events)) == ["factor_added", "recovery_codes_made"]
    assert caller("DELETE", "account/authenticators/totp").status_code == 200
    assert "factor_removed" in names(events)
    assert {tuple(sent.to) for sent in mail.outbox} == {(user.email,)}
    assert len(mail.outbox) >= 2


def test_property_24_a_change_of_the_address_needs_a_fresh_proof(caller: Caller):
    """Who finds an open session would otherwise add an address, and get a new password by it."""
    make_user()
    caller.sign_in()
    mail.outbox.clear()
    body = {"email": "mine@example.org"}
    for method in ("POST", "PATCH"):
        given = {**body, "email": "ada@example.com", "primary": True} if method != "POST" else body
        refused = caller(method, "account/email", given)
        assert refused.status_code == 401, (method, refused.content)
        assert [each["id"] for each in refused.json()["data"]["flows"]] == ["reauthenticate"]
    assert mail.outbox == []
    caller("POST", "auth/reauthenticate", {"password": PASSWORD})
    assert caller("POST", "account/email", body).status_code == 200
    assert [sent.to for sent in mail.outbox] == [["mine@example.org"]]


def test_a_new_password_is_recorded(caller: Caller, events: list[SecurityEvent]):
    make_user()
    caller.sign_in()
    events.clear()
    passwords = {"current_password": PASSWORD, "new_password": "another-one-4711"}
    caller("POST", "account/password/change", passwords)
    assert [(each.name, dict(each.data)) for each in events if each.name == "password_changed"] == [
        ("password_changed", {"how": "changed"})
    ]
