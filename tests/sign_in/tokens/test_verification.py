"""Properties 9, 10 and 23: what is not a valid access token is a 401, and no token is ever shown."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from ninja_extra import ControllerBase, api_controller, http_get
from ninja_extra.permissions import IsAuthenticated

from django_matt import MattAPI
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.contrib.tokens.keys import encode, load_ring, retire, rotate
from django_matt.contrib.tokens.models import Family, SigningKey
from django_matt.contrib.tokens.verification import verifier


def b64(data):
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.fixture
def parts(login, ada):
    """The header, the claims and the signature of a valid token."""
    token = login(ada).access_token
    header, _, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    return json.loads(base64.urlsafe_b64decode(header + "==")), claims, signature


def resigned(claims, kind="at+jwt"):
    key = load_ring().active
    assert key is not None
    return encode(claims, key, kind=kind)


def test_a_valid_token_is_accepted(me, login, ada):
    assert me(login(ada).access_token).json() == {"user": ada.pk}


def test_a_token_tells_who_issued_it_to_whom_and_for_what(parts, ada, settings):
    header, claims, _ = parts
    assert header == {"typ": "at+jwt", "alg": "EdDSA", "kid": SigningKey.objects.get().kid}
    assert claims["sub"] == str(ada.pk)
    assert (claims["iss"], claims["aud"], claims["scope"]) == ("api", "api", "")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sid"] == Family.objects.get().pk.hex


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"aud": "other"},
    {"aud": None},
    {"iss": "other"},
    {"iss": ["api"]},
    {"exp": 1},
    {"exp": "soon"},
    {"exp": 1e400},
    {"exp": None},
    {"iat": 10**12},
    {"iat": "x"},
    {"nbf": 10**12},
    {"sub": 7},
    {"sub": "nobody"},
    {"sub": None},
    {"sid": "x"},
    {"sid": 5},
    {"sid": None},
    {"jti": None},
    {"scope": 5},
    {"amr_times": ["password"]},
    {"amr_times": {"password": "x"}},
    {"act": "1"},
]


def test_a_wrong_claim_is_refused(me, parts):
    """Property 9. The signature is right: nothing but the claim is wrong."""
    _, claims, _ = parts
    assert me(resigned(claims)).status_code == 200
    for change in WRONG_CLAIMS:
        changed = {name: value for name, value in {**claims, **change}.items() if value is not None}
        refused = me(resigned(changed))
        assert refused.status_code == 401, change
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize("kind", ["JWT", "rt+jwt", "", "at+jwt2"])
def test_another_type_of_token_is_refused(me, parts, kind):
    """Property 9."""
    assert me(resigned(parts[1], kind=kind)).status_code == 401


@pytest.mark.parametrize("kind", ["AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_as_a_media_type(me, parts, kind):
    assert me(resigned(parts[1], kind=kind)).status_code == 200


WRONG_HEADERS: list[dict[str, Any]] = [
    {"alg": "none"},
    {"alg": "None"},
    {"alg": "HS256"},
    {"alg": "RS256"},
    {"alg": None},
    {"alg": ["EdDSA"]},
    {"kid": "other"},
    {"kid": None},
    {"kid": 7},
    {"kid": ["x"]},
    {"kid": "' OR 1=1 --"},
    {"kid": "\ud800"},
    {"typ": None},
    {"typ": 5},
    {"crit": ["x"], "x": 1},
    {"jwk": {"kty": "oct", "k": "AAAA"}},
]


def test_a_wrong_header_is_refused(me, parts):
    """Property 9."""
    header, claims, signature = parts
    for change in WRONG_HEADERS:
        changed = {name: value for name, value in {**header, **change}.items() if value is not None}
        for end in (signature, ""):
            assert me(f"{b64(changed)}.{b64(claims)}.{end}").status_code == 401, change


NO_TOKENS = [
    ".",
    "..",
    "a.b.c",
    "e30.e30.",
    b64(b"[" * 9_000) + ".e30.AAAA",
    b64({"typ": "at+jwt", "kid": "x" * 9_000}) + ".e30.AAAA",
    b64(b"\xff\xfe") + ".e30.AAAA",
    b64([]) + ".e30.AAAA",
    b64(None) + ".e30.AAAA",
    "=" * 100,
    "a" * 16_000,
    "a" * 20_000,
    "%00",
]


def test_what_is_no_token_is_refused(me, db):
    """Property 9."""
    for token in NO_TOKENS:
        assert me(token).status_code == 401, token[:20]


def test_a_token_without_a_signature_is_refused(me, parts):
    """Property 9."""
    header, claims, _ = parts
    none = jwt.encode(claims, "", algorithm="none", headers={"kid": header["kid"], "typ": "at+jwt"})  # type: ignore[arg-type]
    assert me(none).status_code == 401


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256", "ES256"])
def test_the_public_key_is_no_secret_for_hs256(me, login, ada, settings, algorithm):
    """Property 10."""
    settings.MATT_TOKENS = {"ALGORITHM": algorithm}
    token = login(ada).access_token
    assert me(token).status_code == 200
    key = load_ring().active
    public = key.verifying.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = jwt.decode(token, options={"verify_signature": False})
    header = b64({"typ": "at+jwt", "alg": "HS256", "kid": key.kid})
    for secret in (public, public.strip(), json.dumps(key.jwk).encode(), b""):
        message = f"{header}.{b64(claims)}"
        mac = hmac.new(secret, message.encode(), hashlib.sha256).digest()
        assert me(f"{message}.{b64(mac)}").status_code == 401


def test_a_key_of_another_algorithm_with_a_known_id_is_refused(me, parts):
    """Property 10."""
    header, claims, _ = parts
    for made, algorithm in (
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        (rsa.generate_private_key(65537, 2048), "RS256"),
        ("x" * 32, "HS256"),
    ):
        forged = jwt.encode(
            claims, made, algorithm=algorithm, headers={"kid": header["kid"], "typ": "at+jwt"}
        )
        assert me(forged).status_code == 401


def test_a_token_is_verified_without_a_query_after_the_first_time(
    client, login, ada, django_assert_num_queries
):
    token = login(ada).access_token
    for path in ("/api/sync", "/api/async", "/api/sync"):
        with django_assert_num_queries(0):
            assert client.get(path, headers={"Authorization": f"Bearer {token}"}).json() == {
                "user": ada.pk
            }


def test_a_process_that_did_not_issue_the_token_reads_its_keys_once(
    me, login, ada, django_assert_num_queries
):
    token = login(ada).access_token
    verifier.clear()
    with django_assert_num_queries(1):
        assert me(token).status_code == 200
    with django_assert_num_queries(0):
        assert me(token).status_code == 200


def test_an_async_route_needs_no_thread_for_a_known_key(client, login, ada, monkeypatch):
    token = login(ada).access_token

    def no_thread(*_):
        raise AssertionError

    monkeypatch.setattr("django_matt.contrib.tokens.authentication.sync_to_async", no_thread)

    async def ask():
        return await client.async_client.get(
            "/api/async", headers={"Authorization": f"Bearer {token}"}
        )

    for _ in range(2):
        assert asyncio.run(ask()).json() == {"user": ada.pk}


def test_the_user_is_loaded_when_it_is_read(client, login, ada, django_assert_num_queries):
    token = login(ada).access_token
    for path, body in (
        ("/api/name", {"name": "ada"}),
        ("/api/aname", {"name": "ada", "same": True}),
    ):
        with django_assert_num_queries(1):
            assert client.get(path, headers={"Authorization": f"Bearer {token}"}).json() == body


def test_a_permission_that_asks_who_is_signed_in_needs_no_query(
    serve, login, ada, django_assert_num_queries
):
    @api_controller("", auth=TokenAuth(), permissions=[IsAuthenticated], auto_import=False)
    class Permitted(ControllerBase):
        @http_get("/permitted")
        def permitted(self, request):
            return {"user": request.user.pk}

    api = MattAPI(extensions=["matt_tokens"])
    api.register_controllers(Permitted)
    client = serve(api)
    token = login(ada).access_token
    with django_assert_num_queries(0):
        answer = client.get("/api/permitted", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"user": ada.pk}


def test_an_expired_token_is_refused_also_from_the_cache(me, login, ada, monkeypatch):
    token = login(ada).access_token
    assert me(token).status_code == 200
    now = time.time()
    monkeypatch.setattr("django_matt.contrib.tokens.verification.time.time", lambda: now + 301)
    assert me(token).status_code == 401


def test_a_retired_key_is_refused_also_from_the_cache(me, login, ada):
    token = login(ada).access_token
    assert me(token).status_code == 200
    kid = load_ring().active.kid
    rotate()
    verifier.use(load_ring())
    assert me(token).status_code == 200
    retire(kid)
    verifier.use(load_ring())
    assert me(token).status_code == 401


def test_a_key_that_another_process_made_is_found(me, login, ada):
    token = login(ada).access_token
    assert me(token).status_code == 200
    ring = load_ring()
    rotate()
    new = login(ada).access_token
    # This process has read the ring before the rotation, some seconds ago.
    verifier.use(replace(ring, loaded=ring.loaded - 5))
    assert me(new).status_code == 200


def test_unknown_keys_cost_at_most_one_query_per_second(me, parts, django_assert_max_num_queries):
    header, claims, signature = parts
    assert me(resigned(claims)).status_code == 200
    with django_assert_max_num_queries(1):
        for number in range(20):
            token = f"{b64({**header, 'kid': str(number)})}.{b64(claims)}.{signature}"
            assert me(token).status_code == 401


def test_a_token_that_is_verified_while_its_key_is_retired_is_not_remembered(
    me, login, ada, monkeypatch
):
    """The key is retired between the signature and the cache: the next request must not find the token there."""
    login(ada)
    token = login(ada).access_token
    kid = load_ring().active.kid
    rotate()
    verifier.clear()
    decode = jwt.decode

    def retire_meanwhile(*args: Any, **options: Any) -> Any:
        claims = decode(*args, **options)
        retire(kid)
        verifier.use(load_ring())
        return claims

    with monkeypatch.context() as patched:
        patched.setattr("django_matt.contrib.tokens.verification.jwt.decode", retire_meanwhile)
        me(token)  # it was valid when it arrived
    assert me(token).status_code == 401


def test_a_retired_key_ends_its_tokens_with_the_next_ring(me, login, ada, settings):
    for seconds in (0, 10):
        settings.MATT_TOKENS = {"REVOCATION_SECONDS": seconds}
        token = login(ada).access_token
        kid = load_ring().active.kid
        assert me(token).status_code == 200
        rotate()
        retire(kid)
        if seconds:
            assert me(token).status_code == 200  # this process has read the ring less than 10 s ago
            verifier.use(replace(verifier._ring, until=0.0))
        assert me(token).status_code == 401


def test_a_ring_that_was_read_earlier_does_not_replace_a_later_one(me, login, ada):
    token = login(ada).access_token
    before, kid = load_ring(), load_ring().active.kid
    rotate()
    retire(kid)
    verifier.use(load_ring())
    verifier.use(before)  # a slow thread
    assert me(token).status_code == 401


def test_the_cache_is_bounded(me, login, ada, monkeypatch):
    monkeypatch.setattr("django_matt.contrib.tokens.verification._MAX_TOKENS", 3)
    for _ in range(6):
        assert me(login(ada).access_token).status_code == 200
    assert len(verifier._tokens) == 3


def test_scopes_are_needed_where_a_route_asks_for_them(client, login, ada):
    for scopes, status in ((["books:write", "x"], 200), (["books:read"], 403), ([], 403)):
        token = login(ada, scopes=scopes).access_token
        answer = client.post("/api/scoped", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_no_token_is_in_logs_errors_or_the_database(
    client, refresh, me, login, ada, caplog, events
):
    """Property 23."""
    caplog.set_level(logging.DEBUG)
    first = login(ada)
    second = refresh(first.refresh_token).json()
    secrets = [
        first.access_token,
        first.refresh_token,
        second["access_token"],
        second["refresh_token"],
    ]
    answers = [me(first.access_token[:-3] + "AAA"), refresh(first.refresh_token[:-3] + "AAA")]
    refresh(refresh(second["refresh_token"]).json()["refresh_token"])
    answers += [refresh(first.refresh_token), client.get(f"/api/sync?token={secrets[0]}")]
    told = caplog.text + "".join(map(str, events.all)) + str(list(Family.objects.values()))
    told += "".join(answer.content.decode() for answer in answers)
    for secret in secrets:
        assert secret[5:60] not in told
        assert secret.split(".")[-1][:40] not in told
