"""Subscriptions: which topics a consumer gets, and up to which position its deliveries have been made."""

from collections.abc import Iterable

from django.db import connections, transaction
from django.db.models import Min

from django_matt.contrib.events.consumers import Consumer, consumers
from django_matt.contrib.events.models import NOW, Delivery, Event, Receipt, Subscription
from django_matt.contrib.events.services import event_database, last_position, lock_writes

__all__ = ["forget", "hand_out", "has_new", "replay", "subscribe", "undelivered_from"]

_HAND_OUT = """
    INSERT INTO matt_events_delivery
        (consumer, event_id, position, key, attempts, due_at, delayed_at, lease, dead, error)
    SELECT %s, id, position, key, 0, %s, %s, '', %s, '' FROM matt_events_event
    WHERE position > %s AND position <= %s AND topic IN ({topics})
    ON CONFLICT DO NOTHING
"""
_HANDED_OUT_AT_ONCE = 1_000


def subscribe(chosen: Iterable[Consumer]) -> None:
    """Let new consumers get the events that are published from now on, and known ones those of their new topics.

    Topics are only added, as a worker with older or newer code may run at the same time. ``forget`` removes them.
    """
    using, wanted = event_database(), list(chosen)
    stored = Subscription.objects.using(using)
    rows = stored.filter(consumer__in=[each.name for each in wanted])
    known = dict(rows.values_list("consumer", "topics"))
    for each in wanted:
        if each.topics.keys() <= set(known.get(each.name, ())):
            continue
        with transaction.atomic(using=using):
            lock_writes(using)
            row, _ = stored.select_for_update().get_or_create(
                consumer=each.name, defaults={"position": last_position()}
            )
            row.topics = sorted({*row.topics, *each.topics})
            row.save(using=using, update_fields=["topics"])


def has_new(consumer: Consumer) -> bool:
    """Tell whether the log has events that a consumer has not looked at; it locks nothing."""
    rows = Subscription.objects.using(event_database()).filter(consumer=consumer.name)
    return rows.filter(position__lt=last_position()).exists()


def hand_out(consumer: Consumer) -> int:
    """Make the deliveries of the next events of a consumer; return how many positions it has moved on.

    Also of topics that only a newer worker knows: it processes what this one has handed out.
    """
    using = event_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        found = Subscription.objects.using(using).select_for_update(skip_locked=True)
        subscription = found.filter(consumer=consumer.name).first()
        if subscription is None:
            return 0
        until = min(last_position(), subscription.position + _HANDED_OUT_AT_ONCE)
        moved = until - subscription.position
        if moved > 0:
            _insert(using, consumer.name, subscription.topics, subscription.position, until)
            subscription.position = until
            subscription.save(using=using, update_fields=["position"])
        return max(moved, 0)


def _insert(using: str, name: str, topics: Iterable[str], after: int, until: int) -> int:
    connection, topics = connections[using], list(topics)
    due = connection.ops.adapt_datetimefield_value(NOW)
    places = ", ".join(["%s"] * len(topics))
    with connection.cursor() as cursor:
        cursor.execute(
            _HAND_OUT.format(topics=places), [name, due, due, False, after, until, *topics]
        )
        return int(cursor.rowcount)


def replay(consumer: Consumer, position: int, *, again: bool = False) -> int:
    """Deliver the events from a position on once more, the dead ones included; return how many.

    Those that a consumer with ``once=True`` has a receipt for are skipped, unless ``again`` deletes the receipts.
    """
    using = event_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        until = Subscription.objects.using(using).get(consumer=consumer.name).position
        if again:
            events = Event.objects.using(using).filter(position__gte=position, position__lte=until)
            Receipt.objects.using(using).filter(
                consumer=consumer.name, event__in=events.values("pk")
            ).delete()
        dead = Delivery.objects.using(using).filter(consumer=consumer.name, dead=True)
        revived = dead.filter(position__gte=position).update(dead=False, attempts=0, due_at=NOW)
        return revived + _insert(using, consumer.name, consumer.topics, position - 1, until)


def forget(name: str) -> int:
    """Remove what the code no longer has, a consumer or topics of one; return how many deliveries that were.

    Raises ``Subscription.DoesNotExist`` for a name that has never been subscribed.
    """
    using, consumer = event_database(), consumers.get(name)
    with transaction.atomic(using=using):
        lock_writes(using)
        row = Subscription.objects.using(using).select_for_update().get(consumer=name)
        rows = Delivery.objects.using(using).filter(consumer=name)
        if consumer is None:
            Receipt.objects.using(using).filter(consumer=name).delete()
            row.delete(using=using)
        else:
            row.topics = sorted(consumer.topics)
            row.save(using=using, update_fields=["topics"])
            rows = rows.exclude(event__topic__in=row.topics)
        return rows.delete()[0]


def undelivered_from() -> int:
    """Return the position from which on events are needed: not all consumers of the project have processed them."""
    using, names = event_database(), list(consumers)
    rows = Subscription.objects.using(using).filter(consumer__in=names)
    found = [last_position() + 1, *(each.position + 1 for each in rows)]
    pending = Delivery.objects.using(using).filter(consumer__in=names, dead=False)
    first = pending.aggregate(first=Min("position"))["first"]
    return min(found if first is None else [*found, first])
