"""Rate limits and idempotency keys know the senders that tokens and API keys authenticate, without loading a user."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from django_matt import MattAPI
from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key
from django_matt.contrib.idempotency.decorators import idempotent
from django_matt.contrib.rate_limits.limits import rate_limit
from django_matt.contrib.rate_limits.stores import chosen_store
from django_matt.contrib.tokens import services
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.contrib.tokens.verification import verifier

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    verifier.clear()
    chosen_store.cache_clear()
    yield
    chosen_store.cache_clear()


@pytest.fixture(params=["sync", "async"])
def send(request: pytest.FixtureRequest, serve: Any) -> Callable[..., Any]:
    """Return ``send(method, path, **headers)`` to an API with limited routes of one kind."""
    api = MattAPI(
        extensions=["matt_tokens", "matt_api_keys", "matt_rate_limits", "matt_idempotency"]
    )
    for name, auth in (("token", TokenAuth()), ("key", ApiKeyAuth())):
        for by in ("user", "key"):
            view: Any
            if request.param == "sync":

                def view(request: HttpRequest) -> Any:
                    return {}
            else:

                async def view(request: HttpRequest) -> Any:
                    return {}

            scope = f"{name} {by}"
            limited = rate_limit("1/hour", by=by, scope=scope)(view)  # type: ignore[arg-type]
            api.get(f"/{name}/{by}", auth=auth)(limited)

        @api.post(f"/{name}", auth=auth)
        @idempotent()
        def write(request: HttpRequest) -> Any:
            return {"id": Group.objects.create(name=str(uuid4())).pk}

    client = serve(api)

    def call(method: str, path: str, **headers: str) -> Any:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if request.param == "sync":
            return getattr(client, method)(f"/api{path}", headers=names)
        return async_to_sync(getattr(client.async_client, method))(f"/api{path}", headers=names)

    return call


@pytest.fixture
def users() -> list[User]:
    return [User.objects.create_user(name) for name in ("ada", "grace")]


def token_of(user: User) -> str:
    return str(services.issue(HttpRequest(), user).tokens.access_token)


@pytest.mark.parametrize("by", ["user", "key"])
def test_a_limit_counts_the_user_of_a_token_and_needs_no_query(
    send: Any, users: list[User], by: str
):
    ada, grace = ({"Authorization": f"Bearer {token_of(user)}"} for user in users)
    assert send("get", f"/token/{by}", **ada).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        assert send("get", f"/token/{by}", **ada).status_code == 429
    assert not queries.captured_queries
    assert send("get", f"/token/{by}", **grace).status_code == 200


def test_a_limit_by_key_counts_each_key_of_a_user_and_one_by_user_all_of_them(
    send: Any, users: list[User]
):
    first, second = ({"X_API_Key": create_key(Owner(user=users[0]), name=name)[1]} for name in "ab")
    assert [send("get", "/key/key", **first).status_code for _ in range(2)] == [200, 429]
    assert send("get", "/key/key", **second).status_code == 200
    assert [send("get", "/key/user", **each).status_code for each in (first, second)] == [200, 429]


def test_an_idempotency_key_belongs_to_the_user_of_a_token_or_key(send: Any, users: list[User]):
    for path, credentials in (
        ("/token", [{"Authorization": f"Bearer {token_of(user)}"} for user in users]),
        ("/key", [{"X_API_Key": create_key(Owner(user=user), name="a")[1]} for user in users]),
    ):
        answers = [
            send("post", path, Idempotency_Key="a-key", **each)
            for each in (*credentials, *credentials)
        ]
        assert ["Idempotency-Replayed" in each for each in answers] == [False, False, True, True]
    assert Group.objects.count() == 4
