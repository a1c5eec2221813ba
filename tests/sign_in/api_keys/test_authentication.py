"""Requests with a key, on sync and async routes (properties 13, 22, 23 and 25)."""

import datetime
import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_matt.contrib.api_keys.keys import contains_key, key_pattern, make_key, parse_key
from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key

pytestmark = pytest.mark.django_db


def make(user: Any, scopes: Any = ("books:read", "books:write"), **options: Any) -> Any:
    return create_key(Owner(user), name="ci", scopes=scopes, **options)


def ask(client: Any, path: str, key: str, method: str = "GET", **headers: str) -> Any:
    return client.generic(method, f"/api/{path}", headers={"X-API-Key": key, **headers})


def test_a_key_is_its_users_credentials(client: Any, ada: Any, kind: str):
    key, text = make(ada)
    answer = ask(client, kind, text)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"user": "ada", "scopes": ["books:read", "books:write"]}
    assert ask(client, f"{kind}/write", text, "POST").json() == {"id": key.public_id}


def test_a_request_is_one_query_by_an_index(client: Any, ada: Any, kind: str):
    _, text = make(ada)
    ApiKey.objects.update(last_used_at=timezone.now())
    with CaptureQueriesContext(connection) as queries:
        assert ask(client, f"{kind}/write", text, "POST").status_code == 200
    assert len(queries) == 1
    assert "public_id" in queries[0]["sql"]
    assert ApiKey._meta.get_field("public_id").unique


def test_only_a_complete_key_reaches_the_database(client: Any, ada: Any, kind: str):
    _, text = make(ada)
    wrong = [
        text[:-1],
        text[:-9] + ("a" if text[-9] != "a" else "b") + text[-8:],
        text.replace("matt_", "other_"),
        make_key("matt", "test")[0],
        "unknown-key",
        "matt_live_" + "a" * 5_000,
    ]
    for each in wrong:
        with CaptureQueriesContext(connection) as queries:
            answer = ask(client, kind, each)
        assert answer.status_code == 401, each
        assert len(queries) == 0, each
        assert each not in answer.content.decode()


@pytest.mark.parametrize("header", ["", " ", "\u00e4", "a" * 20_000, "matt_live_\x01"])
def test_hostile_headers_are_a_401(client: Any, ada: Any, kind: str, header: str):
    assert ask(client, kind, header).status_code == 401


def test_unknown_revoked_expired_and_foreign_keys_look_the_same(client: Any, ada: Any, kind: str):
    unknown = make_key("matt", "live")[0]
    revoked = make(ada)
    ApiKey.objects.filter(pk=revoked[0].pk).update(revoked_at=timezone.now())
    expired = make(ada, lifetime=datetime.timedelta(seconds=-1))
    wrong_secret = make_key("matt", "live")
    ApiKey.objects.filter(pk=make(ada)[0].pk).update(public_id=wrong_secret[1].public_id)
    answers = [
        ask(client, kind, text) for text in (unknown, revoked[1], expired[1], wrong_secret[0])
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


def test_13_the_keys_of_an_inactive_user_stop_at_once(client: Any, ada: Any, kind: str):
    _, text = make(ada)
    assert ask(client, kind, text).status_code == 200
    ada.is_active = False
    ada.save()
    assert ask(client, kind, text).status_code == 401
    ada.delete()
    assert ask(client, kind, text).status_code == 401


def test_22_a_key_has_no_scope_that_its_owner_has_lost(client: Any, ada: Any, kind: str):
    _, text = make(ada)
    assert ask(client, f"{kind}/write", text, "POST").status_code == 200
    ada.first_name = "books:read"
    ada.save()
    answer = ask(client, f"{kind}/write", text, "POST")
    assert answer.status_code == 403
    assert ask(client, kind, text).json()["scopes"] == ["books:read"]


def test_22_a_key_has_only_its_own_scopes(client: Any, ada: Any, kind: str):
    _, text = make(ada, ["books:read"])
    assert ask(client, f"{kind}/write", text, "POST").status_code == 403


def test_22_by_default_scopes_are_the_permissions_of_the_user(
    client: Any, ada: Any, settings: Any, kind: str
):
    from django.contrib.auth.models import Permission

    settings.MATT_API_KEYS = {}
    permission = Permission.objects.get(codename="change_user")
    ada.user_permissions.add(permission)
    _, text = make(ada, ["auth.change_user"])
    assert ask(client, kind, text).json()["scopes"] == ["auth.change_user"]
    ada.user_permissions.clear()
    assert ask(client, kind, text).json()["scopes"] == []


def test_22_only_hashes_are_stored(ada: Any):
    key, text = make(ada, [])
    secret = parse_key(text, "matt").secret
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(row)
    assert len(row["digest"]) == 64
    assert secret not in repr(parse_key(text, "matt"))


def test_23_a_key_is_in_no_log_and_in_no_error(
    client: Any, ada: Any, kind: str, caplog: pytest.LogCaptureFixture
):
    _, text = make(ada)
    ApiKey.objects.update(revoked_at=timezone.now())
    with caplog.at_level(logging.DEBUG):
        answers = [
            ask(client, kind, text),
            ask(client, kind, text + "x"),
            client.get(f"/api/{kind}?key={text}"),
            client.get(f"/api/{kind}", headers={"Authorization": f"Bearer {text}"}),
        ]
    secret = parse_key(text, "matt").secret
    assert {answer.status_code for answer in answers} == {401}
    assert not any(secret in answer.content.decode() for answer in answers)
    # Django's own line of a 401 has the path, and no query.
    lines = [
        record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    ]
    assert not any(secret in line for line in lines)


def test_25_a_wrong_key_never_falls_back_to_a_session(client: Any, ada: Any, kind: str):
    client.force_login(ada)
    assert client.post(f"/api/{kind}/any").status_code == 200
    assert ask(client, f"{kind}/any", "wrong", "POST").status_code == 401
    assert ask(client, f"{kind}/any", make_key("matt", "live")[0], "POST").status_code == 401


def test_25_a_key_decides_before_a_session(client: Any, ada: Any, kind: str):
    bob = type(ada).objects.create_user("bob")
    client.force_login(ada)
    _, text = make(bob, [])
    assert ask(client, f"{kind}/any", text, "POST").json() == {"user": "bob"}


@pytest.mark.parametrize("place", ["?key={}", "?a=1&q=x{}y"])
def test_a_key_in_the_url_is_refused_with_the_right_place(
    client: Any, ada: Any, kind: str, place: str
):
    _, text = make(ada)
    answer = client.get(f"/api/{kind}{place.format(text)}")
    assert answer.status_code == 401
    assert "never in the URL" in answer.json()["detail"]
    # Beside a valid one too: the key is in the logs of servers.
    assert ask(client, kind + place.format(text), text).status_code == 401


def test_a_key_in_the_wrong_header_is_refused_with_the_right_one(client: Any, ada: Any, kind: str):
    _, text = make(ada)
    answer = client.get(f"/api/{kind}", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 401
    assert answer.json()["detail"] == "Send the API key in the header X-API-Key."


def test_the_last_use_is_stored_at_most_once_a_minute(
    client: Any, ada: Any, kind: str, django_capture_on_commit_callbacks: Any
):
    key, text = make(ada)

    def use() -> int:
        commit = django_capture_on_commit_callbacks(execute=True)
        with CaptureQueriesContext(connection) as queries, commit:
            ask(client, kind, text)
        return sum(query["sql"].startswith("UPDATE") for query in queries)

    assert use() == 1
    used = ApiKey.objects.get(pk=key.pk).last_used_at
    assert used is not None
    assert use() == 0
    ApiKey.objects.update(last_used_at=used - datetime.timedelta(seconds=61))
    assert use() == 1


def test_the_scheme_is_in_the_document(client: Any, api: Any):
    document = client.get("/api/openapi.json").json()
    assert document["components"]["securitySchemes"]["apiKey"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    route = document["paths"]["/api/sync/write"]["post"]
    assert route["security"] == [{"apiKey": ["books:write"]}]
    assert {"401", "403"} <= route["responses"].keys()


def test_leak_scanners_find_keys():
    import re

    text, _ = make_key("shop", "live")
    assert re.search(key_pattern("shop"), f"KEY='{text}'")
    assert contains_key(f"a={text}&b", "shop")
    assert not contains_key(f"a={text[:-1]}x&b", "shop")
    assert not contains_key(text, "matt")


# ---- bearer tokens ----


@pytest.fixture
def bearer(settings: Any, serve: Any) -> Any:
    """An API whose keys are bearer tokens, beside other bearer tokens and sessions."""
    from django_matt import MattAPI
    from django_matt.authentication import AnyOf, BearerAuthenticator, SessionAuthenticator
    from django_matt.contrib.api_keys.authentication import ApiKeyAuth

    settings.MATT_API_KEYS = {"HEADER": "Authorization", "PREFIX": "shop", "ENVIRONMENT": "staging"}

    class Token(BearerAuthenticator):
        is_blocking = False

        def authenticate(self, request: Any, credentials: Any) -> Any:
            return credentials.value == "token"

    api = MattAPI(extensions=[])
    auth = AnyOf(ApiKeyAuth(shares_bearer=True), Token(), SessionAuthenticator())

    @api.get("/sync", auth=auth)
    def sync_route(request: Any) -> Any:
        return {"user": request.user.get_username()}

    @api.get("/async", auth=auth)
    async def async_route(request: Any) -> Any:
        return {"user": request.user.get_username()}

    return serve(api)


@pytest.mark.parametrize(
    ("token", "status"), [("key", 200), ("token", 200), ("shop_x", 401), ("other", 401)]
)
def test_25_keys_and_tokens_share_a_header(
    bearer: Any, ada: Any, kind: str, token: str, status: int
):
    bearer.force_login(ada)
    _, text = make(ada, [])
    assert text.startswith("shop_staging_")
    sent = text if token == "key" else token
    answer = bearer.get(f"/api/{kind}", headers={"Authorization": f"Bearer {sent}"})
    assert answer.status_code == status
    if token == "token":
        assert answer.json() == {"user": ""}  # not the session's
