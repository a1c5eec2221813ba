"""A worker: makes the deliveries of consumers and processes them, one consumer after the other, until it is stopped."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connections

from django_matt.contrib.events.consumers import Consumer
from django_matt.contrib.events.deliveries import (
    forgive_clock,
    give_back,
    has_due,
    new_lease,
    renew,
)
from django_matt.contrib.events.processing import AT_ONCE, process
from django_matt.contrib.events.services import give_positions
from django_matt.contrib.events.settings import get_settings
from django_matt.contrib.events.subscriptions import hand_out, has_new, subscribe
from django_matt.contrib.events.wakes import POSITIONS, Waker, end_connections

__all__ = ["drain", "work"]

logger = logging.getLogger(__name__)

_TURN = 1.0
"""After how many seconds the next consumer has its turn."""
_FAST = 0.005
"""How many seconds an event may take if a worker is to take many at once."""
_MANY = 5 * AT_ONCE


def work(chosen: Sequence[Consumer], stop: threading.Event) -> None:
    """Process events until ``stop`` is set. After an error, such as a database that is away, it tries again each second."""
    waker, is_failing = Waker(POSITIONS, stop), False
    with _lease() as lease:
        while not stop.is_set():
            try:
                if is_failing:
                    give_back(lease)
                subscribe(chosen)
                found, _ = _take_turns(chosen, lease, stop.is_set)
                is_failing = False
                if not found:
                    waker.wait()
            except Exception:
                if not is_failing:
                    logger.exception("A worker of events has failed; trying again each second.")
                is_failing = True
                connections.close_all()
                stop.wait(1.0)
    end_connections()


def drain(chosen: Sequence[Consumer]) -> int:
    """Process what is due now, and return how many deliveries were tried."""
    tried = 0
    subscribe(chosen)
    give_positions()
    with _lease() as lease:
        while True:
            found, count = _take_turns(chosen, lease, lambda: False)
            tried += count
            if not found and not any(has_new(each) for each in chosen):
                return tried


def _take_turns(
    chosen: Sequence[Consumer], lease: str, is_stopped: Callable[[], bool]
) -> tuple[int, int]:
    """Let each consumer have its turn; return how many events and deliveries were found, and how many were tried."""
    turns = [_take_turn(each, lease, is_stopped) for each in chosen]
    return sum(found for found, _ in turns), sum(tried for _, tried in turns)


def _take_turn(consumer: Consumer, lease: str, is_stopped: Callable[[], bool]) -> tuple[int, int]:
    """Process deliveries of a consumer for about a second; return how many were found, and how many were tried.

    It writes nothing if there is nothing to do. New deliveries are made when none is due, so their table stays small however
    long the log is.
    """
    all_found, tried, limit, may_have_more = 0, 0, AT_ONCE, False
    begun = now = time.monotonic()
    while not is_stopped() and now < begun + _TURN:
        if not (may_have_more or has_due(consumer)):
            moved = hand_out(consumer) if has_new(consumer) else 0
            if not moved:
                break
            all_found, now = all_found + moved, time.monotonic()
            continue
        found, count = process(consumer, lease, limit, is_stopped)
        all_found, tried = all_found + found, tried + count
        if not found:
            break
        may_have_more = found == limit
        before, now = now, time.monotonic()
        # What is taken at once must be processed long before the lease ends, and other workers get nothing of it.
        is_fast = consumer.once and now - before < _FAST * limit
        limit = _MANY if is_fast else AT_ONCE
    return all_found, tried


@contextmanager
def _lease() -> Iterator[str]:
    """Yield a name for a worker; what it takes is renewed until the end."""
    lease, ended = new_lease(), threading.Event()
    renewer = threading.Thread(
        target=_keep_lease, args=(lease, ended), name="matt-lease", daemon=True
    )
    renewer.start()
    try:
        yield lease
    finally:
        ended.set()
        renewer.join()


def _keep_lease(lease: str, ended: threading.Event) -> None:
    seconds = get_settings().LEASE
    while not ended.wait(seconds / 3):
        try:
            renew(lease, seconds)
            forgive_clock()
        except Exception:
            logger.warning("The lease of a worker was not renewed; trying again.", exc_info=True)
            connections.close_all()
    connections.close_all()
