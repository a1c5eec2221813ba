"""WebSockets as functions, as an ASGI server would open them; test_servers.py does so with real servers."""

import asyncio
import json
import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from django_matt import MattAPI, Schema
from django_matt.authentication import BearerAuthenticator
from django_matt.contrib.realtime.hubs import broadcast
from django_matt.contrib.realtime.sockets import Socket, socket
from django_matt.errors.exceptions import InvalidCredentials, NotFound, PermissionDenied
from tests.test_sockets import Opened, scope_of

from .asking import Board, in_server, until

pytestmark = pytest.mark.django_db(transaction=True)


class Said(Schema):
    text: str


class Heard(Schema):
    room: int
    text: str


class Until(BearerAuthenticator):
    """A token is the time until which it is valid."""

    def authenticate(self, request: Any, credentials: Any) -> Any:
        if float(credentials.value) < time.time():
            raise InvalidCredentials
        return {"sub": "ada", "exp": float(credentials.value)}


ended: list[str] = []
refused: list[bool] = []
members: dict[str, int] = {}


def may(request: Any, room: int) -> bool:
    if not members:
        raise LookupError("members are away")
    return bool(request.user.is_authenticated and members.get(request.user.username) == room)


@pytest.fixture(autouse=True)
def api(serve: Any) -> MattAPI:
    made = MattAPI()
    ended.clear()
    refused.clear()

    @socket(made, "/rooms/{room}")
    async def room(
        request: Any, socket: Socket[Said, Heard], room: int, name: str = "nobody"
    ) -> None:
        await socket.join(f"room {room}")
        try:
            async for message in socket:
                if message.text == "forbidden":
                    raise PermissionDenied("Not here.")
                if message.text == "missing":
                    raise NotFound
                if message.text == "fail":
                    raise ValueError("of the function")
                if message.text == "end":
                    return
                heard = Heard(room=room, text=f"{name}: {message.text}")
                await socket.broadcast(f"room {room}", heard)
        finally:
            ended.append(name)

    @socket(made, "/private/{room}", allow=may)
    async def private(request: Any, socket: Socket[Said, Said], room: int) -> None:
        async for message in socket:
            await socket.send(message)

    async def may_async(request: Any) -> bool:
        return may(request, 1)

    @socket(made, "/private-async", allow=may_async)
    async def private_async(request: Any, socket: Socket[Said, Said]) -> None:
        await socket.receive()

    @socket(made, "/ticks", auth=Until())
    async def ticks(request: Any, socket: Socket[Any, dict[str, Any]]) -> None:
        if refused:
            raise PermissionDenied
        while True:
            await socket.send({"auth": request.auth["sub"]})
            await asyncio.sleep(0.05)

    serve(made)
    return made


class Client(Opened):
    """A client whose connection is served by a task."""

    def __init__(self, board: Board, path: str, **scope: Any) -> None:
        super().__init__()
        self.inbox.put_nowait({"type": "websocket.connect"})
        asked = board.application(scope_of(path, **scope), self.inbox.get, self.send)
        self.task = asyncio.create_task(asked)

    @property
    def heard(self) -> list[Any]:
        return [json.loads(text) for text in self.text]

    @property
    def code(self) -> Any:
        return self.sent[-1].get("code")

    async def over(self) -> None:
        await asyncio.wait_for(self.task, 20)


async def connect(board: Board, path: str = "/api/rooms/7", **scope: Any) -> Client:
    client = Client(board, path, **scope)
    await client.hears(1)
    return client


def say(client: Client, text: str) -> None:
    client.says(json.dumps({"text": text}))


class TestMessages:
    def test_a_group_hears_what_is_said_with_types_both_ways(self):
        async def test(board: Board) -> None:
            ada = await connect(board, "/api/rooms/7?name=ada")
            bob = await connect(board, "/api/rooms/7")
            other = await connect(board, "/api/rooms/8")
            say(ada, "hello")
            await ada.hears(2)
            await bob.hears(2)
            assert ada.heard == bob.heard == [{"room": 7, "text": "ada: hello"}]
            broadcast("room 8", {"room": 8, "text": "from a route"})
            await sync_to_async(broadcast)("room 8", {"room": 8, "text": "again"})
            await other.hears(3)
            assert [each["text"] for each in other.heard] == ["from a route", "again"]
            for each in (ada, bob, other):
                each.leaves()
                await each.over()
            assert sorted(ended) == ["ada", "nobody", "nobody"]
            assert len(board.hub) == board.hub.seats.total == 0
            assert not board.hub.groups._members

        in_server(test)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("{", "invalid_message"),
            ("[]", "invalid_message"),
            ('{"text": 1}', "invalid_message"),
            ("", "invalid_message"),
            ('{"text": "\\ud800"}', "invalid_message"),
            ("[" * 10_000, "invalid_message"),
            (b"\x00\xff", "binary_message"),
        ],
        ids=["cut off", "a list", "a number", "empty", "a surrogate", "deep", "binary"],
    )
    def test_a_wrong_message_is_answered_and_the_connection_stays(self, text, code):
        async def test(board: Board) -> None:
            client = await connect(board)
            if isinstance(text, bytes):
                client.inbox.put_nowait({"type": "websocket.receive", "bytes": text})
            else:
                client.says(text)
            await client.hears(2)
            assert client.heard[0]["error"]["code"] == code
            say(client, "hello")
            await client.hears(3)
            assert client.heard[1]["text"] == "nobody: hello"

        in_server(test)

    def test_ping_is_answered_with_pong(self):
        async def test(board: Board) -> None:
            client = await connect(board)
            client.says("ping")
            await client.hears(2)
            assert client.text == ["pong"]

        in_server(test)

    @pytest.mark.parametrize(
        ("text", "code"), [("forbidden", 4403), ("missing", 4404), ("fail", 1011), ("end", 1000)]
    )
    def test_how_the_function_ends_is_the_code(self, text, code, caplog):
        async def test(board: Board) -> None:
            client = await connect(board)
            say(client, text)
            await client.over()
            assert client.code == code

        in_server(test)
        assert ("of the function" in caplog.text) == (text == "fail")


class TestRefusals:
    def test_wrong_parameters_are_a_422(self):
        async def test(board: Board) -> None:
            client = Client(board, "/api/rooms/x")
            await client.over()
            status, _, body = client.refusal
            assert status == 422
            assert json.loads(body)["errors"][0]["loc"] == ["room"]
            client = Client(board, "/api/rooms/x", extensions=())
            await client.over()
            assert client.code == 4422

        in_server(test)

    def test_too_many_parameters_are_a_400(self):
        async def test(board: Board) -> None:
            query = "&".join(f"n{number}=1" for number in range(1_100))
            client = Client(board, f"/api/rooms/7?{query}")
            await client.over()
            assert client.refusal[0] == 400

        in_server(test)

    def test_the_credentials_are_those_of_the_api_and_a_foreign_origin_is_refused(self):
        async def test(board: Board) -> None:
            client = Client(board, "/api/ticks")
            await client.over()
            assert client.refusal[0] == 401
            client = Client(board, "/api/rooms/7", headers={"origin": "https://evil.example"})
            await client.over()
            assert client.refusal[0] == 403

        in_server(test)

    def test_too_many_are_a_429(self, options):
        options(MAX_STREAMS_PER_USER=2)

        async def test(board: Board) -> None:
            for _ in range(2):
                await connect(board)
            client = Client(board, "/api/rooms/7")
            await client.over()
            status, headers, _ = client.refusal
            assert (status, headers["retry-after"]) == (429, "5")

        in_server(test)


class TestLimits:
    def test_a_message_that_is_too_large_closes(self, options):
        options(MAX_MESSAGE=100)

        async def test(board: Board) -> None:
            for text in ("x" * 101, "é" * 60, "x" * 10_000_000):
                client = await connect(board)
                client.says(text)
                await client.over()
                assert client.code == 1009

        in_server(test)

    def test_too_many_messages_close(self, options):
        options(MESSAGES=10)

        async def test(board: Board) -> None:
            client = await connect(board)
            for _ in range(200):
                say(client, "x")
            await client.over()
            assert client.code == 4429
            assert len(client.text) < 60

        in_server(test)

    def test_silence_closes(self, options):
        options(IDLE=0.1)

        async def test(board: Board) -> None:
            client = await connect(board)
            await client.over()
            assert client.code == 4408

        in_server(test)

    def test_a_client_that_does_not_read_a_group_is_closed(self):
        async def test(board: Board) -> None:
            client = await connect(board)
            blocked = asyncio.Event()

            async def slow(message: Any) -> None:
                if message["type"] == "websocket.send":
                    await blocked.wait()
                await send(message)

            (opened,) = board.hub._subscribers
            send = opened._send  # type: ignore[attr-defined]
            opened._send = slow  # type: ignore[attr-defined]
            for number in range(200):
                board.hub.groups.deliver("room 7", str(number))
                await asyncio.sleep(0)
            await until(lambda: client.code == 4408)
            blocked.set()
            await client.over()

        in_server(test)


class TestPermissions:
    @pytest.mark.parametrize("path", ["/api/private/1", "/api/private-async"])
    @pytest.mark.parametrize("how", ["logout", "allow", "failure"])
    def test_allow_is_asked_at_the_handshake_and_again(self, options, path, how, caplog):
        options(CHECK=0.1)
        members.clear()
        members.update(ada=1)
        browser = Browser()
        browser.force_login(User.objects.create(username="ada"))
        headers = {"cookie": f"sessionid={browser.cookies['sessionid'].value}"}

        async def test(board: Board) -> None:
            nobody = Client(board, path)
            await nobody.over()
            assert nobody.refusal[0] == 403
            client = await connect(board, path, headers=headers)
            await asyncio.sleep(0.3)
            assert not client.task.done()
            if how == "logout":
                await sync_to_async(browser.logout)()
            elif how == "allow":
                members["ada"] = 2
            else:
                members.clear()
            await client.over()
            assert client.code == (1013 if how == "failure" else 4403)

        in_server(test)
        assert ("members are away" in caplog.text) == (how == "failure")

    def test_a_token_that_expires_closes_with_4401(self):
        async def test(board: Board) -> None:
            headers = {"authorization": f"Bearer {time.time() + 0.4}"}
            client = await connect(board, "/api/ticks", headers=headers)
            await client.hears(2)
            assert client.heard[0] == {"auth": "ada"}
            await client.over()
            assert client.code == 4401

        in_server(test)

    def test_a_client_that_leaves_ends_a_function_that_only_sends(self):
        async def test(board: Board) -> None:
            headers = {"authorization": f"Bearer {time.time() + 60}"}
            client = await connect(board, "/api/ticks", headers=headers)
            client.leaves()
            await client.over()
            assert board.hub.seats.total == 0

        in_server(test)

    def test_a_server_that_stops_closes_with_1012(self):
        async def test(board: Board) -> None:
            client = await connect(board)
            board.hub.end_all()
            await client.over()
            assert client.code == 1012

        in_server(test)


def test_a_function_without_a_socket_or_a_parameter_of_its_path_is_a_mistake():
    made = MattAPI()

    async def none(request: Any, room: str) -> None: ...

    async def other(request: Any, socket: Socket[Any, Any]) -> None: ...

    def plain(request: Any, socket: Socket[Any, Any], room: str) -> None: ...

    mistakes: list[tuple[Any, str]] = [(none, "Socket"), (other, "'room'"), (plain, "async def")]
    for function, why in mistakes:
        with pytest.raises(ImproperlyConfigured, match=why):
            socket(made, "/x/{room}")(function)
