"""The hub: reads new events once per process, keeps the newest in memory, and wakes the streams that want them."""

import asyncio
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from django.http import HttpRequest

from django_matt.contrib.realtime.channel_layers import LayerLink, find_layer, send_to_layer
from django_matt.contrib.realtime.frames import frame
from django_matt.contrib.realtime.groups import Groups, text_of
from django_matt.contrib.realtime.limits import Seats
from django_matt.contrib.realtime.settings import get_settings
from django_matt.contrib.realtime.threads import DatabaseThread
from django_matt.errors.exceptions import ServiceUnavailable
from django_matt.event_log import EventLog, LoggedEvent, find_event_log

__all__ = [
    "PART",
    "Entry",
    "Hub",
    "Item",
    "PositionLost",
    "Subscriber",
    "broadcast",
    "current_hub",
    "run_hub",
]

logger = logging.getLogger(__name__)

PART = 262_144
"""How many bytes are about read for a stream, and sent to it, at a time: as long as a client does not read, they are kept."""
FIRST_LIMIT, MOST_LIMIT = 20, 500
_PAUSE = 1.0
_START = 2.0
"""For how many seconds a server that starts waits for the log."""
_GRACE = 3.0
"""For how many seconds an ending process waits for clients that do not read."""
_ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT") if hasattr(signal, name)]

_hubs: list["Hub"] = []
if hasattr(os, "register_at_fork"):
    # The event loop of a hub does not come along into a forked process.
    os.register_at_fork(after_in_child=_hubs.clear)


class PositionLost(Exception):  # noqa: N818 - an answer, not an error
    """The log no longer has the events after a position, or has never reached it."""


class Item(Protocol):
    """Writes what the streams of one route have of an event."""

    def write(self, event: LoggedEvent) -> bytes | None:
        """Return the data as JSON; ``None`` if it does not fit."""


@dataclass
class Entry:
    """A committed event with the bytes that every stream sends for it."""

    event: LoggedEvent

    @cached_property
    def frame(self) -> bytes:
        """The event as a server-sent event, written once."""
        return frame(self.event.data, id=self.event.position, event=self.event.topic)

    @cached_property
    def _written(self) -> dict[Any, bytes]:
        return {}

    def frame_of(self, item: "Item | None") -> bytes:
        """The event with what ``item`` has of its data, written once for each ``item``; empty if it does not fit."""
        if item is None:
            return self.frame
        if item not in self._written:
            data = item.write(self.event)
            self._written[item] = (
                b"" if data is None else frame(data, id=self.event.position, event=self.event.topic)
            )
        return self._written[item]


class Subscriber(Protocol):
    """What waits for events: a stream or a socket."""

    topics: frozenset[str]
    deadline: float
    """When it wants to be woken, on the clock of the event loop, if nothing happens."""

    def wake(self) -> None:
        """Look for new events, or at the clock."""

    def end(self) -> None:
        """End: the server stops."""

    def cut(self) -> None:
        """End at once, also while something is sent that the client does not read."""


def limit_after(entries: "list[Entry]", limit: int) -> int:
    """Return how many events to read next, so that they have about as many bytes as a part."""
    if not entries:
        return limit
    size = sum(len(entry.frame) for entry in entries)
    return max(1, min(2 * limit, MOST_LIMIT, PART * len(entries) // size))


class Hub:
    """The hub of one process. All methods but ``seats.take`` run in its event loop."""

    def __init__(self, log: EventLog | None, loop: asyncio.AbstractEventLoop) -> None:
        """Take the log of events; ``None`` if the project has none."""
        # Without a log there are no routes that read it: see `SubscriptionHook.bind` and `live`.
        self._log: Any = log
        self.loop = loop
        self.seats = Seats()
        self.groups = Groups()
        self.link: LayerLink | None = None
        self.database = DatabaseThread("matt-realtime-log")
        """The thread that reads the log."""
        self.views = DatabaseThread("matt-realtime-views")
        """The thread that calls the project's code: for the checks, and for the rows of live lists."""
        self.ready = asyncio.Event()
        """Whether the log has been reached."""
        self.generation = 0
        """How often the log has been begun, as a log that is emptied begins again."""
        self.position = 0
        """The position up to which events have been read."""
        self.is_ending = False
        self._subscribers: set[Subscriber] = set()
        self._by_topic: dict[str, set[Subscriber]] = {}
        # From which position on the kept events have all of a topic.
        self._since: dict[str, int] = {}
        self._kept: deque[Entry] = deque()
        self._kept_bytes = 0
        self._floor = 0
        self._limit = FIRST_LIMIT

    def __len__(self) -> int:
        """How many streams and sockets there are."""
        return len(self._subscribers)

    # ---- who waits ----

    def join(self, subscriber: Subscriber) -> None:
        """Wake a subscriber from now on for the events of its topics."""
        if self.is_ending:
            raise ServiceUnavailable(headers={"Retry-After": "1"})
        self._subscribers.add(subscriber)
        for topic in subscriber.topics:
            self._by_topic.setdefault(topic, set()).add(subscriber)
            self._since.setdefault(topic, self.position)

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self._subscribers.discard(subscriber)
        for topic in subscriber.topics:
            others = self._by_topic.get(topic, set())
            others.discard(subscriber)
            if not others:
                self._by_topic.pop(topic, None)
                self._since.pop(topic, None)

    # ---- what they read ----

    def recent(self, after: int, topics: Iterable[str]) -> Iterator[Entry] | None:
        """Return the kept events after a position, in order; ``None`` if some are no longer kept: read the log then."""
        since = max(self._floor, max((self._since[topic] for topic in topics), default=0))
        if after < since:
            return None
        found = []
        for entry in reversed(self._kept):
            if entry.event.position <= after:
                break
            found.append(entry)
        return reversed(found)

    async def read(self, after: int, topics: Iterable[str], limit: int) -> tuple[list[Entry], int]:
        """Read the log after a position: at most ``limit`` events, and the position up to which there are no others.

        Raises ``PositionLost`` if the log no longer has all of them.
        """
        known = self.position
        found = await self.database.run(self._read, after, tuple(topics), limit, True)
        if len(found) >= limit:
            return [Entry(event) for event in found], found[-1].position
        seen = max([known, after, *(event.position for event in found[-1:])])
        return [Entry(event) for event in found], seen

    def _read(
        self, after: int, topics: tuple[str, ...], limit: int, checks: bool
    ) -> list[LoggedEvent]:
        found: list[LoggedEvent] = self._log.read_events(after, topics=topics, limit=limit)
        # After the events: what was deleted before they were read is missing among them.
        if checks and self._log.first_position() > after + 1:
            raise PositionLost
        return found

    async def check_position(self, after: int) -> None:
        """Raise ``PositionLost`` for a position that the log no longer has, or has not reached, or that is too far back."""
        if self.position - after > get_settings().RESUME:
            raise PositionLost
        first = await self.database.run(self._log.first_position)
        last = self.position
        if after > last:
            last = await self.database.run(self._log.last_position)
        if not first - 1 <= after <= last:
            raise PositionLost

    # ---- reading the log ----

    async def follow(self) -> None:
        """Read events as they are committed, until this is cancelled; a database that fails is tried again."""
        while True:
            try:
                async for position in self._log.positions():
                    if not self.ready.is_set() or position < self.position:
                        self._begin(position)
                    while self.position < position:
                        await self._read_on(position)
            except Exception:
                logger.exception("The event log cannot be read; trying again in %s s", _PAUSE)
            await asyncio.sleep(_PAUSE)

    def _begin(self, position: int) -> None:
        """Begin to follow the log; again, if it was emptied. What the streams know of the other one is nothing here."""
        self.position = self._floor = position
        self._kept.clear()
        self._kept_bytes = 0
        self._since = dict.fromkeys(self._since, position)
        self.generation += 1
        self.ready.set()
        for subscriber in set[Subscriber]().union(*self._by_topic.values()):
            subscriber.wake()

    async def _read_on(self, announced: int) -> None:
        """Read the events after the position, as far as somebody wants them, and wake those."""
        asked = frozenset(self._by_topic)
        if asked:
            limit = self._limit
            found = await self.database.run(self._read, self.position, tuple(asked), limit, False)
        else:
            limit, found = 1, []
        full = len(found) >= limit
        entries = [Entry(event) for event in found]
        self._limit = limit_after(entries, self._limit)
        self.position = max([0 if full else announced, *(event.position for event in found[-1:])])
        if not asked:
            self._kept.clear()
            self._kept_bytes, self._floor = 0, self.position
        woken: set[Subscriber] = set()
        for entry in entries:
            self._keep(entry)
            woken |= self._by_topic.get(entry.event.topic, set())
        for topic in self._by_topic.keys() - asked:
            # Subscribed while the log was read: its events up to here are in the log alone.
            self._since[topic] = self.position
            woken |= self._by_topic[topic]
        for subscriber in woken:
            subscriber.wake()

    def _keep(self, entry: Entry) -> None:
        options = get_settings()
        self._kept.append(entry)
        self._kept_bytes += len(entry.frame)
        while len(self._kept) > options.KEEP_EVENTS or self._kept_bytes > options.KEEP_BYTES:
            dropped = self._kept.popleft()
            self._kept_bytes -= len(dropped.frame)
            self._floor = dropped.event.position

    async def tick(self) -> None:
        """Wake the subscribers whose deadline has come; one timer for all of them."""
        pause = min(1.0, get_settings().HEARTBEAT / 4, get_settings().CHECK / 4)
        while True:
            await asyncio.sleep(pause)
            now = self.loop.time()
            for subscriber in [each for each in self._subscribers if each.deadline <= now]:
                subscriber.wake()

    def send_to_group(self, group: str, text: str) -> None:
        """Send a text to every socket of a group, also in other processes if there is a channel layer."""
        self.groups.deliver(group, text)
        if self.link is not None:
            self.link.send(group, text)

    def end_all(self, server: Any = None) -> None:
        """End every stream and socket: a server waits for its open responses before it stops."""
        self.is_ending = True
        for subscriber in list(self._subscribers):
            subscriber.end()
        self.loop.call_later(_GRACE, self._cut_all, server)

    def _cut_all(self, server: Any) -> None:
        """Cut those whose clients do not read, so that they do not keep the server from stopping."""
        remaining = list(self._subscribers)
        for subscriber in remaining:
            subscriber.cut()
        if remaining:
            self.loop.call_later(_GRACE / 10, _abort_closed, server)


def _abort_closed(server: Any) -> None:
    """Drop the connections that uvicorn has closed, and whose last bytes nobody reads: it waits for them without end."""
    for connection in list(getattr(getattr(server, "server_state", None), "connections", ())):
        transport = getattr(connection, "transport", None)
        if transport is not None and transport.is_closing():
            transport.abort()


def current_hub(request: HttpRequest, *, reads_log: bool = False) -> Hub:
    """Return the hub of this process.

    Raises ``ServiceUnavailable`` under WSGI, and if no server has started it, or if it is to read the log and has not
    reached it yet.
    """
    if not _hubs or not hasattr(request, "scope"):
        raise ServiceUnavailable(
            "Streams are not available: serve the project with django_matt.asgi.",
            code="realtime_unavailable",
            headers={"Retry-After": "1"},
        )
    if reads_log and not _hubs[-1].ready.is_set():
        raise ServiceUnavailable(
            "The log of events cannot be read; try again soon.",
            code="realtime_unavailable",
            headers={"Retry-After": "5"},
        )
    return _hubs[-1]


def broadcast(group: str, message: Any) -> None:
    """Send a message, anything that is JSON, to every socket in a group; from any thread, and from async code.

    Without a channel layer (``CHANNEL_LAYERS``), it reaches the sockets of this process. With one, it reaches those of all
    processes, also from a process without a server; async code calls it there by ``sync_to_async``.
    """
    if _hubs:
        hub = _hubs[-1]
        hub.loop.call_soon_threadsafe(hub.send_to_group, group, text_of(message))
    else:
        send_to_layer(group, text_of(message))


@asynccontextmanager
async def run_hub() -> AsyncIterator[Hub]:
    """Run a hub in this event loop: what the app's lifespan does."""
    log = find_event_log()
    hub = Hub(log, asyncio.get_running_loop())
    tasks = []
    if log is not None:
        tasks.append(asyncio.create_task(hub.follow()))
        # Without its database or its tables, the server starts as well.
        with suppress(TimeoutError):
            await asyncio.wait_for(hub.ready.wait(), _START)
    tasks.append(asyncio.create_task(hub.tick()))
    layer = find_layer()
    if layer is not None:
        hub.link = LayerLink(layer, hub.groups)
        tasks.append(asyncio.create_task(hub.link.run()))
    _hubs.append(hub)
    try:
        with _ending_at_signals(hub):
            yield hub
    finally:
        _hubs.remove(hub)
        hub.end_all()
        for task in tasks:
            task.cancel()
        # A library below a channel layer may take its time.
        await asyncio.wait(tasks, timeout=_PAUSE)
        await hub.database.close()
        await hub.views.close()


@contextmanager
def _ending_at_signals(hub: Hub) -> Iterator[None]:
    """End the streams when the process is told to stop: uvicorn waits for them before it ends the lifespans."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    replaced: list[tuple[int, Any, Callable[..., None]]] = []

    def chain(before: Any) -> Callable[..., None]:
        def handle(number: int, stack: Any) -> None:
            with suppress(RuntimeError):  # the loop has ended
                hub.loop.call_soon_threadsafe(hub.end_all, getattr(before, "__self__", None))
            if callable(before):
                before(number, stack)

        return handle

    for number in _ENDINGS:
        before = signal.getsignal(number)
        # Without a server's handler the process ends at once.
        if callable(before) and before is not signal.default_int_handler:
            handler = chain(before)
            signal.signal(number, handler)
            replaced.append((number, before, handler))
    try:
        yield
    finally:
        for number, before, handler in replaced:
            if signal.getsignal(number) is handler:
                signal.signal(number, before)
