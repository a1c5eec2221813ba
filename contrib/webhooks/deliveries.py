"""Deliveries: which event goes to which endpoint, who sends it, when it is tried again, and when it is given up."""

import json
import logging
import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from django_matt.contrib.webhooks.models import (
    LONG_AGO,
    Delivery,
    Endpoint,
    Message,
    ReadPosition,
    State,
)
from django_matt.contrib.webhooks.requests import Outcome
from django_matt.contrib.webhooks.settings import get_settings
from django_matt.event_log import EventLog, LoggedEvent, find_event_log

__all__ = [
    "AT_ONCE",
    "claim",
    "database_time",
    "disable",
    "find_log",
    "forgive_clock",
    "hand_out",
    "lease_time",
    "lock_position",
    "lock_writes",
    "make_deliveries",
    "make_message",
    "record",
    "wait_after",
    "webhook_database",
]

logger = logging.getLogger(__name__)

AT_ONCE = 500
"""How many events are read in one transaction."""
_PER_ENDPOINT = 4
"""How many deliveries of one endpoint are sent at the same time, by all workers."""
_WAITS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
"""After how many seconds a failed attempt is repeated: the schedule that Standard Webhooks recommends."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
_LONGEST_THROTTLE = timedelta(hours=1)


def webhook_database() -> str:
    """Return the alias of the database with the endpoints."""
    return router.db_for_write(Endpoint)


def find_log() -> EventLog:
    """Return the event log; raise ``ImproperlyConfigured`` if no installed app has one."""
    log = find_event_log()
    if log is None:
        raise ImproperlyConfigured(
            'Webhooks need an event log: add "django_matt.contrib.events" to INSTALLED_APPS.'
        )
    return log


def database_time(using: str) -> datetime:
    """Return the time of the database's clock, which all workers share: leases and waits do not depend on theirs."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def lock_writes(using: str) -> None:
    """On SQLite, wait for the only place of a writer before anything is read: the transaction may be deferred."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            cursor.execute("UPDATE matt_webhooks_readposition SET position = position WHERE 0")


def lease_time() -> timedelta:
    """Return after what time a delivery of a worker that has died is sent again. An attempt takes two thirds at most."""
    return timedelta(seconds=3 * get_settings().TIMEOUT)


# ---- from the log ----


def lock_position(using: str, *, skip_locked: bool = False) -> ReadPosition | None:
    """Lock the position up to which there are deliveries, in a transaction; ``None`` if another one has it."""
    rows = ReadPosition.objects.using(using)
    if not rows.exists():
        first = ReadPosition(pk=1, position=find_log().last_position())
        rows.bulk_create([first], ignore_conflicts=True)
    return rows.select_for_update(skip_locked=skip_locked).filter(pk=1).first()


def hand_out() -> int:
    """Make the deliveries of the next events; return how many positions of the log were read."""
    log, using = find_log(), webhook_database()
    last = log.last_position()
    if ReadPosition.objects.using(using).filter(position__gte=last).exists():
        return 0
    with transaction.atomic(using=using):
        lock_writes(using)
        read = lock_position(using, skip_locked=True)
        if read is None or read.position >= last:
            return 0
        if (first := log.first_position()) > read.position + 1:
            logger.error(
                "The events %s to %s were deleted before webhooks of them were sent.",
                read.position + 1,
                first - 1,
            )
        topics = get_settings().TOPICS
        events = log.read_events(read.position, topics=topics, limit=AT_ONCE) if topics else []
        make_deliveries(using, events)
        until = events[-1].position if events else last
        until = until if len(events) == AT_ONCE else max(until, last)
        moved = until - read.position
        ReadPosition.objects.using(using).filter(pk=read.pk).update(position=until)
        return moved


def make_deliveries(
    using: str, events: Sequence[LoggedEvent], only: Endpoint | None = None
) -> None:
    """Make deliveries of events for the endpoints that want them, or for ``only`` one, whatever it has got before."""
    found: Iterable[Endpoint] = [] if only is None else [only]
    if only is None:
        rows = Endpoint.objects.using(using).filter(
            disabled_at=None, tenant__in={each.tenant for each in events}
        )
        # None of them is disabled or deleted before its deliveries are there.
        found = rows.order_by("pk").select_for_update(no_key=True)
    by_tenant = defaultdict[str, list[Endpoint]](list)
    for endpoint in found:
        by_tenant[endpoint.tenant].append(endpoint)
    wanted = [
        (event, endpoint)
        for event in events
        for endpoint in by_tenant[event.tenant]
        if event.topic in endpoint.topics and (only or event.position > endpoint.since)
    ]
    if not wanted:
        return
    messages = {event.id: make_message(event) for event, _ in wanted}
    Message.objects.using(using).bulk_create(messages.values(), ignore_conflicts=True)
    now = database_time(using)
    made = [
        Delivery(endpoint=endpoint, message=messages[event.id], due_at=now, changed_at=now)
        for event, endpoint in wanted
    ]
    Delivery.objects.using(using).bulk_create(made, ignore_conflicts=True, batch_size=AT_ONCE)


def make_message(event: LoggedEvent) -> Message:
    """Return what is sent of an event, with the payload that Standard Webhooks recommends."""
    payload = {
        "type": event.topic,
        "timestamp": event.created.isoformat(),
        "version": event.version,
        "data": event.data,
    }
    # In ASCII, so that there is no text that cannot be encoded.
    body = json.dumps(payload, separators=(",", ":"))
    position = event.position or None
    return Message(id=event.id, position=position, topic=event.topic, body=body)


# ---- to the endpoints ----


def claim(limit: int) -> list[Delivery]:
    """Take deliveries that are due, for the length of a lease, as attempts that have begun.

    The row of their endpoint is locked meanwhile, so no other worker takes more of it than there may be at the same time: one
    while it is failing. Endpoints with many deliveries, or slow ones, leave room for the others.
    """
    using = webhook_database()
    if not _ready(using, database_time(using)).exists():
        return []
    taken = list[Delivery]()
    with transaction.atomic(using=using):
        lock_writes(using)
        now = database_time(using)
        ready = _ready(using, now).order_by("?").select_for_update(skip_locked=True)
        for endpoint in ready[:limit]:
            taken += _take(using, endpoint, limit - len(taken), now)
    return taken


def _ready(using: str, now: datetime) -> "QuerySet[Endpoint]":
    due = Delivery.objects.filter(endpoint=OuterRef("pk"), state=State.PENDING, due_at__lte=now)
    found = Endpoint.objects.using(using).filter(disabled_at=None, paused_until__lte=now)
    return found.filter(Exists(due))


def _take(using: str, endpoint: Endpoint, limit: int, now: datetime) -> list[Delivery]:
    rows = Delivery.objects.using(using).filter(endpoint=endpoint, state=State.PENDING)
    in_flight = rows.filter(due_at__gt=now).exclude(lease="").count()
    room = (1 if endpoint.failing_since else _PER_ENDPOINT) - in_flight
    due = rows.filter(due_at__lte=now).order_by("due_at", "id").select_related("message")
    taken = list(due.select_for_update(skip_locked=True, of=("self",))[: max(min(limit, room), 0)])
    lease = uuid.uuid4().hex
    rows.filter(pk__in=[each.pk for each in taken]).update(
        attempts=F("attempts") + 1, due_at=now + lease_time(), changed_at=now, lease=lease
    )
    for each in taken:
        each.attempts += 1
        each.lease, each.endpoint = lease, endpoint
    return taken


def record(delivery: Delivery, outcome: Outcome) -> None:
    """Store what became of an attempt, unless its lease has ended, or its endpoint was deleted."""
    using = webhook_database()
    mine = Delivery.objects.using(using).filter(pk=delivery.pk, lease=delivery.lease)
    told = {"status": outcome.status, "reason": outcome.reason[:200], "lease": ""}
    is_test = delivery.message.position is None
    with transaction.atomic(using=using):
        lock_writes(using)
        now = database_time(using)
        # Before its deliveries, as claim() does: two transactions must not wait for each other.
        rows = Endpoint.objects.using(using).filter(pk=delivery.endpoint_id)
        if outcome.is_success:
            if not is_test:
                rows.exclude(failing_since=None).update(failing_since=None, paused_until=LONG_AGO)
            mine.update(**told, state=State.DELIVERED, changed_at=now)
            return
        endpoint = rows.select_for_update().first()
        if endpoint is None or not mine.exists():
            return
        if outcome.is_fault_of_endpoint and not is_test:
            _blame(using, endpoint, outcome, now)
        is_over = is_test or endpoint.disabled_at or delivery.attempts > len(_WAITS)
        mine.update(
            **told,
            state=State.DEAD if is_over else State.PENDING,
            due_at=now + wait_after(delivery.attempts, outcome.retry_after),
            changed_at=now,
        )


def wait_after(attempts: int, asked: int = 0) -> timedelta:
    """Return how long to wait after a number of attempts, minus up to a fifth at random, or as long as the response asks."""
    seconds = _WAITS[min(attempts, len(_WAITS)) - 1]
    jitter = random.uniform(0.8, 1.0)  # noqa: S311 - no secret
    return timedelta(seconds=max(seconds * jitter, min(asked, _WAITS[-1])))


def _blame(using: str, endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
    """Pause an endpoint that fails, the longer the longer it does, or disable it."""
    first = endpoint.failing_since = endpoint.failing_since or now
    failing = now - first
    pause = min(max(failing, _SHORTEST_PAUSE), _LONGEST_PAUSE)
    asked = min(timedelta(seconds=outcome.retry_after), _LONGEST_THROTTLE)
    endpoint.paused_until = now + max(pause, asked)
    endpoint.save(using=using, update_fields=["failing_since", "paused_until"])
    days = get_settings().DISABLE_AFTER_DAYS
    if outcome.status == 410:
        disable(using, endpoint, "It has answered 410 Gone.", now)
    elif failing >= timedelta(days=days):
        disable(using, endpoint, f"It has failed for {days:g} days.", now)


def disable(using: str, endpoint: Endpoint, reason: str, now: datetime) -> None:
    """Send nothing to an endpoint any more. What is pending is dead, until it is replayed."""
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_at, endpoint.disabled_reason = now, reason
    endpoint.save(using=using, update_fields=["disabled_at", "disabled_reason"])
    pending = Delivery.objects.using(using).filter(endpoint=endpoint, state=State.PENDING)
    pending.filter(lease="").update(
        state=State.DEAD, reason="The endpoint was disabled.", changed_at=now
    )
    logger.warning("The endpoint %s of webhooks was disabled: %s", endpoint.pk, reason)


def forgive_clock() -> int:
    """Make due what was delayed at a time that has yet to come: the clock was set back. Return how many deliveries."""
    using = webhook_database()
    now = database_time(using)
    later = now + timedelta(seconds=5)
    pending = Delivery.objects.using(using).filter(state=State.PENDING, due_at__gt=now)
    delayed = pending.filter(changed_at__gt=later)
    # Those that are being sent may be sent again after the lease, and not before.
    count = delayed.exclude(lease="").update(due_at=now + lease_time(), changed_at=now)
    count += delayed.filter(lease="").update(due_at=now, changed_at=now)
    paused = Endpoint.objects.using(using).filter(paused_until__gt=later + _LONGEST_THROTTLE)
    paused.update(paused_until=LONG_AGO)
    return count
