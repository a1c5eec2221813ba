"""Rooms over WebSockets: who has signed in hears what routes and others say in the room."""

import asyncio
from collections import defaultdict
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import User
from django.http import HttpRequest

from django_matt import MattAPI
from django_matt.authentication import BearerAuthenticator, Credentials

Listener = tuple[asyncio.AbstractEventLoop, "asyncio.Queue[str]"]
LISTENERS: defaultdict[str, set[Listener]] = defaultdict(set)


class ByName(BearerAuthenticator):
    """A token is the name of a user; a tokens app looks it up in its table."""

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> User | None:
        return User.objects.filter(username=credentials.value).first()


def tell(room: str, text: str) -> dict[str, int]:
    """Let everybody in a room hear a text, from any thread."""
    heard = list(LISTENERS[room])
    for loop, queue in heard:
        loop.call_soon_threadsafe(queue.put_nowait, text)
    return {"heard": len(heard)}


async def listen(scope: Any, receive: Any, send: Any) -> None:
    """Send what is said in the room, and let the client speak, until it leaves."""
    room, name = scope["url_route"]["kwargs"]["room"], scope["user"].username
    listener: Listener = asyncio.get_running_loop(), asyncio.Queue()

    async def forward() -> None:
        while True:
            await send({"type": "websocket.send", "text": await listener[1].get()})

    await receive()
    await send({"type": "websocket.accept"})
    LISTENERS[room].add(listener)
    forwarding = asyncio.create_task(forward())
    try:
        while (message := await receive())["type"] == "websocket.receive":
            tell(room, f"{name}: {message['text']}")
    finally:
        LISTENERS[room].discard(listener)
        forwarding.cancel()


class RoomsConfig(AppConfig):
    name = "tests.apps.rooms"

    def extend(self, api: MattAPI) -> None:
        api.add_socket("rooms/{room}", listen, auth=ByName())

        @api.post("/sync/rooms/{room}", auth=ByName())
        def say(request: HttpRequest, room: str, text: str) -> dict[str, int]:
            return tell(room, text)

        @api.post("/async/rooms/{room}", auth=ByName())
        async def say_async(request: HttpRequest, room: str, text: str) -> dict[str, int]:
            return tell(room, text)
