"""Groups across processes: what is sent to a group goes to the other processes through Channels' channel layer."""

import asyncio
import logging
import uuid
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings

from django_matt.contrib.realtime.groups import Groups

__all__ = ["LayerLink", "find_layer", "send_to_layer"]

logger = logging.getLogger(__name__)

# Each process has one channel in one group of the layer: names of groups are limited there, and memberships expire.
_GROUP = "matt.realtime"
_TYPE = "matt.realtime.group"
_WAITING = 1_000
_REFRESH = 30.0
_PAUSE = 1.0


def find_layer() -> Any:
    """Return the default layer of ``settings.CHANNEL_LAYERS``; ``None`` without one, or without Channels."""
    if not getattr(settings, "CHANNEL_LAYERS", None) or find_spec("channels") is None:
        return None
    from channels.layers import get_channel_layer

    return get_channel_layer()


def send_to_layer(group: str, text: str) -> None:
    """Send a text to the sockets of a group in all processes, from a process without a server, such as a worker."""
    layer = find_layer()
    if layer is not None:
        async_to_sync(layer.group_send)(_GROUP, _message(group, text, ""))


def _message(group: str, text: str, sender: str) -> dict[str, str]:
    return {"type": _TYPE, "group": group, "text": text, "sender": sender}


class LayerLink:
    """Connects the groups of this process with those of the others. It sends at most once, as channel layers do."""

    def __init__(self, layer: Any, groups: Groups) -> None:
        """Take the layer and the groups of this process."""
        self._layer = layer
        self._groups = groups
        self._name = uuid.uuid4().hex
        self._outgoing: asyncio.Queue[dict[str, str]] = asyncio.Queue(_WAITING)
        self._channel = ""

    def send(self, group: str, text: str) -> None:
        """Send a text to the other processes soon."""
        try:
            self._outgoing.put_nowait(_message(group, text, self._name))
        except asyncio.QueueFull:
            logger.warning("The channel layer is too slow: a message to %r is lost.", group)

    async def run(self) -> None:
        """Receive and send until this is cancelled; a layer that fails is tried again."""
        await asyncio.gather(self._receive(), self._stay(), self._send())

    async def _receive(self) -> None:
        while True:
            try:
                self._channel = await self._layer.new_channel()
                await self._layer.group_add(_GROUP, self._channel)
                while True:
                    self._take(await self._next())
            except Exception:
                logger.exception(
                    "The channel layer cannot be reached; trying again in %s s", _PAUSE
                )
            await asyncio.sleep(_PAUSE)

    async def _next(self) -> Any:
        while True:
            try:
                return await self._layer.receive(self._channel)
            except Exception as error:
                # redis-py 8 ends a read of channels-redis after 5 s of silence, by an exception of its own.
                if type(error).__name__ != "TimeoutError":
                    raise

    def _take(self, message: Any) -> None:
        if message.get("type") == _TYPE and message["sender"] != self._name:
            self._groups.deliver(message["group"], message["text"])

    async def _stay(self) -> None:
        # Memberships expire, and a Redis that was started again has forgotten them.
        while True:
            await asyncio.sleep(_REFRESH)
            with suppress(Exception):  # it is tried again, and logged by what receives
                await self._layer.group_add(_GROUP, self._channel)

    async def _send(self) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                await self._layer.group_send(_GROUP, message)
            except Exception as error:  # noqa: BLE001
                logger.warning("A message to the group %r is lost: %s", message["group"], error)
