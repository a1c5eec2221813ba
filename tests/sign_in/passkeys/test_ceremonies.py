"""What a person does with passkeys, on both clients of allauth.headless."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from fido2.utils import websafe_decode

from tests.sign_in.passkeys.authenticators import Signer
from tests.sign_in.passkeys.visitors import LOGIN, PASSKEYS, RECOVERY_CODES, SIGN_UP, Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(visitor: Visitor, signer: Signer) -> Visitor:
    """Somebody who has signed up by passkey."""
    assert visitor.sign_up(signer, "ada@example.com").status_code == 200
    return visitor


def test_a_sign_up_by_passkey_signs_in(member: Visitor):
    assert member.signed_in
    assert not get_user_model().objects.get().has_usable_password()


def test_a_passkey_signs_in_again(member: Visitor, signer: Signer):
    member.log_out()
    assert not member.signed_in
    assert member.log_in(signer).status_code == 200
    assert member.signed_in


def test_the_options_have_the_relying_party_of_the_settings_and_not_that_of_the_host(
    visitor: Visitor,
):
    visitor.http.defaults["HTTP_HOST"] = "127.0.0.1"
    created = visitor.begin_sign_up("ada@example.com")["publicKey"]
    assert created["rp"] == {"id": "localhost", "name": "Books"}
    assert created["timeout"] == 300_000
    assert created["authenticatorSelection"]["userVerification"] == "required"
    asked = visitor.options(LOGIN)["publicKey"]
    assert asked["rpId"] == "localhost"
    assert asked["userVerification"] == "required"


def test_the_user_handle_is_64_random_bytes_and_stays_the_same(visitor: Visitor, signer: Signer):
    begun = visitor.begin_sign_up("ada@example.com")["publicKey"]
    handle = websafe_decode(begun["user"]["id"])
    assert len(handle) == 64
    assert visitor.options(SIGN_UP)["publicKey"]["user"]["id"] == begun["user"]["id"]
    other = Visitor(visitor.kind).begin_sign_up("bob@example.com")["publicKey"]
    assert other["user"]["id"] != begun["user"]["id"]


def test_recovery_codes_are_made_behind_the_new_passkey(member: Visitor, signer: Signer):
    assert member.send("POST", RECOVERY_CODES).status_code == 401
    assert member.reauthenticate(signer).status_code == 200
    made = member.send("POST", RECOVERY_CODES)
    assert made.status_code == 200
    assert len(made.json()["data"]["unused_codes"]) == 10


def test_a_second_device_is_added_and_signs_in(member: Visitor, signer: Signer):
    member.reauthenticate(signer)
    phone = Signer()
    assert member.add(phone).status_code == 200
    member.log_out()
    assert member.log_in(phone).status_code == 200


def test_a_passkey_is_renamed(member: Visitor, signer: Signer):
    member.reauthenticate(signer)
    pk = member.first_passkey()
    renamed = member.send("PUT", PASSKEYS, {"id": pk, "name": "Work laptop"})
    assert renamed.json()["data"]["name"] == "Work laptop"


def test_a_deleted_passkey_does_not_sign_in_and_the_browser_is_told(
    member: Visitor, signer: Signer
):
    member.reauthenticate(signer)
    member.add(Signer())
    pk = member.first_passkey()
    assert member.send("DELETE", PASSKEYS, {"authenticators": [pk]}).status_code == 200
    member.log_out()
    refused = member.log_in(signer)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["code"] == "unknown_passkey"


def test_who_lost_the_device_signs_in_by_code_and_recovery_code(
    member: Visitor, signer: Signer, mailoutbox: Any
):
    member.reauthenticate(signer)
    codes = member.send("POST", RECOVERY_CODES).json()["data"]["unused_codes"]
    member.log_out()
    member.send("POST", "auth/code/request", {"email": "ada@example.com"})
    code = next(each for each in mailoutbox[-1].body.split() if _is_code(each))
    pending = member.send("POST", "auth/code/confirm", {"code": code})
    assert pending.status_code == 401
    assert member.send("POST", "auth/2fa/authenticate", {"code": codes[0]}).status_code == 200
    assert member.signed_in


def _is_code(word: str) -> bool:
    return len(word) in {6, 7, 9} and word.replace("-", "").isupper()


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_passkey_for_a_sign_up_that_was_not_begun_is_a_conflict(visitor: Visitor, method: str):
    assert visitor.send(method, SIGN_UP, {"credential": {}}).status_code == 409
