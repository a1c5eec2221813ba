"""``django_matt.asgi`` behind real servers and in front of clients that are slow, greedy, many, or gone."""

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, create_database, run_server
from tests.e2e.test_asgi_application import COMMANDS, LIMIT, connect
from tests.waiting import wait_until

pytestmark = [pytest.mark.once]

FLOOD = 20_000
"""The parts of /flood, of 64 KiB."""
STREAMS = 1_000
CONNECTIONS = 3_000
SPARE = 500
"""File descriptors that the test and the server need for other things."""


@contextmanager
def serve(kind: str, folder: Path, postgres: str, **more: str) -> Iterator[Server]:
    name = f"hostile_{kind}_{os.getpid()}"
    create_database(postgres, name)
    port = free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "THREADED_POSTGRES": postgres,
        "THREADED_DATABASE": name,
        **more,
    }
    command = COMMANDS[kind].format(port=port).split()
    if kind == "granian":
        # Without it granian accepts 1,024 connections and lets the next one wait.
        command += ["--backlog", "8192", "--backpressure", "8192"]
    with run_server(command, ROOT, environment, port, folder / "log") as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """Allow this process, and the servers that it starts, as many sockets as the machine does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module", params=COMMANDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(
    kind: str, tmp_path_factory: pytest.TempPathFactory, postgres_host: str
) -> Iterator[Server]:
    with serve(kind, tmp_path_factory.mktemp("hostile"), postgres_host) as server:
        with server.client() as client, ThreadPoolExecutor(LIMIT) as pool:
            # Each thread and each connection is there before anything is counted.
            for each in [pool.submit(client.get, "/sync?seconds=0.2") for _ in range(LIMIT)]:
                assert each.result().status_code == 200
        yield server


def threads(server: Server) -> int:
    """Count the threads of the server and of the processes that it started."""
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == server.pid:
                found += len(list((stat.parent / "task").iterdir()))
        except OSError:
            continue
    return found


def seen(server: Server, what: str) -> int:
    with server.client() as client:
        return int(client.get("/seen").json()[what])


def read_until(probe: socket.socket, wanted: bytes) -> bytes:
    probe.settimeout(60)
    text = b""
    while wanted not in text:
        part = probe.recv(2**16)
        assert part, text
        text += part
    return text


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(length: int) -> bytes:
    return f"POST /length HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n".encode()


def test_bodies_that_come_a_byte_at_a_time_keep_no_thread_and_arrive(server):
    with server.client() as client, ExitStack() as stack:
        probes = [stack.enter_context(connect(server)) for _ in range(4 * LIMIT)]
        for probe in probes:
            probe.sendall(post(5))
        for _ in range(5):
            time.sleep(0.2)
            for probe in probes:
                probe.sendall(b"x")
            assert client.get("/sync").status_code == 200
        for probe in probes:
            assert b'{"length":5}' in read_until(probe, b"}")


def test_a_view_is_not_called_for_a_body_whose_client_left(server):
    before = seen(server, "bodies")
    for _ in range(20):
        with connect(server) as probe:
            probe.sendall(post(10) + b"half ")
    with connect(server) as probe:
        probe.sendall(post(4) + b"full")
        read_until(probe, b"}")
    assert seen(server, "bodies") == before + 1


def test_what_a_client_sends_past_its_length_is_no_part_of_the_body(server):
    with connect(server) as probe:
        probe.sendall(post(3) + b"abcdef and no request")
        assert b'{"length":3}' in read_until(probe, b"}")
    with server.client() as client:
        assert client.get("/sync").status_code == 200


def test_idle_streams_keep_no_thread_and_no_connection(server):
    with server.client() as client, ExitStack() as stack:
        connections = client.get("/connections").json()["count"]
        before = threads(server)
        probes = [stack.enter_context(connect(server)) for _ in range(STREAMS)]
        for probe in probes:
            # The view asks the database before it streams.
            probe.sendall(get("/events"))
        for probe in probes:
            read_until(probe, b"data: ")
        wait_until(lambda: threads(server) <= before)
        assert client.get("/connections").json()["count"] == connections
        assert client.get("/sync").status_code == 200


def test_a_client_that_never_reads_stops_its_stream_and_leaving_ends_it(server):
    before = seen(server, "ended")
    with connect(server) as probe:
        probe.sendall(get("/flood"))
        parts = 0

        def has_stopped() -> bool:
            nonlocal parts
            last, parts = parts, seen(server, "parts")
            return last == parts > 0

        wait_until(has_stopped, pause=0.3)
        assert parts < FLOOD
        with server.client() as client:
            assert client.get("/sync").status_code == 200
        assert seen(server, "ended") == before
    wait_until(lambda: seen(server, "ended") == before + 1)


def test_thousands_of_connections_that_only_open_cost_no_thread(server):
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE
    before = threads(server)
    with server.client() as client, ExitStack() as stack:
        for _ in range(min(CONNECTIONS, allowed)):
            stack.enter_context(connect(server))
        assert client.get("/sync").status_code == 200
        assert threads(server) <= before


def test_a_receiver_that_raises_fails_its_own_request_alone(kind, tmp_path, postgres_host):
    with (
        serve(kind, tmp_path, postgres_host, THREADED_RECEIVERS="1") as server,
        server.client() as client,
    ):
        for _ in range(3 * LIMIT):
            assert ask_alone(server, "/sync?refuse=start") == 500
            # It has been answered when the receiver is called.
            assert ask_alone(server, "/refused") == 200
        with ThreadPoolExecutor(2 * LIMIT) as pool:
            asked = [pool.submit(client.get, "/sync?seconds=0.02") for _ in range(4 * LIMIT)]
            assert {each.result().status_code for each in asked} == {200}
        assert seen(server, "threads") <= LIMIT


def test_connections_are_closed_after_each_request_where_none_is_kept(
    kind, tmp_path, postgres_host
):
    with (
        serve(kind, tmp_path, postgres_host, THREADED_MAX_AGE="0") as server,
        server.client() as client,
    ):
        for path in ("/sync", "/hop", "/across"):
            assert client.get(path).status_code == 200
        # The only one is that of the request that counts.
        wait_until(lambda: client.get("/connections").json()["count"] == 1)


def test_requests_under_way_are_answered_when_the_server_is_told_to_stop(
    kind, tmp_path, postgres_host
):
    with serve(kind, tmp_path, postgres_host) as server:
        with server.client() as client, ThreadPoolExecutor(4 * LIMIT) as pool:
            # Half of the synchronous ones wait for a thread.
            paths = ["/sync?seconds=0.7", "/sleep?seconds=1"] * (2 * LIMIT)
            asked = [pool.submit(ask_alone, server, path) for path in paths]
            wait_until(lambda: client.get("/seen").json()["timed"] == len(paths))
            os.kill(server.pid, signal.SIGTERM)
            assert [each.result(60) for each in asked] == [200] * len(paths)
        wait_until(lambda: has_ended(server.pid))


def ask_alone(server: Server, path: str) -> int:
    with server.client() as client:
        return client.get(path, headers={"Connection": "close"}).status_code


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"
