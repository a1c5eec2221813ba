"""What goes wrong around a worker: it goes on, no attempt is counted that was none, and somebody is told."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from django_matt.contrib.events import deliveries, workers
from django_matt.contrib.events.consumers import Context, consumer
from django_matt.contrib.events.models import NOW, Delivery, Receipt
from django_matt.contrib.events.processing import process
from django_matt.contrib.events.relays import relay
from django_matt.contrib.events.schemas import EventSchema
from django_matt.contrib.events.services import give_positions, publish
from django_matt.contrib.events.standings import standings
from django_matt.contrib.events.subscriptions import hand_out, subscribe
from django_matt.contrib.events.workers import drain, work
from django_matt.event_log import find_event_log
from tests.waiting import wait_until

from .shop.consumers import Ordered
from .shop.models import Effect

pytestmark = pytest.mark.django_db(transaction=True)
once = pytest.mark.parametrize("once", [True, False], ids=["once", "at least once"])


@pytest.fixture
def postgres() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")


def tell(*numbers: int, key: str = "") -> None:
    with transaction.atomic():
        for number in numbers:
            publish(Ordered(number=number), key=key)
    give_positions()


def effects() -> list[int]:
    return list(Effect.objects.order_by("id").values_list("number", flat=True))


@contextmanager
def running(*targets: Any) -> Iterator[None]:
    """Run functions in threads, which end after the block."""
    threads = [threading.Thread(target=each, name="matt-relay") for each in targets]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        for each in threads:
            each.join()


def terminate_waiting() -> int:
    """End the connections that wait for notices, and return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state = 'idle' AND state_change < clock_timestamp() - interval '0.3 s'"
        )
        return int(cursor.fetchone()[0])


def test_relays_workers_and_readers_go_on_after_the_server_has_ended_their_connections(
    registry, postgres: None
):
    @consumer("effects", Ordered, once=True)
    def handle(event: Ordered, context: Context) -> None:
        Effect.objects.create(number=event.number)

    stop, log = threading.Event(), find_event_log()
    subscribe(registry.values())

    def cut_and_publish() -> None:
        ended = list[int]()

        def count_eight() -> bool:
            # The relay, the worker, the thread that renews its lease, and the reader: each more than once.
            ended.append(terminate_waiting())
            return sum(ended) >= 8

        try:
            wait_until(count_eight)
            publish(Ordered(number=1), autocommit=True)
            wait_until(lambda: effects() == [1])
        finally:
            connections.close_all()

    async def watch() -> list[int]:
        found = []
        async with asyncio.timeout(90):
            positions = log.positions()
            async for position in positions:
                found.append(position)
                if position:
                    break
                await asyncio.to_thread(cut_and_publish)
            await positions.aclose()  # type: ignore[attr-defined]
        return found

    connections.close_all()
    with running(partial(relay, stop), partial(work, [*registry.values()], stop)):
        try:
            assert asyncio.run(watch()) == [0, 1]
        finally:
            stop.set()


def test_a_callback_that_fails_after_the_commit_stops_no_other_and_is_no_failed_attempt(
    registry, caplog: pytest.LogCaptureFixture
):
    called = list[int]()

    def call(number: int) -> None:
        if number == 2:
            raise RuntimeError("no mail")
        called.append(number)

    @consumer("mails", Ordered, once=True)
    def handle(event: Ordered, context: Context) -> None:
        transaction.on_commit(partial(call, event.number))

    subscribe(registry.values())
    tell(1, 2, 3)
    drain([*registry.values()])
    assert called == [1, 3]
    assert (Receipt.objects.count(), Delivery.objects.count()) == (3, 0)
    assert "A callback of the consumer mails has failed after the commit." in caplog.text
    assert "no mail" in caplog.text


@once
@pytest.mark.parametrize("kind", ["surrogate", "cancelled"])
def test_whatever_a_consumer_raises_is_a_failed_attempt(registry, once: bool, kind: str):
    @consumer("raises", Ordered, once=once)
    async def handle(event: Ordered, context: Context) -> None:
        if kind == "surrogate":
            raise ValueError("\udcff")
        raise asyncio.CancelledError

    subscribe(registry.values())
    tell(1)
    assert drain([*registry.values()]) == 1
    found = Delivery.objects.get()
    assert (found.attempts, found.lease, found.dead) == (1, "", False)
    assert ("\\udcff" if kind == "surrogate" else "CancelledError") in found.error


@once
def test_a_connection_to_another_database_that_was_lost_is_replaced(
    registry, postgres: None, once: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(connections.settings, "other", connections.settings["default"])
    connections["other"] = other = connection.copy()
    other.settings_dict["CONN_MAX_AGE"] = None

    @consumer("elsewhere", Ordered, once=once)
    def handle(event: Ordered, context: Context) -> None:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1")
        Effect.objects.create(number=event.number)

    subscribe(registry.values())
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    try:
        tell(1)
        drain([*registry.values()])
        assert effects() == []
        Delivery.objects.update(due_at=NOW)
        drain([*registry.values()])
        assert effects() == [1]
    finally:
        other.close()
        del connections["other"]


def failing(number: int, *, once: bool = True) -> None:
    @consumer("effects", Ordered, once=once)
    def handle(event: Ordered, context: Context) -> None:
        if event.number == number:
            raise RuntimeError
        Effect.objects.create(number=event.number)


@once
def test_all_that_wait_for_a_failed_event_are_moved_away_at_once(registry, once: bool):
    failing(0, once=once)
    effects_consumer = registry["effects"]
    subscribe([effects_consumer])
    tell(*range(100), key="a")
    tell(200, key="b")
    hand_out(effects_consumer)
    process(effects_consumer, "worker", 20)
    assert process(effects_consumer, "worker", 20) == (20, 0)
    assert process(effects_consumer, "worker", 20) == (1, 1)
    assert effects() == [200]
    assert not deliveries.has_due(effects_consumer)
    assert Delivery.objects.filter(key="a", dead=False, attempts=0).count() == 99


def test_a_drain_ends_only_when_nothing_is_due(registry, monkeypatch: pytest.MonkeyPatch):
    # Each turn ends after its first step.
    monkeypatch.setattr(workers, "_TURN", 1e-9)
    failing(0)
    subscribe(registry.values())
    tell(*range(60), key="a")
    tell(200, 201)
    drain([*registry.values()])
    assert effects() == [200, 201]


def test_a_drain_renews_what_it_has_taken(registry, settings):
    settings.MATT_EVENTS = {"LEASE": 0.3}
    go_on = threading.Event()

    @consumer("slow", Ordered)
    def handle(event: Ordered, context: Context) -> None:
        go_on.wait(90)

    subscribe(registry.values())
    tell(1, 2)

    def taken() -> Any:
        return (
            Delivery.objects.exclude(lease="").filter(position=2).values_list("delayed_at").first()
        )

    def drain_and_close() -> None:
        drain([*registry.values()])
        connections.close_all()

    with running(drain_and_close):
        try:
            wait_until(taken)
            first = taken()
            wait_until(lambda: taken() != first)
        finally:
            go_on.set()


@once
def test_a_worker_that_is_stopped_gives_back_what_it_has_not_begun(registry, once: bool):
    stop, calls = threading.Event(), list[int]()

    @consumer("effects", Ordered, once=once)
    def handle(event: Ordered, context: Context) -> None:
        calls.append(event.number)
        Effect.objects.create(number=event.number)
        if event.number == 2:
            stop.set()

    subscribe(registry.values())
    tell(*range(1, 21))
    work([*registry.values()], stop)
    assert calls == [1, 2]
    # A transaction is undone as a whole.
    assert effects() == ([] if once else [1, 2])
    left = Delivery.objects.filter(lease="", due_at=NOW, attempts=0)
    assert left.count() == (20 if once else 18)
    drain([*registry.values()])
    assert effects() == [*range(1, 21)]


@pytest.mark.parametrize("seconds", [-3_600, -8, 8, 3_600])
def test_the_clocks_of_workers_may_differ(
    registry, postgres: None, monkeypatch: pytest.MonkeyPatch, seconds: int
):
    failing(1, once=False)
    effects_consumer = registry["effects"]
    subscribe([effects_consumer])
    tell(1, 2)
    hand_out(effects_consumer)
    deliveries.claim(effects_consumer, "other", 5, 20)
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=seconds))
    deliveries.renew("other", 5)
    monkeypatch.undo()
    assert deliveries.forgive_clock() == 0
    assert drain([effects_consumer]) == 0
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=seconds))
    assert deliveries.forgive_clock() == 0
    assert drain([effects_consumer]) == 0


def test_a_failure_is_logged_and_its_first_line_shown(registry, caplog: pytest.LogCaptureFixture):
    @consumer("printer", Ordered, retries=1)
    def handle(event: Ordered, context: Context) -> None:
        raise ValueError("no paper\nin the second tray")

    subscribe(registry.values())
    tell(1)
    for _ in range(2):
        drain([*registry.values()])
        Delivery.objects.update(due_at=NOW)
    found = [each for each in caplog.records if "printer" in each.getMessage()]
    assert [each.levelno for each in found] == [logging.WARNING, logging.ERROR]
    event = Delivery.objects.select_related("event").get().event
    assert found[0].getMessage() == (
        f"The consumer printer has failed with the event {event.uuid} at position 1, attempt 1 of 2: ValueError: no paper"
    )
    assert "attempt 2 of 2, which is dead" in found[1].getMessage()
    assert found[0].exc_info is not None
    (standing,) = standings()
    assert standing.error == "ValueError: no paper"


def older_and_newer(registry: dict[str, Any]) -> tuple[Any, Any]:
    """Return one consumer as two releases of the code have it."""

    class Priced(EventSchema, topic="shop.priced", version=2):
        number: int

    def handle(event: Any, context: Context) -> None:
        Effect.objects.create(number=event.number)

    consumer("effects", Ordered, once=True)(handle)
    older = registry["effects"]
    consumer("effects", Ordered, Priced, once=True)(handle)
    return older, registry["effects"]


def test_an_older_worker_leaves_new_topics_to_a_newer_one(registry):
    older, newer = older_and_newer(registry)
    priced = newer.topics.keys() - older.topics.keys()
    assert priced == {"shop.priced"}
    drain([older])
    drain([newer])
    from django_matt.contrib.events.schemas import registered

    with transaction.atomic():
        publish(Ordered(number=1))
        publish(registered["shop.priced"](number=2), key="a")
        publish(Ordered(number=3), key="a")
    assert drain([older]) == 1
    assert effects() == [1]
    assert not Delivery.objects.exclude(attempts=0, error="", lease="").exists()
    Delivery.objects.update(due_at=NOW)
    assert drain([newer]) == 2
    assert effects() == [1, 2, 3]


def test_a_newer_version_is_left_to_a_newer_worker(registry):
    from django_matt.contrib.events.models import Event
    from django_matt.contrib.events.schemas import registered

    _, newer = older_and_newer(registry)
    drain([newer])
    publish(registered["shop.priced"](number=2), autocommit=True)
    Event.objects.update(version=3)
    assert drain([newer]) == 0
    assert Delivery.objects.get().attempts == 0
    with pytest.raises(ValueError, match="version 2, and the event 3"):
        registered["shop.priced"].read({"number": 2}, 3)
    Event.objects.update(version=2)
    assert drain([newer]) == 1
