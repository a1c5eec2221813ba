"""A long log and a long table of deliveries are read by indexes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_matt.contrib.events import deliveries, subscriptions
from django_matt.contrib.events.consumers import Context, consumer
from django_matt.contrib.events.models import NOW, Delivery, Event, Log, Subscription
from django_matt.contrib.events.processing import process
from django_matt.contrib.events.services import give_positions, last_position, read_events

from .shop.consumers import Ordered

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 5_000


def fill(name: str) -> None:
    """Store a log, of which half has been handed out."""
    events = [
        Event(
            id=n,
            position=n,
            topic="shop.ordered",
            key=f"k{n % 997}",
            data={"number": n},
            created=NOW,
        )
        for n in range(1, ROWS + 1)
    ]
    Event.objects.bulk_create(events, batch_size=5_000)
    due = [
        Delivery(consumer=name, event=each, position=each.position, key=each.key)
        for each in events[: ROWS // 2]
    ]
    Delivery.objects.bulk_create(due, batch_size=5_000)
    Log.objects.create(pk=1, last=ROWS)
    Subscription.objects.create(consumer=name, topics=["shop.ordered"], position=ROWS // 2)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def plan(sql: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}".replace("%", "%%"), [])
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_no_statement_of_a_worker_and_of_the_relay_reads_a_whole_table(registry):
    @consumer("effects", Ordered, once=True)
    def handle(event: Ordered, context: Context) -> None: ...

    fill("effects")
    effects = registry["effects"]
    with CaptureQueriesContext(connection) as captured:
        assert deliveries.has_due(effects)
        assert process(effects, "a worker", 20) == (20, 20)
        assert subscriptions.has_new(effects)
        assert subscriptions.hand_out(effects) > 0
        assert give_positions() == 0
        assert last_position() == ROWS
        read_events(ROWS - 100)
    verbs = ("SELECT", "UPDATE", "DELETE", "INSERT")
    plans = {
        query["sql"]: plan(query["sql"])
        for query in captured
        if query["sql"].strip().startswith(verbs) and "matt_events" in query["sql"]
    }
    assert sum("matt_events_due" in each for each in plans.values()) >= 2
    for sql, found in plans.items():
        for table in ("matt_events_event", "matt_events_delivery", "matt_events_receipt"):
            assert f"Seq Scan on {table}" not in found, (sql, found)
            scans = [line for line in found.splitlines() if line.startswith(f"SCAN {table}")]
            assert all("INDEX" in line for line in scans), (sql, found)
