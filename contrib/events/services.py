"""Publishes events, gives them positions after the commit, and reads them in that order."""

import re
import uuid
from collections.abc import Sequence

from django.db import connections, router, transaction
from django.db.models import Min
from django.utils import timezone
from pydantic_core import from_json

from django_matt.contrib.events.errors import EventTooLarge, NotInTransaction
from django_matt.contrib.events.models import Event, Log
from django_matt.contrib.events.schemas import EventSchema
from django_matt.contrib.events.tenancies import tenant_key
from django_matt.event_log import LoggedEvent

__all__ = [
    "MAX_BYTES",
    "event_database",
    "first_position",
    "give_positions",
    "last_position",
    "lock_writes",
    "logged",
    "publish",
    "read_events",
    "store_event",
]

MAX_BYTES = 262_144
"""The size of an event's data as JSON, at most."""
_RELAY = 7_061_994_116
"""The key of the advisory lock: the relay of one process at a time."""
_AT_ONCE = 1_000
_HIDDEN = '"**********"'
"""What pydantic stores instead of a secret."""
_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")


def event_database() -> str:
    """Return the alias of the database with the log. Transactions of others cannot publish exactly if they commit."""
    return router.db_for_write(Event)


def publish(
    event: EventSchema, *, key: object = "", tenant: object = None, autocommit: bool = False
) -> uuid.UUID:
    """Store an event in the transaction of the caller, and return its id.

    Events with the same ``key`` are processed one after the other. The ``tenant`` is a model instance or its primary
    key; by default that of the request, or of the event that is being processed; ``""`` is for all tenants. Raises
    ``NotInTransaction`` outside of a transaction, unless you pass ``autocommit=True``; ``EventTooLarge`` above 256 KiB;
    ``ValueError`` for a class without a topic, a key or tenant that is too long, text with NUL characters, and data that
    its class does not read again, such as NaN and secrets.
    """
    if not event.topic:
        raise ValueError(f"{type(event).__name__} has no topic: write EventSchema, topic=….")
    data = event.model_dump_json(by_alias=True, round_trip=True)
    read = type(event).read(from_json(data), event.version)
    if _HIDDEN in data and read != event:
        raise ValueError(
            f"{type(event).__name__} has a SecretStr or SecretBytes, whose value would not be stored."
        )
    return store_event(
        event.topic,
        data,
        version=event.version,
        key="" if key is None else str(key),
        tenant=tenant_key(tenant),
        autocommit=autocommit,
    )


def store_event(
    topic: str, data: str, *, version: int = 1, key: str, tenant: str, autocommit: bool = False
) -> uuid.UUID:
    """Store an event whose data is JSON already; see ``publish``."""
    using = event_database()
    if not (autocommit or connections[using].in_atomic_block):
        raise NotInTransaction(
            f"{topic!r} is published outside of a transaction. Put it and what it tells into one transaction.atomic() "
            "block, or pass autocommit=True."
        )
    if len(data.encode()) > MAX_BYTES:
        raise EventTooLarge(
            f"The data of {topic!r} is larger than {MAX_BYTES:,} bytes. Store it elsewhere, and publish its key."
        )
    if len(key) > 200 or len(tenant) > 100:
        raise ValueError("A key has at most 200 characters, a tenant 100.")
    # The first test is fast, and large data seldom passes it.
    if ("\\u0000" in data and _NUL.search(data)) or "\0" in key or "\0" in tenant:
        raise ValueError(f"The event {topic!r} has a NUL character, which PostgreSQL cannot store.")
    stored = Event(
        topic=topic,
        version=version,
        key=key,
        tenant=tenant,
        data=from_json(data, allow_inf_nan=False),
        created=timezone.now(),
    )
    stored.save(using=using, force_insert=True)
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            # PostgreSQL sends it at the commit, and once for a transaction.
            cursor.execute("NOTIFY matt_events_published")
    return stored.uuid


def lock_writes(using: str) -> None:
    """On SQLite, wait for the only place of a writer before anything is read: the transaction may be deferred."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            # It changes no page, so processes that wait for ``data_version`` are not woken.
            cursor.execute("UPDATE matt_events_log SET last = last WHERE 0")


def give_positions() -> int:
    """Give positions to the committed events that have none, and return how many; 0 if another process is doing it."""
    using = event_database()
    if not Event.objects.using(using).filter(position=None).exists():
        return 0
    given = 0
    while True:
        count = _give_some(using)
        given += count
        if count < _AT_ONCE:
            return given


def _give_some(using: str) -> int:
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Released after the commit is visible to others, so the next process sees these positions.
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_RELAY])
            if not cursor.fetchone()[0]:
                return 0
        lock_writes(using)
        log, _ = Log.objects.using(using).get_or_create(pk=1)
        cursor.execute(
            "UPDATE matt_events_event SET position = %s + due.n FROM (SELECT found, row_number() OVER (ORDER BY found) AS n"
            " FROM (SELECT id AS found FROM matt_events_event WHERE position IS NULL ORDER BY id LIMIT %s) AS first)"
            " AS due WHERE id = due.found",
            [log.last, _AT_ONCE],
        )
        count: int = cursor.rowcount
        if count:
            cursor.execute("UPDATE matt_events_log SET last = last + %s WHERE id = 1", [count])
            if connection.vendor == "postgresql":
                cursor.execute("NOTIFY matt_events_positions")
        return count


def last_position() -> int:
    """Return the position of the newest event; 0 if there was none."""
    return Log.objects.using(event_database()).values_list("last", flat=True).first() or 0


def first_position() -> int:
    """Return the position of the oldest event that is still stored; one more than the last if there is none."""
    found = Event.objects.using(event_database()).aggregate(first=Min("position"))["first"]
    return last_position() + 1 if found is None else int(found)


def read_events(after: int, *, topics: Sequence[str] = (), limit: int = 1000) -> list[LoggedEvent]:
    """Return the events after a position, in order, of all topics if none is named; one query."""
    found = Event.objects.using(event_database()).filter(position__gt=after).order_by("position")
    if topics:
        found = found.filter(topic__in=topics)
    return [logged(each) for each in found[:limit]]


def logged(event: Event) -> LoggedEvent:
    """Return a stored event as the Protocol has it."""
    return LoggedEvent(
        position=event.position or 0,
        id=str(event.uuid),
        topic=event.topic,
        key=event.key,
        tenant=event.tenant,
        data=event.data,
        version=event.version,
        created=event.created,
    )
