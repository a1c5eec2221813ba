"""WebSockets of an API behind real servers, with a real client."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from socket import SHUT_RDWR
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import SECONDS, wait_until

COMMANDS = {
    "uvicorn": "-m uvicorn --no-access-log --host 127.0.0.1 --port {port} tests.e2e.socketed:application",
    "granian": "-m granian --interface asgi --host 127.0.0.1 --port {port} tests.e2e.socketed:application",
}


@pytest.fixture(scope="module", params=COMMANDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("socketed")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "SOCKETED_DATABASE": str(folder / "db.sqlite3"),
    }
    made = [sys.executable, "-m", "tests.e2e.socketed"]
    subprocess.run(made, cwd=ROOT, env=environment, check=True, timeout=120)
    port = free_port()
    command = COMMANDS[request.param].format(port=port).split()
    with run_server(command, ROOT, environment, port, folder / "log") as server:
        yield server


@pytest.fixture
def opened(server: Server) -> Callable[..., ClientConnection]:
    """Return ``opened(path, **headers)``: connect as a program does, or with an origin as a browser does."""

    def open_one(
        path: str = "/api/rooms/1", *, origin: Any = None, **more: Any
    ) -> ClientConnection:
        url = server.url.replace("http://", "ws://") + path
        headers = more.pop("headers", {"Authorization": "Bearer ada"})
        made: ClientConnection = connect(
            url, additional_headers=headers, origin=origin, open_timeout=SECONDS, proxy=None, **more
        )
        return made

    return open_one


def test_a_bearer_lets_in(opened):
    with opened() as socket:
        socket.send("hello")
        assert socket.recv(SECONDS) == "ada: hello"
        socket.send("count")
        assert socket.recv(SECONDS) == "ada: 1"


def test_the_consumer_chooses_the_subprotocol(opened):
    with opened(subprotocols=["chat.v1"]) as socket:
        assert socket.subprotocol == "chat.v1"


def test_a_browser_with_a_session_gets_in_from_pages_of_this_site_alone(server, opened):
    with server.client() as client:
        client.post("/api/login")
        cookie = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
    with opened(headers=cookie, origin=server.url) as socket:
        socket.send("hello")
        assert socket.recv(SECONDS) == "ada: hello"
    with pytest.raises(InvalidStatus) as refused:
        opened(headers=cookie, origin="https://evil.example")
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/rooms/1", {}, 401),
        ("/api/rooms/1", {"Authorization": "Bearer bob"}, 401),
        ("/api/rooms/1", {"Authorization": "Bearer " + "x" * 5_000}, 401),
        ("/api/rooms/x", {}, 404),
        ("/api/route", {}, 404),
        ("/elsewhere", {}, 404),
    ],
    ids=["none", "wrong", "long", "no such room", "a route", "elsewhere"],
)
def test_a_refusal_has_its_status_and_its_reason(opened, path, headers, status):
    with pytest.raises(InvalidStatus) as refused:
        opened(path, headers=headers)
    response = refused.value.response
    assert response.status_code == status
    if status == 401:
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="api"')
        assert b'"detail"' in response.body


def test_a_consumer_that_fails_closes_with_1011_and_is_logged(server, opened):
    with opened("/api/open", headers={}) as socket:
        socket.send("fail")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    wait_until(lambda: "ValueError: of the consumer" in server.log.read_text())
    with server.client() as client:
        assert client.get("/api/route").json() == {"here": True}


def test_a_consumer_that_returns_closes_with_1000(opened):
    with opened("/api/open", headers={}) as socket:
        socket.send("end")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def test_a_client_that_leaves_while_it_is_sent_to_is_no_fault(server, opened):
    before = server.log.read_text()
    with opened("/api/open", headers={}) as socket:
        socket.send("flood")
        socket.recv(SECONDS)
        socket.socket.shutdown(SHUT_RDWR)
    with opened("/api/open", headers={}) as socket:
        socket.send("hello")
        assert socket.recv(SECONDS) == "AnonymousUser: hello"
    assert "Internal Server Error" not in server.log.read_text().removeprefix(before)


def test_many_are_open_at_once(opened):
    with ExitStack() as stack:
        sockets = [stack.enter_context(opened()) for _ in range(50)]
        for number, socket in enumerate(sockets):
            socket.send(str(number))
        assert [socket.recv(SECONDS) for socket in sockets] == [f"ada: {n}" for n in range(50)]


def test_a_plain_request_is_told_to_upgrade(server):
    with server.client() as client:
        answer = client.get("/api/open")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
