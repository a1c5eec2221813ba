"""Positions are given after the commit: a reader by position loses nothing, and reads in order."""

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.db import connection, connections, transaction

from django_matt.contrib.events.models import Event
from django_matt.contrib.events.relays import relay, relay_lifespan
from django_matt.contrib.events.services import (
    first_position,
    give_positions,
    last_position,
    publish,
    read_events,
)
from django_matt.event_log import find_event_log

from .shop.consumers import Ordered

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS, EACH = 8, 20


def write(writer: int) -> None:
    for number in range(EACH):
        with transaction.atomic():
            publish(Ordered(number=writer * 1_000 + number))
            time.sleep(random.uniform(0, 0.01))
    connections.close_all()


def test_a_reader_by_position_loses_nothing_under_overlapping_writers():
    seen, ids = list[int](), set[int]()
    numbers, last_id = list[int](), 0
    stop = threading.Event()
    relays = [threading.Thread(target=relay, args=(stop,), name="matt-relay") for _ in range(2)]
    for each in relays:
        each.start()
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(write, writer) for writer in range(WRITERS)]
            until = time.monotonic() + 60
            while len(numbers) < WRITERS * EACH and time.monotonic() < until:
                for event in read_events(seen[-1] if seen else 0):
                    seen.append(event.position)
                    numbers.append(event.data["number"])
                by_id = list(Event.objects.filter(id__gt=last_id).order_by("id").values("id"))
                ids |= {row["id"] for row in by_id}
                last_id = max(ids, default=0)
            for future in writing:
                future.result()
    finally:
        stop.set()
        for each in relays:
            each.join()
    assert seen == list(range(1, WRITERS * EACH + 1))
    assert len(set(numbers)) == WRITERS * EACH
    # Each writer's events are in its order.
    assert all(
        [n for n in numbers if n // 1_000 == writer] == [writer * 1_000 + n for n in range(EACH)]
        for writer in range(WRITERS)
    )
    if connection.vendor == "sqlite":
        assert len(ids) == WRITERS * EACH  # one writer at a time


def test_an_id_that_commits_late_is_passed_by_and_its_position_is_not():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    begun, commit = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            publish(Ordered(number=1))
            begun.set()
            commit.wait(30)
        connections.close_all()

    thread = threading.Thread(target=late)
    thread.start()
    assert begun.wait(30)
    publish(Ordered(number=2), autocommit=True)
    give_positions()
    (first,) = read_events(0)
    newest = Event.objects.latest("id").id
    commit.set()
    thread.join()
    give_positions()
    assert not Event.objects.filter(id__gt=newest).exists()
    assert [each.data["number"] for each in read_events(first.position)] == [1]


def test_more_than_a_batch_gets_positions():
    Event.objects.bulk_create(
        Event(topic="shop.ordered", data={"number": n}, created="2026-01-01T00:00:00Z")
        for n in range(1_001)
    )
    assert give_positions() == 1_001
    assert give_positions() == 0
    assert (first_position(), last_position()) == (1, 1_001)
    assert len(read_events(0)) == 1_000
    assert [each.position for each in read_events(1_000)] == [1_001]
    assert read_events(0, topics=["shop.other"]) == []


def test_an_empty_log_begins_at_one():
    assert (first_position(), last_position(), read_events(0)) == (1, 0, [])


def test_the_app_is_the_event_log():
    log: object = find_event_log()
    assert log is apps.get_app_config("matt_events")


def test_the_log_tells_of_new_positions_while_the_relay_of_the_server_runs():
    log = find_event_log()
    assert log is not None

    async def watch() -> list[int]:
        found = []
        async with relay_lifespan():
            positions = log.positions()
            async with asyncio.timeout(60):
                async for position in positions:
                    found.append(position)
                    if position == 3:
                        break
                    await asyncio.to_thread(tell, position)
            await positions.aclose()  # type: ignore[attr-defined]
        return found

    def tell(number: int) -> None:
        publish(Ordered(number=number), autocommit=True)
        connections.close_all()

    assert asyncio.run(watch()) == [0, 1, 2, 3]
    events = log.read_events(log.first_position() - 1)
    assert [each.position for each in events] == [1, 2, 3]


def test_the_relay_of_the_server_can_be_turned_off(settings):
    async def threads() -> set[str]:
        async with apps.get_app_config("matt_events").lifespan():  # type: ignore[attr-defined]
            return {each.name for each in threading.enumerate()}

    assert "matt-relay" in asyncio.run(threads())
    settings.MATT_EVENTS = {"RELAY": False}
    assert "matt-relay" not in asyncio.run(threads())
