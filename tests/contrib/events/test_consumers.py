"""Consumers: at least once, with retries and dead letters; exactly once in the same database; in order by key."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.utils import timezone

from django_matt.contrib.events import deliveries, processing, subscriptions
from django_matt.contrib.events.consumers import Context, consumer
from django_matt.contrib.events.models import NOW, Delivery, Receipt
from django_matt.contrib.events.relays import relay
from django_matt.contrib.events.schemas import EventSchema
from django_matt.contrib.events.services import give_positions, publish
from django_matt.contrib.events.standings import standings
from django_matt.contrib.events.workers import drain, work
from tests.waiting import wait_until

from .shop.consumers import Ordered
from .shop.models import Effect

pytestmark = pytest.mark.django_db(transaction=True)


def tell(*numbers: int, key: str = "") -> None:
    with transaction.atomic():
        for number in numbers:
            publish(Ordered(number=number), key=key)
    give_positions()


def run(registry: dict[str, Any]) -> int:
    return drain([*registry.values()])


def make_due() -> None:
    Delivery.objects.filter(dead=False).update(due_at=NOW)


def effects() -> list[int]:
    return list(Effect.objects.order_by("id").values_list("number", flat=True))


once = pytest.mark.parametrize("once", [True, False], ids=["once", "at least once"])


@once
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_consumer_gets_each_event_after_its_first_start(registry, once: bool, kind: str):
    found = list[Context]()
    if kind == "sync":

        @consumer("effects", Ordered, once=once)
        def handle(event: Ordered, context: Context) -> None:
            assert connection.in_atomic_block is once
            Effect.objects.create(number=event.number)
            found.append(context)
    else:

        @consumer("effects", Ordered, once=once)
        async def handle_async(event: Ordered, context: Context) -> None:
            assert await sync_to_async(lambda: connection.in_atomic_block)() is once
            await Effect.objects.acreate(number=event.number)
            found.append(context)

    tell(1)
    run(registry)  # it subscribes: what was before is not delivered
    tell(2, 3)
    assert run(registry) == 2
    assert run(registry) == 0
    assert effects() == [2, 3]
    assert [(each.position, each.attempt, each.topic) for each in found] == [
        (2, 1, "shop.ordered"),
        (3, 1, "shop.ordered"),
    ]
    assert not Delivery.objects.exists()
    assert Receipt.objects.count() == (2 if once else 0)


@once
def test_a_failed_attempt_is_repeated_later_and_later_and_then_dead(registry, once: bool):
    attempts, ids = list[int](), set[str]()

    @consumer("fails", Ordered, once=once, retries=2)
    def handle(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=event.number)
        attempts.append(context.attempt)
        ids.add(context.id)
        raise RuntimeError("The printer is\0 out of paper.")

    run(registry)
    tell(1)
    waits = []
    for _ in range(3):
        run(registry)
        found = Delivery.objects.get()
        waits.append((found.due_at - found.delayed_at).total_seconds())
        make_due()
    assert run(registry) == 0
    assert attempts == [1, 2, 3]
    assert len(ids) == 1
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2 <= waits[2] <= 4
    found = Delivery.objects.get()
    assert (found.dead, found.attempts) == (True, 3)
    assert found.error.endswith("RuntimeError: The printer is out of paper.\n")
    assert effects() == ([] if once else [1, 1, 1])
    assert not Receipt.objects.exists()
    (standing,) = standings()
    assert (standing.dead, standing.pending, standing.behind) == (1, 0, 0)
    assert standing.error == "RuntimeError: The printer is out of paper."


@once
def test_a_consumer_that_always_fails_stops_neither_others_nor_other_events(registry, once: bool):
    @consumer("fails", Ordered, once=once)
    def fail(event: Ordered, context: Context) -> None:
        if event.number == 2:
            raise RuntimeError
        Effect.objects.create(number=-event.number)

    @consumer("writes", Ordered, once=once)
    def write(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=event.number)

    run(registry)
    tell(1, 2, 3)
    run(registry)
    assert sorted(effects()) == [-3, -1, 1, 2, 3]


def test_what_fails_at_the_commit_is_a_failed_attempt(registry):
    @consumer("commits", Ordered, once=True)
    def handle(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=event.number)
        if event.number == 2:
            # The constraint of a foreign key is deferred, so the commit fails.
            Receipt.objects.create(consumer="other", event_id=event.number)
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO shop_order_tags (order_id, tag_id) VALUES (1000000, 1000000)"
                )

    run(registry)
    tell(1, 2, 3)
    run(registry)
    assert effects() == [1, 3]
    assert "IntegrityError" in Delivery.objects.get().error


@once
def test_events_with_the_same_key_wait_for_each_other(registry, once: bool):
    fails = {2}

    @consumer("ordered", Ordered, once=once)
    def handle(event: Ordered, context: Context) -> None:
        if event.number in fails:
            raise RuntimeError
        Effect.objects.create(number=event.number)

    run(registry)
    tell(1, 2, 3, key="a")
    tell(10, 11, key="b")
    run(registry)
    assert effects() == [1, 10, 11]
    make_due()
    run(registry)
    assert effects() == [1, 10, 11]
    fails.clear()
    make_due()
    run(registry)
    assert effects() == [1, 10, 11, 2, 3]


def test_a_dead_delivery_lets_later_ones_with_its_key_go_on(registry):
    @consumer("ordered", Ordered, once=True, retries=0)
    def handle(event: Ordered, context: Context) -> None:
        if event.number == 1:
            raise RuntimeError
        Effect.objects.create(number=event.number)

    run(registry)
    tell(1, 2, key="a")
    run(registry)
    make_due()
    run(registry)
    assert effects() == [2]


@once
def test_a_replay_delivers_once_more(registry, once: bool):
    works = list[bool]()

    @consumer("effects", Ordered, once=once, retries=0)
    def handle(event: Ordered, context: Context) -> None:
        if event.number == 2 and not works:
            raise RuntimeError
        Effect.objects.create(number=event.number)

    run(registry)
    tell(1, 2, 3)
    run(registry)
    assert effects() == [1, 3]
    works.append(True)
    assert subscriptions.replay(registry["effects"], 2) == 2
    run(registry)
    assert effects() == ([1, 3, 2] if once else [1, 3, 2, 3])
    Effect.objects.all().delete()
    assert subscriptions.replay(registry["effects"], 1, again=True) == 3
    run(registry)
    assert effects() == [1, 2, 3]


def test_an_event_that_the_schema_no_longer_reads_is_a_failed_attempt(registry):
    class Priced(EventSchema, topic="shop.priced"):
        cents: int

    @consumer("prices", Priced, once=True)
    def handle(event: Priced, context: Context) -> None:
        Effect.objects.create(number=event.cents)

    run(registry)
    with transaction.atomic():
        publish(Priced(cents=1))
        old = publish(Priced(cents=2))
    from django_matt.contrib.events.models import Event

    Event.objects.filter(uuid=old).update(data={"euros": 2})
    run(registry)
    assert effects() == [1]
    assert "ValidationError" in Delivery.objects.get().error


@once
def test_a_clock_that_is_set_back_delays_nothing(registry, once: bool):
    fails = [True]

    @consumer("late", Ordered, once=once)
    def handle(event: Ordered, context: Context) -> None:
        if fails:
            raise RuntimeError
        Effect.objects.create(number=event.number)

    run(registry)
    tell(1)
    run(registry)
    # As if the attempt was yesterday's, by a clock that was a day ahead.
    ahead = timezone.now() + timedelta(days=1)
    Delivery.objects.update(due_at=ahead + timedelta(seconds=1), delayed_at=ahead)
    fails.clear()
    assert run(registry) == 0
    assert deliveries.forgive_clock() == 1
    assert run(registry) == 1
    assert effects() == [1]


def test_what_a_dead_worker_has_taken_comes_back(registry):
    @consumer("slow", Ordered)
    def handle(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=context.attempt)

    slow = registry["slow"]
    run(registry)
    tell(1)
    assert subscriptions.hand_out(slow) == 1
    (taken,) = deliveries.claim(slow, "dead", 60, 10).together
    assert run(registry) == 0
    make_due()
    assert run(registry) == 1
    deliveries.succeed(taken)  # it was not dead: too late, nothing happens
    assert effects() == [2]


@once
def test_a_worker_that_is_too_slow_processes_nothing_that_another_one_has(
    registry, once: bool, monkeypatch: pytest.MonkeyPatch
):
    @consumer("effects", Ordered, once=once)
    def handle(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=event.number)

    def claim_slowly(*arguments: Any) -> deliveries.Claimed:
        monkeypatch.undo()
        claimed = deliveries.claim(*arguments)
        make_due()
        assert processing.process(registry["effects"], "another", 20) == (3, 3)
        return claimed

    run(registry)
    tell(1, 2, key="a")
    tell(3)
    monkeypatch.setattr(processing, "claim", claim_slowly)
    run(registry)
    assert sorted(effects()) == [1, 2, 3]
    assert not Delivery.objects.exists()


def test_a_lost_connection_is_no_failed_attempt(registry):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose")
    attempts = list[int]()

    @consumer("effects", Ordered, once=True, retries=0)
    def handle(event: Ordered, context: Context) -> None:
        attempts.append(context.attempt)
        if len(attempts) == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        Effect.objects.create(number=event.number)

    run(registry)
    tell(1)
    process_all(registry, 1, lambda: effects() == [1])
    assert attempts == [1, 1]
    assert not Delivery.objects.exists()


def process_all(registry: dict[str, Any], threads: int, is_done: Any) -> None:
    stop = threading.Event()

    def one() -> None:
        work([*registry.values()], stop)

    running = [threading.Thread(target=one, name=f"worker-{n}") for n in range(threads)]
    running.append(threading.Thread(target=relay, args=(stop,), name="matt-relay"))
    for each in running:
        each.start()
    try:
        wait_until(is_done, effects)
    finally:
        stop.set()
        for each in running:
            each.join()


def test_sixteen_workers_process_each_event_once_and_in_order(registry):
    threads = 16 if connection.vendor == "postgresql" else 4
    outside, guard = list[int](), threading.Lock()

    @consumer("effects", Ordered, once=True)
    def handle(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=event.number)

    @consumer("outside", Ordered)
    def send(event: Ordered, context: Context) -> None:
        with guard:
            outside.append(event.number)

    run(registry)
    count = 160

    def write(writer: int) -> None:
        for number in range(count // 4):
            with transaction.atomic():
                # The first two writers have a key each, so their events stay in order.
                key = f"writer:{writer}" if writer < 2 else ""
                publish(Ordered(number=writer * 1_000 + number), key=key)
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    process_all(registry, threads, lambda: len(effects()) >= count and len(outside) >= count)
    found = effects()
    wanted = sorted(writer * 1_000 + n for writer in range(4) for n in range(count // 4))
    assert sorted(found) == wanted
    assert sorted(outside) == wanted
    for seen in (found, outside):
        for writer in range(2):
            own = [n for n in seen if n // 1_000 == writer]
            assert own == sorted(own)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("a", Ordered), {"retries": -1}, "-1 retries"),
        (("", Ordered), {}, "name of a consumer"),
        (("a,b", Ordered), {}, "name of a consumer"),
        (("a" * 101, Ordered), {}, "name of a consumer"),
        (("a",), {}, "one or more schemas"),
        (("a", EventSchema), {}, "one or more schemas"),
    ],
)
def test_a_wrong_consumer_is_refused(registry, arguments: Any, options: Any, message: str):
    with pytest.raises(ImproperlyConfigured, match=message):
        consumer(*arguments, **options)


def test_a_name_belongs_to_one_consumer(registry):
    @consumer("mine", Ordered)
    def first(event: Ordered, context: Context) -> None: ...

    with pytest.raises(ImproperlyConfigured, match="the same name"):

        @consumer("mine", Ordered)
        def second(event: Ordered, context: Context) -> None: ...
