"""``django_matt.asgi`` behind real servers: threads, connections, streams, and clients that leave."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, create_database, run_server
from tests.waiting import wait_until

COMMANDS = {
    "uvicorn": "-m uvicorn --lifespan on --no-access-log --host 127.0.0.1 --port {port} tests.e2e.threaded:application",
    "granian": "-m granian --interface asgi --no-ws --host 127.0.0.1 --port {port} tests.e2e.threaded:application",
}
LIMIT = 4
STREAMS = 200


@pytest.fixture(scope="module", params=COMMANDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_host: str
) -> Iterator[Server]:
    name = f"threaded_{request.param}_{os.getpid()}"
    create_database(postgres_host, name)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "THREADED_POSTGRES": postgres_host,
        "THREADED_DATABASE": name,
    }
    port = free_port()
    log: Path = tmp_path_factory.mktemp("threaded") / "log"
    command = COMMANDS[request.param].format(port=port).split()
    with run_server(command, ROOT, environment, port, log) as server:
        yield server


def test_an_async_route_without_queries_starts_no_thread(server):
    with server.client() as client:
        threads = {client.get("/nothing").json()["thread"] for _ in range(20)}
        assert len(threads) == 1


def test_a_request_keeps_its_thread_and_connection(server):
    with server.client() as client:
        for _ in range(10):
            first, second = client.get("/twice").json()
            assert first == second


def test_threads_and_connections_are_bounded_and_kept(server):
    with server.client() as client, ThreadPoolExecutor(32) as pool:

        def ask(number: int) -> tuple[int, int]:
            response = client.get("/sync?seconds=0.02")
            assert response.status_code == 200
            return tuple(response.json())

        pairs = set(pool.map(ask, range(200)))
    assert len({thread for thread, _ in pairs}) <= LIMIT
    # Each thread has had one connection for all of its requests.
    assert len(pairs) == len({thread for thread, _ in pairs})


def test_idle_streams_keep_no_thread_and_share_a_connection(server):
    with server.client() as client:
        before = client.get("/connections").json()["count"]
        with ExitStack() as stack:
            opened = []
            for number in range(STREAMS):
                probe = stack.enter_context(connect(server))
                query = b"true" if number % 2 else b"false"
                probe.sendall(b"GET /events?query=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % query)
                opened.append(probe)
            for probe in opened:
                probe.settimeout(60)
                text = b""
                while b"data: " not in text:
                    text += probe.recv(4096)
                assert text.startswith(b"HTTP/1.1 200")
            # One thread and connection more than requests use: the one that the streams share.
            assert client.get("/seen").json()["threads"] <= LIMIT + 1
            assert client.get("/connections").json()["count"] <= max(before, LIMIT) + 1
            assert client.get("/sync").status_code == 200
        wait_until(lambda: client.get("/seen").json()["threads"] <= LIMIT)


def test_a_stream_outlives_its_connection(server):
    with server.client() as client:
        lines = [line for line in client.get("/broken").text.splitlines() if line]
    pids = [line for line in lines if line.removeprefix("data: ").isdigit()]
    assert len(pids) >= 2
    assert len(set(pids)) == len(pids)


def test_a_view_whose_client_leaves_is_cancelled(server):
    with server.client() as client:
        before = client.get("/seen").json()["cancelled"]
        with connect(server) as probe:
            probe.sendall(b"GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            time.sleep(0.3)
        wait_until(lambda: client.get("/seen").json()["cancelled"] == before + 1)


@pytest.mark.parametrize("length", [0, 1, 70_000, 3_000_000])
def test_a_body_of_any_length_arrives(server, length):
    def parts() -> Iterator[bytes]:
        for start in range(0, length, 50_000):
            yield b"x" * min(50_000, length - start)

    with server.client() as client:
        assert client.post("/length", content=b"x" * length).json() == {"length": length}
        assert client.post("/length", content=parts()).json() == {"length": length}


def test_clients_that_only_open_or_leave_in_the_middle_cost_nothing(server):
    with ExitStack() as stack:
        for number in range(100):
            probe = stack.enter_context(connect(server))
            if number % 2:
                probe.sendall(
                    b"POST /length HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nabc"
                )
        with server.client() as client:
            assert client.get("/sync").status_code == 200
    with server.client() as client:
        assert client.get("/seen").json()["threads"] <= LIMIT
        assert client.get("/sync").status_code == 200


def connect(server: Server) -> socket.socket:
    """Open a connection of one's own."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)))


def leave(server: Server, path: str, after: Callable[[], bool]) -> None:
    """Ask for a path, and leave once something is so."""
    with connect(server) as probe:
        probe.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        wait_until(after)


def test_the_thread_of_a_view_that_does_not_notice_a_left_client_is_nobody_elses(server):
    with server.client() as client:
        client.get("/release?again=true")
        leave(server, "/hold", lambda: client.get("/seen").json()["held"] == 1)
        try:
            # One of these would wait behind that view if it got its thread.
            with ThreadPoolExecutor(LIMIT - 1) as pool:
                asked = [pool.submit(client.get, "/sync?seconds=0.1") for _ in range(4 * LIMIT)]
                assert {each.result().status_code for each in asked} == {200}
            assert client.get("/seen").json()["held"] == 1
        finally:
            client.get("/release")
        wait_until(lambda: client.get("/seen").json()["held"] == 0)


def test_a_transaction_that_a_view_left_open_is_rolled_back(server):
    with server.client() as client:
        assert client.get("/left-open").status_code == 200
        wait_until(lambda: client.get("/open-transactions").json()["count"] == 0)
        is_open = lambda: client.get("/open-transactions").json()["count"] == 1  # noqa: E731
        leave(server, "/left-open?seconds=60", is_open)
        wait_until(lambda: client.get("/open-transactions").json()["count"] == 0)
        for _ in range(2 * LIMIT):
            assert client.get("/sync").status_code == 200


def test_a_stream_cannot_leave_a_transaction_open_for_other_streams(server):
    with server.client() as client:
        text = client.get("/left-open-stream").text
    assert "A transaction on 'default' was left open in a stream" in text
    assert text.endswith("False")


def test_a_task_that_outlives_its_request_gets_a_thread_when_all_are_busy(server):
    with server.client() as client, ThreadPoolExecutor(LIMIT) as pool:
        before = client.get("/seen").json()["later"]
        client.get("/release?again=true")
        try:
            held = [pool.submit(client.get, "/hold") for _ in range(LIMIT)]
            wait_until(lambda: client.get("/seen").json()["held"] == LIMIT)
            assert client.get("/later").status_code == 200
            assert client.get("/seen").json()["later"] == before
        finally:
            client.get("/release")
        assert [each.result().status_code for each in held] == [200] * LIMIT
        wait_until(lambda: client.get("/seen").json()["later"] == before + 1)
        for _ in range(2 * LIMIT):
            assert client.get("/sync").status_code == 200


def test_clients_that_leave_while_they_wait_for_a_thread_lose_none(server):
    with server.client() as client, ThreadPoolExecutor(LIMIT) as pool:
        client.get("/release?again=true")
        try:
            held = [pool.submit(client.get, "/hold") for _ in range(LIMIT)]
            wait_until(lambda: client.get("/seen").json()["held"] == LIMIT)
            with ExitStack() as stack:
                for _ in range(STREAMS):
                    probe = stack.enter_context(connect(server))
                    probe.sendall(b"GET /sync HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        finally:
            client.get("/release")
        assert [each.result().status_code for each in held] == [200] * LIMIT
        with ThreadPoolExecutor(2 * LIMIT) as more:
            asked = [more.submit(client.get, "/sync?seconds=0.02") for _ in range(8 * LIMIT)]
            assert {each.result().status_code for each in asked} == {200}
        assert client.get("/seen").json()["threads"] == LIMIT


def test_synchronous_iterators_are_read_at_the_same_time(server):
    with server.client() as client, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(client.get, "/parts?together=true") for _ in range(2)]
        assert [len(each.result().content) for each in asked] == [1_000_000] * 2


def test_slow_readers_of_synchronous_iterators_keep_no_thread(server):
    with server.client() as client, ExitStack() as stack:
        for _ in range(2 * LIMIT):
            probe = stack.enter_context(connect(server))
            probe.sendall(b"GET /parts?size=100 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert probe.recv(12) == b"HTTP/1.1 200"
        assert client.get("/sync").status_code == 200


def test_what_runs_in_a_thread_for_us_sees_what_it_sees_for_a_view(server):
    with server.client() as client:
        for _ in range(3):
            found = client.get("/hop").json()
            assert found == {
                "seen": ["before", "after"],
                "raised": "in the thread",
                "in_loop": True,
                "kept": True,
            }


def test_a_transaction_is_the_requests_own_across_awaits(server):
    with server.client() as client, ThreadPoolExecutor(3 * LIMIT) as pool:
        found = [
            each.json() for each in pool.map(lambda _: client.get("/across"), range(6 * LIMIT))
        ]
        assert all(len(set(each["kept"])) == 1 for each in found)
        assert all(len(set(each["block"])) == 1 for each in found)
        assert len({each["kept"][0] for each in found}) == len(found)
        assert len({each["backend"] for each in found}) <= LIMIT
        assert client.get("/open-transactions").json()["count"] == 0
