"""A worker: makes the deliveries of new events, and sends several at the same time, until it is stopped."""

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from django_matt.contrib.webhooks.deliveries import claim, forgive_clock, hand_out, record
from django_matt.contrib.webhooks.models import Delivery
from django_matt.contrib.webhooks.requests import Outcome, post
from django_matt.contrib.webhooks.services import current_secrets
from django_matt.contrib.webhooks.settings import get_settings
from django_matt.contrib.webhooks.signatures import decode_secret, sign

__all__ = ["send", "work"]

logger = logging.getLogger(__name__)

_THREADS = 8
_POLL = 1.0
_CLOCK_CHECKS = 60.0


def send(delivery: Delivery, claimed: float) -> Outcome:
    """Sign and send a delivery that was claimed at a time of ``time.monotonic()``. It uses no database."""
    seconds = get_settings().TIMEOUT
    # Before the lease ends, even if the worker was too busy to begin.
    deadline = min(time.monotonic() + seconds, claimed + 2 * seconds)
    try:
        now = timezone.now()
        body, stamp = delivery.message.body.encode(), int(now.timestamp())
        keys = [decode_secret(each) for each in current_secrets(delivery.endpoint, now)]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Django-Matt-Webhooks",
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": " ".join(
                sign(key, delivery.message_id, stamp, body) for key in keys
            ),
        }
        return post(delivery.endpoint.url, headers, body, deadline)
    except Exception:
        logger.exception("A webhook for the endpoint %s could not be made.", delivery.endpoint_id)
        return Outcome(None, "The sender had an error.", is_fault_of_endpoint=False)


class _Worker:
    """What one process is sending, and what it has yet to store. Only its main thread uses the database."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self.running: dict[Future[Outcome], Delivery] = {}
        self._ended: list[tuple[Delivery, Outcome]] = []
        self.recorded = 0

    def store_ended(self) -> None:
        """Store the outcomes. What cannot be stored now is kept for the next call."""
        for future in [each for each in self.running if each.done()]:
            self._ended.append((self.running.pop(future), future.result()))
        while self._ended:
            record(*self._ended[0])
            del self._ended[0]
            self.recorded += 1

    def begin(self) -> bool:
        """Begin to send as much as is due and fits; tell whether there was anything."""
        claimed, free = time.monotonic(), _THREADS - len(self.running)
        taken = claim(free) if free else []
        for each in taken:
            self.running[self._pool.submit(send, each, claimed)] = each
        return bool(taken)

    def wait(self) -> None:
        """Wait until something was sent, or a second."""
        wait(self.running, timeout=_POLL, return_when=FIRST_COMPLETED)


def work(stop: threading.Event, *, once: bool = False) -> int:
    """Send until ``stop`` is set, or, ``once``, until nothing is due; return how many attempts were made.

    A database that is away is tried again each second.
    """
    is_failing, next_check = False, 0.0
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="matt-webhooks") as pool:
        worker = _Worker(pool)
        while True:
            try:
                worker.store_ended()
                if stop.is_set():
                    if not worker.running:
                        break
                    worker.wait()
                    continue
                if time.monotonic() >= next_check:
                    forgive_clock()
                    next_check = time.monotonic() + _CLOCK_CHECKS
                is_busy = hand_out() > 0
                is_busy |= worker.begin()
                is_failing = False
                if worker.running:
                    worker.wait()
                elif once and not is_busy:
                    break
                elif not is_busy:
                    stop.wait(_POLL)
            except (DatabaseError, InterfaceError):
                if once:
                    raise
                if not is_failing:
                    logger.exception(
                        "The sender of webhooks cannot reach its tables; trying again."
                    )
                is_failing = True
                connections.close_all()
                if stop.wait(_POLL):
                    # What was sent is sent again: nobody can store that it was.
                    break
    if not once:
        connections.close_all()
    return worker.recorded
