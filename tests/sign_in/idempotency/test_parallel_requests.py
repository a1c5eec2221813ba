"""Many requests with one key at once, on PostgreSQL (on SQLite: tests/e2e/idempotency, with a file and processes)."""

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.test import AsyncClient, Client

from django_matt.contrib.idempotency.models import IdempotencyRecord
from django_matt.errors.exceptions import TooManyRequests
from tests.project.models import Tag
from tests.sign_in.idempotency.shops import KEY, Shop
from tests.waiting import SECONDS, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs row locks: PostgreSQL"),
]

THREADS, ROUNDS = 16, 6


def order(request: Any, number: int) -> Any:
    return {"id": Tag.objects.create(name="ordered").pk}


def together(shop: Shop, keys: list[str], number: int = THREADS) -> list[Any]:
    """Send requests at the same time, each from a thread with a connection of its own."""
    shop.client  # noqa: B018 - mounts the API before the threads begin
    barrier = Barrier(number)

    def one(index: int) -> Any:
        client = Client(raise_request_exception=False)
        barrier.wait()
        try:
            return client.post(
                "/api/orders",
                "{}",
                content_type="application/json",
                headers={"Idempotency-Key": keys[index % len(keys)], "X-API-Key": "ada"},
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_of_16_parallel_requests_one_is_carried_out_and_16_get_its_bytes(serve: Any, kind: str):
    shop = Shop(serve, kind)
    shop.add(order)
    shop.send(str(uuid4()))  # the user is there
    for round_ in range(1, ROUNDS + 1):
        answers = together(shop, [str(uuid4())])
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        replayed = sum("Idempotency-Replayed" in answer for answer in answers)
        assert (replayed, Tag.objects.count()) == (THREADS - 1, round_ + 1)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_of_16_parallel_requests_one_is_carried_out_after_refusals(serve: Any, kind: str):
    attempts = itertools.count()

    def busy_at_first(request: Any, number: int) -> Any:
        if next(attempts) < 3:
            raise TooManyRequests(headers={"Retry-After": "1"})
        return order(request, number)

    shop = Shop(serve, kind)
    shop.add(busy_at_first)
    shop.send(str(uuid4()))  # the user is there
    for round_ in range(1, ROUNDS + 1):
        attempts = itertools.count(1)
        answers = together(shop, [str(uuid4())])
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 2
        kept = [answer for answer in answers if answer.status_code == 200]
        assert len(kept) == THREADS - 2
        assert len({answer.content for answer in kept}) == 1
        assert Tag.objects.count() == round_


def test_parallel_requests_with_other_keys_do_not_wait_for_each_other(serve: Any):
    shop = Shop(serve, "sync")
    barrier = Barrier(2)

    def meets(request: Any, number: int) -> Any:
        barrier.wait(30)
        return {}

    shop.add(meets)
    answers = together(shop, [str(uuid4()), str(uuid4())], 2)
    assert [answer.status_code for answer in answers] == [200, 200]


def test_an_expired_key_is_claimed_by_one_of_16(serve: Any):
    shop = Shop(serve, "sync")
    shop.add(order)
    shop.send()
    IdempotencyRecord.objects.update(expires_at="2020-01-01T00:00Z")
    answers = together(shop, [KEY])
    assert len({answer.content for answer in answers}) == 1
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("kind", ["sync", "async", "asgi"])
def test_a_request_that_waits_too_long_is_a_409_with_retry_after(
    serve: Any, settings: Any, kind: str
):
    settings.MATT_IDEMPOTENCY = {"WAIT": 0.1}
    shop = Shop(serve, kind)
    waits: list[Any] = []

    def meanwhile(request: Any, number: int) -> Any:
        if not waits:
            waits.append(None)
            with ThreadPoolExecutor(1) as pool:
                waits[0] = pool.submit(other).result()
        return {"timeout": lock_timeout()}

    def other() -> Any:
        try:
            return Shop.send(shop)
        finally:
            connections.close_all()

    def lock_timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    shop.add(meanwhile)
    outside = lock_timeout()
    first = shop.send()
    assert (waits[0].status_code, waits[0]["Retry-After"]) == (409, "1")
    assert first.json() == {"timeout": outside}, "the view waits for its own locks as without a key"
    assert shop.send()["Idempotency-Replayed"] == "true"


def test_one_that_is_rolled_back_lets_the_next_one_run(serve: Any):
    shop = Shop(serve, "sync")
    fails = [True]

    def once(request: Any, number: int) -> Any:
        Tag.objects.create(name="half")
        if fails:
            fails.pop()
            raise ZeroDivisionError
        return {}

    shop.add(once)
    answers = together(shop, [KEY])
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [500]
    assert Tag.objects.count() == 1


def test_a_connection_is_clean_after_a_wait_that_ended(serve: Any):
    shop = Shop(serve, "sync")
    shop.add(order)
    together(shop, [KEY])
    with transaction.atomic():
        assert connection.in_atomic_block
    assert not connection.in_atomic_block


def test_a_client_that_leaves_while_it_waits_leaves_no_transaction_open(serve: Any):
    shop = Shop(serve, "asgi")
    begun, ended = Event(), Event()

    def slow(request: Any, number: int) -> Any:
        if not begun.is_set():
            begun.set()
            assert ended.wait(SECONDS)
            raise ZeroDivisionError  # so that the request that waits gets the key
        return order(request, number)

    shop.add(slow)
    sent: dict[str, Any] = {
        "content_type": "application/json",
        "headers": {"Idempotency-Key": KEY, "X-API-Key": "ada"},
    }
    shop.client  # noqa: B018 - mounts the API
    get_user_model().objects.create(username="ada")

    def first() -> Any:
        try:
            return Client(raise_request_exception=False).post("/api/orders", "{}", **sent)
        finally:
            connections.close_all()

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            found: int = cursor.fetchone()[0]
        return found > 0

    def wait_in_a_thread_of_its_own() -> None:
        try:
            wait_until(waits)
        finally:
            connections.close_all()

    async def leave(pool: ThreadPoolExecutor) -> bool:
        loop = asyncio.get_running_loop()
        second = asyncio.ensure_future(AsyncClient().post("/api/orders", "{}", **sent))
        await loop.run_in_executor(pool, wait_in_a_thread_of_its_own)
        second.cancel()
        ended.set()
        with pytest.raises(asyncio.CancelledError):
            await second
        return await sync_to_async(lambda: connection.in_atomic_block)()

    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(first)
        assert begun.wait(SECONDS)
        assert async_to_sync(leave)(pool) is False
        assert answer.result().status_code == 500
    assert Tag.objects.count() == 0
    assert "Idempotency-Replayed" not in shop.send()
