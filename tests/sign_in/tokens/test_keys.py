"""The key ring: one first key, rotation with an overlap, encryption at rest, the public keys, and the command."""

import base64
import io
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.utils import timezone

from django_matt.contrib.tokens import services
from django_matt.contrib.tokens.keys import load_ring, load_signing_ring, retire, rotate
from django_matt.contrib.tokens.models import SigningKey
from django_matt.contrib.tokens.verification import verifier
from django_matt.errors.exceptions import Conflict


def pem(key: Any) -> str:
    return str(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


def public_pem(key: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(encoding, form).decode())


def test_the_first_token_makes_one_key(at_once):
    ada = User.objects.create_user("ada")
    at_once(lambda: services.issue(HttpRequest(), ada))
    assert SigningKey.objects.count() == 1
    assert SigningKey.objects.get().is_active


def test_one_of_parallel_rotations_wins(at_once):
    for number in range(1, 4):
        load_signing_ring()

        def turn() -> bool:
            try:
                rotate()
            except Conflict:
                return False
            return True

        assert any(at_once(turn))
        assert SigningKey.objects.filter(is_active=True).count() == 1
        assert SigningKey.objects.count() >= number


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256", "ES256", "HS256"])
def test_every_algorithm_signs_and_verifies(me, login, ada, settings, algorithm):
    settings.MATT_TOKENS = {"ALGORITHM": algorithm}
    token = login(ada).access_token
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert me(token).status_code == 200
    verifier.clear()
    assert me(token).status_code == 200


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256", "ES256", "HS256"])
def test_private_keys_are_encrypted_at_rest(login, ada, settings, algorithm):
    settings.MATT_TOKENS = {"ALGORITHM": algorithm}
    login(ada)
    signing = load_ring().active.signing
    secret = signing if isinstance(signing, bytes) else pem(signing).encode()
    stored = json.dumps(list(SigningKey.objects.values("public", "private")))
    assert secret.decode("latin-1") not in stored
    assert base64.b64encode(secret).decode() not in stored
    assert "PRIVATE" not in stored


def test_the_public_keys_verify_a_token_without_this_project(client, login, ada, settings):
    for algorithm in ("EdDSA", "RS256", "ES256"):
        settings.MATT_TOKENS = {"ALGORITHM": algorithm}
        rotate()
        token = login(ada).access_token
        answer = client.get("/api/.well-known/jwks.json")
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        keys = jwt.PyJWKSet.from_dict(answer.json())
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=[algorithm], audience="api", issuer="api")
        assert claims["sub"] == str(ada.pk)
        assert all("d" not in each for each in answer.json()["keys"])


def test_secrets_of_hs256_are_never_public(client, login, ada, settings):
    settings.MATT_TOKENS = {"ALGORITHM": "HS256"}
    login(ada)
    assert client.get("/api/.well-known/jwks.json").json() == {"keys": []}


def test_the_public_keys_are_also_a_plain_view(rf, login, ada):
    from django_matt.contrib.tokens.views import jwks

    login(ada)
    assert len(json.loads(jwks(rf.get("/.well-known/jwks.json")).content)["keys"]) == 1
    assert jwks(rf.post("/.well-known/jwks.json")).status_code == 405


def test_a_replaced_key_verifies_until_its_tokens_have_expired(me, login, ada):
    token = login(ada).access_token
    rotate()
    verifier.clear()
    assert me(token).status_code == 200
    former = SigningKey.objects.get(is_active=None)
    assert former.retired_at is not None
    assert 300 < (former.retired_at - timezone.now()).total_seconds() <= 360
    SigningKey.objects.filter(pk=former.pk).update(retired_at=timezone.now())
    verifier.clear()
    assert me(token).status_code == 401


def test_a_rotated_ring_signs_with_the_new_key_at_once(login, ada):
    login(ada)
    key = rotate()
    assert jwt.get_unverified_header(login(ada).access_token)["kid"] == key.kid


def test_the_key_that_signs_is_not_retired(login, ada):
    login(ada)
    with pytest.raises(Conflict):
        retire(load_ring().active.kid)


def test_a_key_of_a_lost_secret_key_is_replaced(me, login, ada, settings):
    token = login(ada).access_token
    settings.SECRET_KEY = "n" * 50
    new = login(User.objects.create_user("bob")).access_token
    assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(token)["kid"]
    assert me(new).status_code == 200


def test_a_key_is_decrypted_by_a_former_secret_key(login, ada, settings):
    login(ada)
    kid = load_ring().active.kid
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    assert load_ring().active.kid == kid


@pytest.mark.parametrize(
    ("algorithm", "make"),
    [
        ("EdDSA", lambda: pem(ed25519.Ed25519PrivateKey.generate())),
        ("RS256", lambda: pem(rsa.generate_private_key(65537, 2048))),
        ("ES256", lambda: pem(ec.generate_private_key(ec.SECP256R1())).replace("\n", "\\n")),
        ("HS256", lambda: "s" * 32),
    ],
)
def test_keys_may_be_in_the_settings(me, login, ada, settings, algorithm, make):
    first, second = make(), make() + ("2" if algorithm == "HS256" else "")
    settings.MATT_TOKENS = {"ALGORITHM": algorithm, "PRIVATE_KEYS": [first]}
    token = login(ada).access_token
    assert me(token).status_code == 200
    settings.MATT_TOKENS = {"ALGORITHM": algorithm, "PRIVATE_KEYS": [second, first]}
    assert me(token).status_code == 200
    assert jwt.get_unverified_header(login(ada).access_token)["kid"] == load_ring().active.kid
    settings.MATT_TOKENS = {"ALGORITHM": algorithm, "PRIVATE_KEYS": [second]}
    assert me(token).status_code == 401
    assert not SigningKey.objects.exists()
    with pytest.raises(Conflict):
        rotate()


@pytest.mark.parametrize(
    "wrong",
    [
        {"PRIVATE_KEYS": ["secret-that-is-not-pem"]},
        {
            "PRIVATE_KEYS": [
                "-----BEGIN PRIVATE KEY-----\nsecret-rubbish\n-----END PRIVATE KEY-----"
            ]
        },
        {"PRIVATE_KEYS": [pem(ec.generate_private_key(ec.SECP384R1()))]},
        {"PRIVATE_KEYS": [pem(rsa.generate_private_key(65537, 1024))]},
        {"PRIVATE_KEYS": [public_pem(ec.generate_private_key(ec.SECP256R1()))]},
        {"PRIVATE_KEYS": ["secret"], "ALGORITHM": "HS256"},
        {"PRIVATE_KEYS": "secret"},
        {"ALGORITHM": "none"},
        {"ACCESS_SECONDS": 0},
        {"ACCESS_SECONDS": "5"},
        {"LEEWAY_SECONDS": -1},
        {"PATH": "tokens"},
        {"SCOPES": "books"},
    ],
    ids=",".join,
)
def test_wrong_settings_are_an_error_that_shows_no_key(settings, wrong):
    settings.MATT_TOKENS = wrong
    [error] = [found for found in run_checks(tags=["matt"]) if found.id == "matt_tokens.E001"]
    assert "secret-" not in error.msg
    assert error.hint


def test_an_unknown_option_is_an_error(settings):
    with pytest.raises(ImproperlyConfigured, match="ACCESS_MINUTES"):
        settings.MATT_TOKENS = {"ACCESS_MINUTES": 5}


def test_unsafe_settings_are_warnings_of_a_deployment(settings):
    def ids() -> set[str | None]:
        found = run_checks(tags=["matt"], include_deployment_checks=True)
        return {each.id for each in found if str(each.id).startswith("matt_tokens")}

    assert ids() == {"matt_tokens.W001"}
    settings.MATT_TOKENS = {"ISSUER": "https://a.example", "AUDIENCE": "https://a.example"}
    assert ids() == set()
    settings.MATT_TOKENS = {"ACCESS_SECONDS": 7200, "LEEWAY_SECONDS": 90}
    assert ids() == {"matt_tokens.W001", "matt_tokens.W002", "matt_tokens.W003"}


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("matt_keys", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_rotates_and_retires(login, ada, events):
    assert "no key yet" in command("list")
    login(ada)
    kid = load_ring().active.kid
    assert f"{kid}  EdDSA  signs" in command("list")
    assert "dry run" in command("rotate", "--dry-run")
    assert SigningKey.objects.count() == 1
    command("rotate", "--no-input", "--algorithm", "ES256")
    assert load_ring().active.algorithm == "ES256"
    assert f"{kid}  EdDSA  verifies until" in command("list")
    assert "dry run" in command("retire", kid, "--dry-run")
    command("retire", kid, "--no-input")
    assert f"{kid}  EdDSA  retired" in command("list")
    assert len(events("key_ring_rotated")) == 2
    for wrong in (kid + "x", load_ring().active.kid):
        with pytest.raises(CommandError):
            command("retire", wrong, "--no-input")
    assert "PRIVATE" not in command("list")


def test_the_command_asks_first(login, ada, monkeypatch):
    login(ada)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(CommandError, match="Nothing was changed"):
        command("rotate")
    assert SigningKey.objects.count() == 1
