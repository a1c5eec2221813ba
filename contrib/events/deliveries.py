"""Deliveries: who has taken which event, when it is tried again, and when it is given up."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connections, transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.utils import timezone

from django_matt.contrib.events.consumers import Consumer
from django_matt.contrib.events.models import NOW, Delivery
from django_matt.contrib.events.services import event_database, lock_writes

__all__ = [
    "Claimed",
    "begin",
    "claim",
    "fail",
    "forgive_clock",
    "give_back",
    "has_due",
    "new_lease",
    "readable",
    "release",
    "release_all",
    "renew",
    "succeed",
]

logger = logging.getLogger(__name__)

_BLOCKED = timedelta(milliseconds=200)
"""How long an event waits for one with its key that another worker has taken."""
_LOST = "The process ended while it was processing the event.\n"


def read_clock(using: str) -> datetime:
    """Return the time of the database server, as the clocks of the workers differ. SQLite has the clock of its machine."""
    if connections[using].vendor != "postgresql":
        return timezone.now()
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def readable(consumer: Consumer) -> Q:
    """Match the deliveries whose events this code can read; a worker with newer code processes the others."""
    found = Q()
    for topic, version in consumer.topics.items():
        found |= Q(event__topic=topic, event__version__lte=version)
    return found


def has_due(consumer: Consumer) -> bool:
    """Tell whether deliveries of a consumer are due; it locks nothing."""
    using = event_database()
    # Ordered, as PostgreSQL may read the whole table for an EXISTS that most rows fulfil.
    due = _due(using, consumer, read_clock(using)).order_by("due_at", "position")
    return bool(due.values_list("pk")[:1])


def _due(using: str, consumer: Consumer, now: datetime) -> "QuerySet[Delivery]":
    rows = Delivery.objects.using(using).filter(consumer=consumer.name, dead=False, due_at__lte=now)
    return rows.filter(readable(consumer))


@dataclass(slots=True)
class Claimed:
    """What a worker has taken, each list in the order in which it is processed."""

    found: int = 0
    """How many deliveries were due and not locked, with those that wait for one before them."""
    together: list[Delivery] = field(default_factory=list)
    """What nobody has tried."""
    alone: list[Delivery] = field(default_factory=list)
    """What has failed, or was in a batch whose worker has died, and what comes after it by its key."""
    is_counted: bool = False
    """Whether the attempt of the only one has been counted."""


def claim(consumer: Consumer, lease: str, seconds: float, limit: int) -> Claimed:
    """Take deliveries that are due for some seconds, the oldest first, with their events.

    What was being tried for the last time when its worker died is dead.
    """
    using, claimed = event_database(), Claimed()
    with marking(using) as now:
        found = _take(using, consumer, limit, now)
        claimed.found = len(found)
        taken = _without_lost(using, consumer, _without_blocked(using, consumer, found, now))
        if not taken:
            return claimed
        claimed.together, claimed.alone = _group(taken)
        claimed.is_counted = len(taken) == 1
        wait, counted = timedelta(seconds=seconds), {}
        if claimed.is_counted:
            taken[0].attempts += 1
            counted["attempts"] = taken[0].attempts
            wait = _wait(consumer, taken[0], wait)
        Delivery.objects.using(using).filter(pk__in=[each.pk for each in taken]).update(
            due_at=now + wait, delayed_at=now, lease=lease, **counted
        )
    for each in taken:
        each.lease = lease
    return claimed


def _take(using: str, consumer: Consumer, limit: int, now: datetime) -> list[Delivery]:
    due = _due(using, consumer, now)
    locked = due.select_related("event").select_for_update(skip_locked=True, of=("self",))
    return sorted(locked.order_by("due_at", "position")[:limit], key=lambda each: each.position)


def _without_blocked(
    using: str, consumer: Consumer, found: list[Delivery], now: datetime
) -> list[Delivery]:
    """Leave out what waits for one before it with its key.

    All that wait for it, found or not, are due when that one is, so that no call finds them again.
    """
    keys = {each.key for each in found if each.key}
    if not keys:
        return found
    others = Delivery.objects.using(using).filter(
        consumer=consumer.name, dead=False, key__in=keys, position__lt=found[-1].position
    )
    others = others.exclude(pk__in=[each.pk for each in found])
    rows = others.order_by().values_list("key")
    free = found
    for key, position, due_at, lease in rows.annotate(Min("position"), Min("due_at"), Max("lease")):
        free = [each for each in free if each.key != key or each.position < position]
        waiting = Delivery.objects.using(using).filter(
            consumer=consumer.name, dead=False, key=key, position__gt=position, due_at__lte=now
        )
        # Not what other workers have locked: two that wait for each other's rows would be a deadlock.
        waiting = waiting.select_for_update(skip_locked=True)
        soon = now + _BLOCKED
        Delivery.objects.using(using).filter(pk__in=waiting.values("pk")).update(
            due_at=soon if lease else max(due_at, soon), delayed_at=now
        )
    return free


def _without_lost(using: str, consumer: Consumer, found: list[Delivery]) -> list[Delivery]:
    """Leave out what was being tried for the last time when its worker died: it is dead from now on."""
    lost = [each for each in found if each.lease and each.attempts > consumer.retries]
    if lost:
        Delivery.objects.using(using).filter(pk__in=[each.pk for each in lost]).update(
            dead=True, lease="", error=_LOST
        )
    for each in lost:
        logger.error(
            "The consumer %s has ended its process at its last attempt with the event %s at position %s, which is dead.",
            consumer.name,
            each.event.uuid,
            each.position,
        )
    return [each for each in found if each not in lost]


def _group(taken: list[Delivery]) -> tuple[list[Delivery], list[Delivery]]:
    """Return what is processed together and what alone, the least suspicious first, and each key in its order."""
    ranks, of_key = dict[int, tuple[int, bool]](), dict[str, tuple[int, bool]]()
    for each in taken:
        rank = each.attempts, bool(each.lease)
        if each.key:
            rank = of_key[each.key] = max(rank, of_key.get(each.key, rank))
        ranks[each.pk] = rank
    fresh = (0, False)
    alone = [each for each in taken if ranks[each.pk] > fresh]
    alone.sort(key=lambda each: ranks[each.pk])
    return [each for each in taken if ranks[each.pk] == fresh], alone


def begin(consumer: Consumer, delivery: Delivery, seconds: float) -> bool:
    """Count an attempt before it is made, as the process may not survive it; False if another worker has taken it."""
    using = event_database()
    delivery.attempts += 1
    wait = _wait(consumer, delivery, timedelta(seconds=seconds))
    with marking(using) as now:
        rows = Delivery.objects.using(using).filter(pk=delivery.pk, lease=delivery.lease)
        return bool(rows.update(attempts=delivery.attempts, due_at=now + wait, delayed_at=now))


def _wait(consumer: Consumer, delivery: Delivery, least: timedelta) -> timedelta:
    """Return when a delivery is tried again whose worker dies."""
    return max(least, consumer.wait(delivery.attempts))


@contextmanager
def marking(using: str) -> Iterator[datetime]:
    """Open a transaction that notes what a worker is about to do, and yield the time of the database.

    Its commit outlives the worker. It does not wait for the disk: if the database server dies, the note may be lost.
    """
    with transaction.atomic(using=using):
        if connections[using].vendor == "postgresql":
            with connections[using].cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        lock_writes(using)
        yield read_clock(using)


def renew(lease: str, seconds: float) -> None:
    """Keep what a worker has taken for some seconds more."""
    using = event_database()
    now = read_clock(using)
    Delivery.objects.using(using).filter(lease=lease).update(
        due_at=now + timedelta(seconds=seconds), delayed_at=now
    )


def succeed(delivery: Delivery) -> None:
    """Delete a delivery, unless another worker has taken it because the lease has ended."""
    rows = Delivery.objects.using(event_database())
    rows.filter(pk=delivery.pk, lease=delivery.lease).delete()


def release(delivery: Delivery) -> None:
    """Give a delivery back that was taken and not tried."""
    rows = Delivery.objects.using(event_database())
    rows.filter(pk=delivery.pk, lease=delivery.lease).update(due_at=NOW, lease="")


def release_all(lease: str) -> None:
    """Give back what a worker has taken and not tried."""
    Delivery.objects.using(event_database()).filter(lease=lease).update(due_at=NOW, lease="")


def give_back(lease: str) -> None:
    """Give back what a worker has taken that has lost its connection: that is no failed attempt."""
    rows = Delivery.objects.using(event_database()).filter(lease=lease)
    rows.filter(attempts__gt=0).update(attempts=F("attempts") - 1)
    rows.update(due_at=NOW, lease="")


def fail(consumer: Consumer, delivery: Delivery, error: str) -> bool:
    """Note that an attempt has failed, which has been counted; return whether it was the last one."""
    using = event_database()
    now, is_dead = read_clock(using), delivery.attempts > consumer.retries
    rows = Delivery.objects.using(using).filter(pk=delivery.pk, lease=delivery.lease)
    rows.update(
        dead=is_dead,
        due_at=now + consumer.wait(delivery.attempts),
        delayed_at=now,
        lease="",
        # Surrogates and NUL characters cannot be stored.
        error=error.encode("utf-8", "backslashreplace").decode().replace("\0", ""),
    )
    return is_dead


def forgive_clock() -> int:
    """Make due what was delayed at a time that has yet to come: the clock was set back. Return how many."""
    using = event_database()
    now = read_clock(using)
    rows = Delivery.objects.using(using).filter(due_at__gt=now, dead=False)
    return rows.filter(delayed_at__gt=now + timedelta(seconds=5)).update(due_at=NOW)


def new_lease() -> str:
    """Return a random name for a worker."""
    return uuid.uuid4().hex
