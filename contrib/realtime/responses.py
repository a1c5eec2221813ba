"""Streams as responses: what a stream sends, when it waits, when its permission is checked again, and how it ends."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from copy import deepcopy
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from django_matt.contrib.realtime.frames import HEARTBEAT, frame, mark, text_frame
from django_matt.contrib.realtime.hubs import (
    FIRST_LIMIT,
    PART,
    Entry,
    Hub,
    Item,
    PositionLost,
    limit_after,
)
from django_matt.contrib.realtime.replays import Verdict, check_again, expiry_in
from django_matt.contrib.realtime.selections import Topics
from django_matt.contrib.realtime.settings import get_settings
from django_matt.event_formats import RendersEvents, StreamedEvent

__all__ = ["EventFrames", "Frames", "StreamResponse", "respond"]


class Frames:
    """The parts of one stream, as an async iterator in the event loop of the hub. Closing it twice does no harm."""

    def __init__(
        self, hub: Hub, request: HttpRequest, topics: Topics, after: int | None, position: int
    ) -> None:
        """Begin after an event that the client has seen, or after the position of now."""
        self.hub = hub
        self.request = request
        self.selection = topics
        self.topics = topics.names
        self.position = position if after is None else after
        self.deadline = 0.0
        self._resumes = after is not None
        self._give_back = hub.seats.take(request)
        self._ready: deque[bytes] = deque()
        self._waits: asyncio.Future[None] | None = None
        self._has_begun = self._has_ended = self._is_closed = False
        self._marked = self.position
        self._generation = hub.generation
        self._limit = FIRST_LIMIT
        self._task: asyncio.Task[Any] | None = None
        self._beats_at = self._checks_at = 0.0

    # ---- the iterator ----

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next part, at the latest when a heartbeat is due."""
        self._task = asyncio.current_task()
        try:
            while not self._ready:
                if self._has_ended:
                    raise StopAsyncIteration
                await self._step()
        except BaseException:
            self.close()
            raise
        parts = [self._ready.popleft()]
        size = len(parts[0])
        while self._ready and size + len(self._ready[0]) <= PART:
            parts.append(self._ready.popleft())
            size += len(parts[-1])
        part = b"".join(parts)
        if size > PART:
            self._ready.appendleft(part[PART:])
            part = part[:PART]
        self._beats_at = self.hub.loop.time() + get_settings().HEARTBEAT
        return part

    async def _step(self) -> None:
        if not self._has_begun:
            await self._begin()
            return
        if self.hub.loop.time() >= self._checks_at:
            await self._check()
            return
        await self.collect()
        if self._ready or self._has_ended:
            return
        now = self.hub.loop.time()
        if now >= self._beats_at:
            self._beat()
            return
        self.deadline = min(self._beats_at, self._checks_at)
        if self.position < self.hub.position:
            return  # something came while this waited for the database
        self._waits = self.hub.loop.create_future()
        try:
            await self._waits
        finally:
            self._waits = None

    async def _begin(self) -> None:
        self._has_begun = True
        self.hub.join(self)
        self._plan_check()
        lost = False
        if self._resumes:
            try:
                await self.hub.check_position(self.position)
            except PositionLost:
                lost = True
                self.position = self.hub.position
        self._ready.append(mark(self.position, get_settings().RETRY))
        if lost:
            self.reset()
        self._marked = self.position
        self.open()

    def _beat(self) -> None:
        # A quiet stream keeps its place in a busy log.
        self._ready.append(HEARTBEAT if self.position == self._marked else mark(self.position))
        self._marked = self.position

    def wake(self) -> None:
        """Go on, if the stream waits."""
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    def end(self) -> None:
        """End the stream after what is ready; the client connects again."""
        self._has_ended = True
        self.wake()

    def cut(self) -> None:
        """End the stream while a part is sent that the client does not read."""
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        """Forget the stream, from any thread."""
        if self._is_closed:
            return
        self._is_closed = self._has_ended = True
        self._give_back()
        with suppress(RuntimeError):  # the loop has ended
            self.hub.loop.call_soon_threadsafe(self.hub.leave, self)

    async def aclose(self) -> None:
        """Do the same where the response is sent by an event loop."""
        self.close()

    def __del__(self) -> None:
        """Give the place back where a response was never sent."""
        if hasattr(self, "_give_back"):
            self.close()

    # ---- the permission ----

    def _plan_check(self) -> None:
        self._checks_at = self.hub.loop.time() + expiry_in(self.request, get_settings().CHECK)

    async def _check(self) -> None:
        verdict = await self.hub.views.run(check_again, self.request)
        if verdict.is_allowed:
            self.request = verdict.request
            self.accept(verdict)
            self._plan_check()
            return
        if verdict.is_refused:
            self._ready.append(frame({"status": verdict.status}, event="session.revoked"))
        self.end()

    # ---- what kinds of streams do ----

    def open(self) -> None:
        """Make the first parts ready."""

    def reset(self) -> None:
        """Tell the client that events are missing."""
        self._ready.append(frame({"position": self.position}, event="reset"))

    def accept(self, verdict: Verdict) -> None:
        """Use what a repeated request may read."""

    async def collect(self) -> None:
        """Make ready what is new, and move the position."""

    async def gather(self) -> list[Entry]:
        """Return the next events of the topics, from memory or from the log, and move the position."""
        recent: Iterable[Entry] | None = self.hub.recent(self.position, self.topics)
        position = self.hub.position
        try:
            if self._generation != self.hub.generation:
                raise PositionLost
            if recent is None:
                recent, position = await self.hub.read(self.position, self.topics, self._limit)
                self._limit = limit_after(recent, self._limit)
        except PositionLost:
            self.position, self._generation = self.hub.position, self.hub.generation
            self.reset()
            return []
        found: list[Entry] = []
        size = 0
        for entry in recent:
            if size >= PART:
                position = found[-1].event.position
                break
            if self.selection.has(entry.event):
                found.append(entry)
                size += len(entry.frame)
        self.position = max(self.position, position)
        return found


class EventFrames(Frames):
    """The events of topics: what ``item`` has of their data, or what ``event_format`` writes of it."""

    item: Item | None = None
    event_format: RendersEvents | None = None
    kind: Any = None
    """The annotation of their data, for the format."""

    def accept(self, verdict: Verdict) -> None:
        """Use the keys and the tenant of now; the topics of a route do not change while a stream is open."""
        self.selection = verdict.found["topics"]

    async def collect(self) -> None:
        """Send what is new."""
        found = await self.gather()
        if not found:
            return
        if self.event_format is None:
            frames = [entry.frame_of(self.item) for entry in found]
        else:
            frames = await self.hub.views.run(self._write, self.event_format, found)
        self._marked = found[-1].event.position
        self._ready.extend(filter(None, frames))

    def _write(self, event_format: RendersEvents, found: list[Entry]) -> list[bytes]:
        frames = []
        for event in (entry.event for entry in found):
            # A format may change what it is given, and other streams send the same event.
            data = deepcopy(event.data)
            if self.item is not None:
                written = self.item.write(event)
                if written is None:
                    continue
                data = json.loads(written)
            shown = StreamedEvent(name=event.topic, data=data, kind=self.kind, key=event.key)
            text = event_format.render_event(shown, self.request)
            frames.append(text_frame(text, id=event.position))
        return frames


class StreamResponse(StreamingHttpResponse):
    """A response of frames. Its parts are sent as they are, and its place is given back whatever becomes of it."""

    def __init__(self, frames: Any) -> None:
        """Take the frames."""
        self._frames: Any = frames
        super().__init__(frames, content_type="text/event-stream")
        self.headers["Cache-Control"] = "no-cache"
        self.headers["X-Accel-Buffering"] = "no"

    @property
    def streaming_content(self) -> Any:
        """The parts; middleware may set others."""
        return self._content

    @streaming_content.setter
    def streaming_content(self, value: Any) -> None:
        self._content = value
        self.is_async = hasattr(value, "__aiter__")

    def __aiter__(self) -> Any:
        """Return the parts themselves: closing them ends the stream."""
        return aiter(self._content)

    def close(self) -> None:
        """Give the place of the stream back."""
        self._frames.close()
        super().close()


def respond(frames: Frames) -> StreamResponse:
    """Return the response with a stream."""
    # Compressed, an event would wait for those after it.
    frames.request.META.pop("HTTP_ACCEPT_ENCODING", None)
    return StreamResponse(frames)
