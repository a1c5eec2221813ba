"""Property 16: what a forging authenticator sends is refused, and the honest one passes, on both clients."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth import get_user_model
from fido2.utils import websafe_encode

from django_matt.sign_in import SecurityEvent
from tests.sign_in.passkeys.authenticators import UP, UV, Passkey, Signer
from tests.sign_in.passkeys.visitors import LOGIN, PASSKEYS, REAUTHENTICATE, SIGN_UP, Visitor

pytestmark = pytest.mark.django_db

LIES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://evil.example"},
    "another port": {"origin": "http://localhost:8001"},
    "no port": {"origin": "http://localhost"},
    "a subdomain": {"origin": "http://evil.localhost:8000"},
    "https": {"origin": "https://localhost:8000"},
    "a path after the origin": {"origin": "http://localhost:8000/"},
    "the origin in upper case": {"origin": "http://LOCALHOST:8000"},
    "an origin that is a list": {"origin": ["http://localhost:8000"]},
    "an origin that is null": {"origin": None},
    "a frame of another origin": {"cross_origin": True},
    "another relying party": {"rp_id": "evil.example"},
    "a parent domain": {"rp_id": "host"},
    "no user verification": {"flags": UP},
    "no user presence": {"flags": UV},
    "neither": {"flags": 0},
    "another challenge": {"challenge": websafe_encode(b"x" * 32)},
    "an empty challenge": {"challenge": ""},
    "a challenge that is a number": {"challenge": 1},
    "the other ceremony": {"type": "webauthn.other"},
    "a type that is a list": {"type": ["webauthn.get"]},
}


@pytest.fixture
def member(visitor: Visitor, signer: Signer) -> Visitor:
    assert visitor.sign_up(signer, "ada@example.com").status_code == 200
    visitor.log_out()
    return visitor


def test_forged_logins_are_refused_and_the_honest_one_passes(member: Visitor, signer: Signer):
    passed = [name for name, lie in LIES.items() if member.log_in(signer, **lie).status_code != 400]
    assert passed == []
    assert not member.signed_in
    assert member.log_in(signer).status_code == 200


def test_forged_registrations_are_refused_and_the_honest_one_passes(
    visitor: Visitor, signer: Signer
):
    options = visitor.begin_sign_up("ada@example.com")

    def register(**lie: Any) -> int:
        credential = signer.create(options, **lie)
        answer = visitor.send("PUT", SIGN_UP, {"name": "Laptop", "credential": credential})
        return int(answer.status_code)

    assert [name for name, lie in LIES.items() if register(**lie) != 400] == []
    assert not visitor.signed_in
    assert register() == 200


def test_a_related_origin_passes(member: Visitor, signer: Signer, settings: Any):
    settings.MATT_PASSKEYS = {
        "RP_ID": "localhost",
        "RELATED_ORIGINS": ["https://books.example.org"],
    }
    assert member.log_in(signer, origin="https://books.example.org").status_code == 200
    member.log_out()
    assert member.log_in(signer, origin="https://a.books.example.org").status_code == 400


def test_an_assertion_is_accepted_once(member: Visitor, signer: Signer):
    credential = signer.get(member.options(LOGIN))
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 200
    member.log_out()
    member.options(LOGIN)
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 400
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 400


def test_an_assertion_without_its_challenge_is_refused(member: Visitor, signer: Signer):
    credential = signer.get(Visitor(member.kind).options(LOGIN))
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 400


def test_every_tab_of_a_browser_has_a_challenge_of_its_own(member: Visitor, signer: Signer):
    first, *others = [member.options(LOGIN) for _ in range(5)]
    assert len({each["publicKey"]["challenge"] for each in (first, *others)}) == 5
    credential = signer.get(first)
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 200
    member.log_out()
    member.options(LOGIN)
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 400
    for _ in range(5):
        member.options(LOGIN)
    oldest = signer.get(others[-1])
    assert member.send("POST", LOGIN, {"credential": oldest}).status_code == 400


def test_a_challenge_of_a_registration_does_not_sign_in(member: Visitor, signer: Signer):
    member.log_in(signer)
    member.reauthenticate(signer)
    challenge = member.options(f"{PASSKEYS}?passwordless")["publicKey"]["challenge"]
    options = {**member.options(REAUTHENTICATE)}
    options["publicKey"] = {**options["publicKey"], "challenge": challenge}
    refused = member.send("POST", REAUTHENTICATE, {"credential": signer.get(options)})
    assert refused.status_code == 400
    assert member.reauthenticate(signer).status_code == 200


def test_a_challenge_expires(member: Visitor, signer: Signer, monkeypatch: pytest.MonkeyPatch):
    credential = signer.get(member.options(LOGIN))
    from django_matt.contrib.passkeys import servers

    now = servers.time.time()
    monkeypatch.setattr(servers.time, "time", lambda: now + 301)
    assert member.send("POST", LOGIN, {"credential": credential}).status_code == 400


@pytest.mark.parametrize("counter", [0, 1, 5])
def test_a_counter_that_does_not_grow_is_refused_and_recorded(
    member: Visitor, signer: Signer, counter: int, events: list[SecurityEvent]
):
    assert member.log_in(signer, counter=5).status_code == 200
    member.log_out()
    assert member.log_in(signer, counter=counter).status_code == 400
    [refusal] = [event for event in events if event.data.get("reason") == "sign_counter"]
    assert (refusal.name, refusal.user) == ("sign_in_failed", get_user_model().objects.get())
    assert member.log_in(signer, counter=6).status_code == 200


def test_an_authenticator_that_does_not_count_signs_in_again_and_again(visitor: Visitor):
    synced = Signer(counts=False)
    visitor.sign_up(synced, "ada@example.com")
    for _ in range(3):
        visitor.log_out()
        assert visitor.log_in(synced).status_code == 200


def test_another_key_is_refused(member: Visitor, signer: Signer):
    assert member.log_in(signer, key=ec.generate_private_key(ec.SECP256R1())).status_code == 400
    assert not member.signed_in


def test_somebody_elses_handle_is_refused(member: Visitor, signer: Signer):
    victim = Signer()
    Visitor(member.kind).sign_up(victim, "bob@example.com")
    refused = member.log_in(signer, user_handle=victim.passkeys[0].user_handle)
    assert refused.status_code == 400
    assert not member.signed_in


def test_a_known_and_an_unknown_handle_get_the_same_response(member: Visitor, signer: Signer):
    stranger = Passkey(user_handle=b"u" * 64)
    known = Passkey(user_handle=signer.passkeys[0].user_handle)
    answers = []
    for passkey in (stranger, known):
        credential = signer.get(member.options(LOGIN), passkey)
        answers.append(member.send("POST", LOGIN, {"credential": credential}).json())
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["code"] == "unknown_passkey"


def test_a_handle_of_nobody_is_refused(member: Visitor, signer: Signer):
    for handle in (b"", b"z" * 64, b"zzzzzzzzzzzzzzzzzzzz", b"\xff", b"a\0b", b"-1", b"0"):
        assert member.log_in(signer, user_handle=handle).status_code == 400, handle
    assert not member.signed_in


def test_somebody_elses_passkey_does_not_reauthenticate(member: Visitor, signer: Signer):
    victim = Signer()
    Visitor(member.kind).sign_up(victim, "bob@example.com")
    member.log_in(signer)
    assert member.reauthenticate(victim).status_code == 400
    assert member.reauthenticate(signer).status_code == 200


def test_a_passkey_is_registered_once(member: Visitor, signer: Signer):
    other = Visitor(member.kind)
    assert other.sign_up(signer, "bob@example.com", id=signer.passkeys[0].id).status_code == 400


REGISTRATIONS: dict[str, dict[str, Any]] = {
    "an id that is not attested": {"raw_id": b"other"},
    "an id of 1024 bytes": {"id": b"x" * 1_024},
    "a key that is no point of the curve": {"attested": None},
}


@pytest.mark.parametrize("lie", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_a_registration_that_cannot_be_used_is_refused(
    visitor: Visitor, signer: Signer, lie: dict[str, Any]
):
    if "attested" in lie:
        good = bytes(Passkey(user_handle=b"").attested())
        lie = {"attested": good[:-32] + b"\0" * 32}
    assert visitor.sign_up(signer, "ada@example.com", **lie).status_code == 400


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def member_of(path: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a function that replaces one member of a credential."""

    def replace(credential: dict[str, Any]) -> Any:
        made: Any = json.loads(json.dumps(credential))
        *parents, last = path.split(".")
        place = made
        for name in parents:
            place = place[name]
        place[last] = value
        return made

    return replace


CBOR = {
    "cut": b"\xa3cfmt",
    "deep": b"\x81" * 5_000 + b"\x00",
    "a huge array": b"\x9b" + b"\xff" * 8,
    "a huge string": b"\x5b" + b"\xff" * 8,
    "a list as a key": b"\xa1\x80\x80",
    "a number": b"\x01",
    "an empty map": b"\xa0",
    "no auth data": b"\xa1\x63fmt\x64none",
    "nothing": b"",
}
CREDENTIALS: dict[str, Callable[[dict[str, Any]], Any]] = {
    **{
        f"{path} is {value!r:.20}": member_of(path, value)
        for path in (
            *("id", "rawId", "type", "response", "response.clientDataJSON"),
            *("response.authenticatorData", "response.signature", "response.userHandle"),
            "response.attestationObject",
        )
        for value in (None, 1, [], {"a": 1}, "", "*", "a", "\ud800", "\0", "é")
    },
    **{
        f"{path} is CBOR: {name}": member_of(path, websafe_encode(value))
        for path in ("response.attestationObject", "response.authenticatorData")
        for name, value in CBOR.items()
    },
    **{
        f"clientDataJSON is {text!r:.20}": member_of(
            "response.clientDataJSON", websafe_encode(text.encode())
        )
        for text in ("", "{}", "[]", "1", "null", "{", deep(9_000), '{"type": 1}', '"\\ud800"')
    },
    **{
        f"the credential is {value!r:.20}": lambda _, value=value: value  # type: ignore[misc]
        for value in (None, 1, True, [], {}, "", "{", "\ud800", deep(9_000), "1e400", "NaN", [[]])
    },
}


@pytest.mark.parametrize("path", [LOGIN, SIGN_UP, REAUTHENTICATE, PASSKEYS])
def test_malformed_credentials_are_refused(visitor: Visitor, signer: Signer, path: str):
    """Each of them: base64, CBOR and JSON that is cut, deep, of the wrong type, or not Unicode."""
    if path == SIGN_UP:
        options = visitor.begin_sign_up("ada@example.com")
    else:
        visitor.sign_up(signer, "ada@example.com")
        visitor.reauthenticate(signer)
        options = visitor.options(path)
    registers = path in {SIGN_UP, PASSKEYS}
    credential = signer.create(options) if registers else signer.get(options)
    kept = "attestationObject" if registers else "authenticatorData"
    method = "PUT" if path == SIGN_UP else "POST"
    wrong = []
    for name, change in CREDENTIALS.items():
        if ("attestationObject" in name or "authenticatorData" in name) and kept not in name:
            continue
        if ("signature" in name or "userHandle" in name) and registers:
            continue
        if "userHandle" in name and path == REAUTHENTICATE:
            continue
        status = visitor.send(method, path, {"credential": change(credential)}).status_code
        if status != 400:
            wrong.append((name, status))
    assert wrong == []
    assert visitor.send(method, path, {"credential": credential}).status_code == 200


def test_a_name_that_cannot_be_stored_is_refused(visitor: Visitor, signer: Signer):
    visitor.sign_up(signer, "ada@example.com")
    visitor.reauthenticate(signer)
    pk = visitor.first_passkey()
    for name in ("\ud800", "\0", "x" * 101, 10**400):
        assert visitor.add(Signer(), name).status_code == 400, name  # type: ignore[arg-type]
        renamed = visitor.send("PUT", PASSKEYS, {"id": pk, "name": name})
        assert renamed.status_code == 400, name


def test_a_passkey_of_nobody_is_neither_renamed_nor_deleted(visitor: Visitor, signer: Signer):
    visitor.sign_up(signer, "ada@example.com")
    visitor.reauthenticate(signer)
    for pk in (None, "x", 10**30, -1, 0, [], {}, "\ud800", "\0", "9" * 5_000):
        renamed = visitor.send("PUT", PASSKEYS, {"id": pk, "name": "x"})
        deleted = visitor.send("DELETE", PASSKEYS, {"authenticators": [pk]})
        assert (renamed.status_code, deleted.status_code) == (400, 400), pk


def test_a_form_of_html_sends_the_credential_as_a_string(member: Visitor, signer: Signer):
    credential = signer.get(member.options(LOGIN))
    text = json.dumps(credential)
    assert member.send("POST", LOGIN, {"credential": text}).status_code == 200


def test_nothing_that_is_not_read_is_stored(visitor: Visitor, signer: Signer):
    options = visitor.begin_sign_up("ada@example.com")
    credential = {**signer.create(options), "more": "\0" * 10, "\ud800": 1}
    credential["clientExtensionResults"]["credProps"]["authenticatorDisplayName"] = "\0"
    assert visitor.send("PUT", SIGN_UP, {"credential": credential}).status_code == 200
