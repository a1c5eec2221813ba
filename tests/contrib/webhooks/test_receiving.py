"""A route with ``@webhook`` runs once for each webhook that is signed, sync and async, and answers all others."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ninja import Schema

from django_matt import MattAPI
from django_matt.contrib.webhooks.decorators import webhook
from django_matt.contrib.webhooks.models import ReceivedWebhook
from django_matt.contrib.webhooks.signatures import decode_secret, make_secret, sign
from django_matt.errors.exceptions import Conflict

pytestmark = pytest.mark.django_db

OLD, NEW = make_secret(), make_secret()


class ReceivedPayment(Schema):
    number: int


def effect() -> None:
    Group.objects.create(name=str(uuid.uuid4()))


def act(number: int) -> Any:
    """Write, and then do what the number of the payment asks for."""
    effect()
    if number == 1:
        raise Conflict("not yet")
    if number == 2:
        return HttpResponse(status=503)
    if number == 3:
        raise RuntimeError("a bug")
    if number == 4:
        with suppress(DatabaseError):
            Group.objects.create(pk=Group.objects.get().pk, name="taken")
    if number == 5:
        with transaction.atomic(durable=True):
            effect()
    return {"number": number}


def make_api() -> MattAPI:
    api = MattAPI()

    @api.post("/sync", auth=None)
    @webhook([NEW, OLD])
    def receive(request: Any, payment: ReceivedPayment) -> Any:
        return act(payment.number)

    @api.post("/async", auth=None)
    @webhook([NEW, OLD])
    async def areceive(request: Any, payment: ReceivedPayment) -> Any:
        return await sync_to_async(act)(payment.number)

    secrets = {"a": NEW, "b": [OLD], "none": []}

    @api.post("/tenants/{tenant}", auth=None)
    @webhook(lambda request: secrets[request.resolver_match.kwargs["tenant"]])
    def receive_of(request: Any, tenant: str) -> None:
        effect()

    @api.post("/tenants/{tenant}/async", auth=None)
    @webhook(lambda request: secrets[request.resolver_match.kwargs["tenant"]])
    async def areceive_of(request: Any, tenant: str) -> None:
        await Group.objects.acreate(name=str(uuid.uuid4()))

    return api


Post = Callable[..., Any]


def repr_of(secret: Any) -> str:
    return f"{len(secret)} {type(secret).__name__}"


@pytest.fixture
def client(serve: Any) -> Client:
    made: Client = serve(make_api())
    return made


@pytest.fixture(params=["sync", "async"])
def post(request: pytest.FixtureRequest, client: Any) -> Post:
    return poster(client, request.param)


def poster(client: Any, kind: str) -> Post:
    def post(
        body: bytes = b'{"number": 0}',
        *,
        path: str = f"/api/{kind}",
        secret: str = NEW,
        message_id: str = "msg_1",
        at: int | None = None,
        **more: Any,
    ) -> Any:
        stamp = int(time.time()) if at is None else at
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(decode_secret(secret), message_id, stamp, body),
            **more,
        }
        headers = {name: value for name, value in headers.items() if value is not None}
        options = {"content_type": "application/json", "headers": headers}
        if kind == "sync":
            return client.generic("POST", path, body, **options)

        async def send() -> Any:
            return await client.async_client.generic("POST", path, body, **options)

        return async_to_sync(send)()

    return post


def test_a_webhook_is_processed_once(post: Post):
    first = post()
    assert (first.status_code, first.json()) == (200, {"number": 0})
    second = post(at=int(time.time()) + 1)
    assert (second.status_code, second.content) == (204, b"")
    assert Group.objects.count() == 1
    assert post(message_id="msg_2").status_code == 200
    assert Group.objects.count() == 2


@pytest.mark.parametrize("secret", [OLD, NEW], ids=["old", "new"])
def test_both_secrets_are_accepted_and_share_the_ids(post: Post, secret: str):
    assert post(secret=OLD).status_code == 200
    assert post(secret=secret).status_code == 204


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_401(post: Post, missing: str):
    found = post(**{missing: None})
    assert found.status_code == 401
    assert "webhook-signature" in found.json()["detail"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "a.1"),
        ("webhook-id", "a b"),
        ("webhook-id", "é"),
        ("webhook-id", "x" * 256),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "١٦١٤٢٦٥٣٣٠"),
        ("webhook-timestamp", "9" * 400),
    ],
)
def test_a_malformed_header_is_400(client, name: str, value: str):
    if not value.isascii():
        value = value.encode().decode("latin-1")
    assert poster(client, "sync")(**{name: value}).status_code == 400


@pytest.mark.parametrize("away", [-290, 290])
def test_five_minutes_are_tolerated_both_ways(post: Post, away: int):
    assert post(at=int(time.time()) + away).status_code == 200


@pytest.mark.parametrize("away", [-310, 310, 10_000_000_000])
def test_more_than_five_minutes_are_401(post: Post, away: int):
    found = post(at=int(time.time()) + away)
    assert found.status_code == 401
    assert "five minutes" in found.json()["detail"]
    assert not ReceivedWebhook.objects.exists()


def test_a_wrong_signature_is_401_before_the_body_is_read(post: Post):
    found = post(b"not json", secret=make_secret())
    assert (found.status_code, found.json()["detail"]) == (401, "The webhook-signature is wrong.")
    assert not Group.objects.exists()
    assert not ReceivedWebhook.objects.exists()


def test_a_body_that_is_too_large_is_413(post: Post, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    assert post(b"x" * 1_001).status_code == 413


def test_a_body_that_does_not_fit_is_422_and_may_be_sent_again(post: Post):
    assert post(b'{"number": "x"}').status_code == 422
    assert post(b'{"number": 0}').status_code == 200


@pytest.mark.parametrize(("number", "status"), [(1, 409), (2, 503), (3, 500), (4, 500)])
def test_an_effect_of_an_error_is_rolled_back_and_the_webhook_sent_again(
    post: Post, number: int, status: int
):
    body = json.dumps({"number": number}).encode()
    assert post(body).status_code == status
    assert not Group.objects.exists()
    assert not ReceivedWebhook.objects.exists()
    assert post().status_code == 200


def test_a_view_may_open_a_durable_transaction(post: Post):
    assert post(b'{"number": 5}').status_code == 200
    assert Group.objects.count() == 2


def test_a_sender_that_disconnects_has_no_effect(serve):
    api, begun = MattAPI(), asyncio.Event()

    @api.post("/slow", auth=None)
    @webhook(NEW)
    async def receive(request: Any) -> None:
        await sync_to_async(effect)()
        begun.set()
        await asyncio.sleep(60)

    client: Any = serve(api)
    stamp = int(time.time())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(decode_secret(NEW), "msg_1", stamp, b""),
    }

    async def disconnect() -> None:
        sent = asyncio.ensure_future(
            client.async_client.generic("POST", "/api/slow", b"", headers=headers)
        )
        await asyncio.wait_for(begun.wait(), 30)
        sent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sent

    async_to_sync(disconnect)()
    assert not Group.objects.exists()
    assert not ReceivedWebhook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_works_in_the_transaction_of_the_request(client, settings):
    post = poster(client, "sync")
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert post(b'{"number": 1}').status_code == 409
        assert not Group.objects.exists()
        assert post().status_code == 200
        assert post().status_code == 204
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert Group.objects.count() == ReceivedWebhook.objects.count() == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_function_finds_the_secrets_and_senders_do_not_share_ids(client, kind: str):
    post, end = poster(client, kind), "" if kind == "sync" else "/async"
    assert post(path=f"/api/tenants/a{end}").status_code == 200
    assert post(path=f"/api/tenants/a{end}").status_code == 204
    assert post(path=f"/api/tenants/b{end}").status_code == 401
    assert post(path=f"/api/tenants/b{end}", secret=OLD).status_code == 200
    assert post(path=f"/api/tenants/none{end}").status_code == 401
    assert Group.objects.count() == 2


@given(body=st.binary(max_size=60), place=st.integers(0), bit=st.integers(0, 7))
@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bit_of_a_request_may_change(client, body: bytes, place: int, bit: int):
    """The headers and the body together, each bit of them."""
    stamp = str(int(time.time()))
    signature = sign(decode_secret(NEW), "msg_1", int(stamp), body)
    sent = bytearray(b"\n".join([b"msg_1", stamp.encode(), signature.encode(), body]))
    place %= len(sent)
    sent[place] ^= 1 << bit
    changed = bytes(sent).split(b"\n", 3)
    if len(changed) < 4:
        return
    found = poster(client, "sync")(
        changed[3],
        **{
            name: value.decode("latin-1")
            for name, value in zip(
                ("webhook-id", "webhook-timestamp", "webhook-signature"), changed[:3], strict=True
            )
        },
    )
    assert found.status_code in (400, 401)
    assert not ReceivedWebhook.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sixteen_repetitions_at_the_same_time_have_one_effect(client):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    barrier, statuses = threading.Barrier(16), list[int]()

    def run() -> None:
        try:
            own: Any = Client(raise_request_exception=False)
            barrier.wait()
            statuses.append(poster(own, "sync")().status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200, *[204] * 15]
    assert Group.objects.count() == 1


def test_the_document_has_the_headers_and_the_responses(client):
    found = client.get("/api/openapi.json").json()["paths"]["/api/sync"]["post"]
    assert [each["name"] for each in found["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    assert {"200", "204", "400", "401", "413", "422"} <= found["responses"].keys()


@pytest.mark.parametrize("secret", ["", "short", [], ["short"], [NEW, ""]], ids=repr_of)
def test_a_secret_that_is_none_is_refused_at_the_start(secret: Any):
    with pytest.raises(ImproperlyConfigured, match="@webhook"):
        webhook(secret)


def test_an_async_function_of_secrets_is_refused():
    async def find(request: Any) -> str:
        return NEW

    with pytest.raises(ImproperlyConfigured, match="plain function"):
        webhook(find)  # type: ignore[arg-type]


def test_a_function_that_finds_a_wrong_secret_is_an_error_of_the_server(serve):
    api = MattAPI()

    @api.post("/hook")
    @webhook(lambda request: "")
    def receive(request: Any) -> None: ...

    assert poster(serve(api), "sync")(path="/api/hook").status_code == 500


def test_a_route_that_reads_cannot_receive(serve):
    api = MattAPI()

    @api.get("/hook")
    @webhook(NEW)
    def receive(request: Any) -> None: ...

    assert serve(api).get("/api/hook").status_code == 500
