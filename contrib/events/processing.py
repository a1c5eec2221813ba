"""Calls consumers with what is due: in transactions with receipts, or one by one under a lease."""

import logging
import traceback
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import InterfaceError, connections, transaction

from django_matt.contrib.events.consumers import Consumer
from django_matt.contrib.events.deliveries import (
    begin,
    claim,
    fail,
    release,
    release_all,
    succeed,
)
from django_matt.contrib.events.models import Delivery
from django_matt.contrib.events.services import event_database, lock_writes
from django_matt.contrib.events.settings import get_settings

__all__ = ["AT_ONCE", "process"]

logger = logging.getLogger(__name__)

AT_ONCE = 20
"""How many deliveries share a transaction."""
_UNTIL_LOCKED = 5.0
"""For how many seconds a delivery is taken until the transaction locks it in which it is processed."""


class _TakenByOthersError(Exception):
    """Another worker has some of the deliveries: this one was slow, and its lease has ended."""


class _StoppedError(Exception):
    """The worker was stopped in the middle of a transaction, which is undone."""


def _never() -> bool:
    return False


def process(
    consumer: Consumer, lease: str, limit: int, is_stopped: Callable[[], bool] = _never
) -> tuple[int, int]:
    """Process up to ``limit`` deliveries; return how many were found, and how many of them were tried.

    With ``once=True``, up to ``AT_ONCE`` are processed in one transaction. If one of them fails, nothing is written, and each is
    tried in a transaction of its own. An attempt is counted before it is made, unless it is one of many: a consumer that ends
    its process is called again with each event of the batch alone, and the event that ends it again is dead after its last
    attempt. ``lease`` names the worker, which must ``renew`` it while this runs. Once it ``is_stopped``, it gives back what it
    has not begun.
    """
    seconds = get_settings().LEASE
    if consumer.once:
        seconds = min(seconds, _UNTIL_LOCKED)
    claimed = claim(consumer, lease, seconds, limit)
    size = AT_ONCE if consumer.once else 1
    parts = [claimed.together[n : n + size] for n in range(0, len(claimed.together), size)]
    stopped = set[str]()
    """The keys whose order would be lost if one more of their events was processed."""
    for part in [*parts, *([each] for each in claimed.alone)]:
        is_free = len(part) > 1 and stopped.isdisjoint(each.key for each in part)
        if is_free and not is_stopped() and not _attempt(consumer, part, is_stopped):
            continue
        for each in part:
            # The attempt of a single one is counted already, so it is made.
            if is_stopped() and not claimed.is_counted:
                release_all(lease)
                return claimed.found, 0
            if each.key in stopped:
                release(each)
            elif not _try(consumer, each, seconds, is_counted=claimed.is_counted):
                stopped |= {each.key} - {""}
    return claimed.found, len(claimed.together) + len(claimed.alone)


def _try(consumer: Consumer, one: Delivery, seconds: float, *, is_counted: bool) -> bool:
    """Process one delivery, and tell whether it is done."""
    if not (is_counted or begin(consumer, one, seconds)):
        return False
    error = _attempt(consumer, [one], _never)
    if error is None:
        return True
    lines = "".join(traceback.format_exception(error))
    first = "".join(traceback.format_exception_only(error)).strip().partition("\n")[0][:200]
    is_dead = fail(consumer, one, f"{first}\n{lines[-4_000:]}")
    logger.log(
        logging.ERROR if is_dead else logging.WARNING,
        "The consumer %s has failed with the event %s at position %s, attempt %s of %s%s: %s",
        consumer.name,
        one.event.uuid,
        one.position,
        one.attempts,
        consumer.retries + 1,
        ", which is dead" if is_dead else "",
        first,
        exc_info=error,
    )
    return False


def _attempt(
    consumer: Consumer, deliveries: Sequence[Delivery], is_stopped: Callable[[], bool]
) -> BaseException | None:
    """Process deliveries, and return what failed; a lost connection is raised, as it is no failed attempt."""
    using = event_database()
    _close_lost_connections(using)
    connections[using].ensure_connection()
    driver: Any = connections[using].connection
    try:
        if consumer.once:
            _process_once(using, consumer, deliveries, is_stopped)
        else:
            consumer.handle(deliveries[0].event, deliveries[0].attempts)
    except (Exception, CancelledError) as error:
        # The commit may fail too, because of what a consumer has written.
        if consumer.once and _is_lost(driver):
            raise InterfaceError("The connection was lost in a transaction.") from error
        return error
    if not consumer.once:
        succeed(deliveries[0])
    return None


def _close_lost_connections(using: str) -> None:
    """Close connections to other databases that were lost or are too old, as each request does."""
    for each in connections.all(initialized_only=True):
        if each is not connections[using]:
            each.close_if_unusable_or_obsolete()


def _is_lost(driver: Any) -> bool:
    """Tell whether the server has ended a connection, and not a consumer: by psycopg 3, or by psycopg2."""
    return bool(getattr(driver, "broken", False)) or getattr(driver, "closed", 0) == 2


def _process_once(
    using: str, consumer: Consumer, deliveries: Sequence[Delivery], is_stopped: Callable[[], bool]
) -> None:
    connection = connections[using]
    with transaction.atomic(using=using):
        hooks = len(connection.run_on_commit)
        lock_writes(using)
        # It locks them until the commit.
        events = _delete(using, deliveries)
        if len(events) < len(deliveries):
            raise _TakenByOthersError
        new = _receive(using, consumer, events)
        for each in deliveries:
            if len(deliveries) > 1 and is_stopped():
                raise _StoppedError
            if each.event_id in new:
                consumer.handle(each.event, max(each.attempts, 1))
        # What fails after the commit is no failed attempt, and must not keep those after it from being called.
        callbacks: list[Any] = connection.run_on_commit
        callbacks[hooks:] = [
            (savepoints, partial(_run_callback, consumer.name, function), is_robust)
            for savepoints, function, is_robust in callbacks[hooks:]
        ]


def _run_callback(name: str, function: Callable[[], Any]) -> None:
    try:
        function()
    except Exception:
        logger.exception("A callback of the consumer %s has failed after the commit.", name)


def _delete(using: str, deliveries: Sequence[Delivery]) -> list[int]:
    """Delete the deliveries that are still this worker's, and return the ids of their events."""
    places = ", ".join(["%s"] * len(deliveries))
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"DELETE FROM matt_events_delivery WHERE id IN ({places}) AND lease = %s"  # noqa: S608 - only placeholders
            " RETURNING event_id",
            [*(each.pk for each in deliveries), deliveries[0].lease],
        )
        return [row[0] for row in cursor.fetchall()]


def _receive(using: str, consumer: Consumer, events: Sequence[int]) -> set[int]:
    """Store receipts, and return the ids of the events that had none."""
    rows = ", ".join(["(%s, %s)"] * len(events))
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO matt_events_receipt (consumer, event_id) VALUES {rows}"  # noqa: S608 - only placeholders
            " ON CONFLICT DO NOTHING RETURNING event_id",
            [value for event in events for value in (consumer.name, event)],
        )
        return {row[0] for row in cursor.fetchall()}
