"""Streams and sockets from two real servers of one database: cut off, restarted, and read by a browser."""

import json
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.ports import free_port
from tests.contrib.realtime.sites import Reader, Site
from tests.e2e.servers import Server, create_database, run_postgres
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

CUTS = 40


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("board")
    if request.param == "sqlite":
        yield Site(folder)
        return
    with run_postgres() as host:
        name = f"board_{os.getpid()}"
        create_database(host, name)
        yield Site(
            folder,
            MATT_TEST_DATABASE="postgres",
            MATT_TEST_POSTGRES_HOST=host,
            BOARD_DATABASE=name,
        )


def write(server: Server, writer: int, number: int, *, rolls_back: bool = False) -> None:
    query = "?rolls_back=true" if rolls_back else ""
    body = {"writer": writer, "number": number}
    url = f"{server.url}/api/events{query}"
    answer = httpx.post(url, json=body, timeout=SECONDS, verify=False)
    assert answer.status_code == 204, answer.text


def test_a_client_that_is_cut_off_gets_each_committed_event_once_and_in_order(site):
    chance = random.Random(16)
    stops = threading.Event()
    committed: dict[int, list[int]] = {}

    def write_on(writer: int, server: Server) -> None:
        numbers = committed[writer] = []
        number = 0
        while not stops.is_set():
            number += 1
            rolls_back = number % 3 == 0
            write(server, writer, number, rolls_back=rolls_back)
            if not rolls_back:
                numbers.append(number)

    with site.serve() as first, site.serve() as second:
        reader = Reader()
        reader.read(first, 1)
        writers = [
            threading.Thread(target=write_on, args=(place, server))
            for place, server in enumerate([first, second, first])
        ]
        for each in writers:
            each.start()
        try:
            for _ in range(CUTS):
                reader.read(chance.choice([first, second]), chance.randint(1, 5))
        finally:
            stops.set()
            for each in writers:
                each.join()
        write(second, 99, 1)
        while not reader.data or reader.data[-1]["writer"] != 99:
            reader.read(first, 2)
    places = [int(each["id"]) for each in reader.events]
    assert places == sorted(set(places))
    assert {each["event"] for each in reader.events} == {"numbered"}
    for writer, numbers in committed.items():
        assert [each["number"] for each in reader.data if each["writer"] == writer] == numbers
    assert len(reader.events) == sum(map(len, committed.values())) + 1


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_server_that_stops_ends_its_streams_and_a_client_goes_on_with_the_next(site):
    with site.serve() as other:
        reader = Reader()
        port = free_port()
        has_begun = threading.Event()
        with site.serve(port) as server:
            url = server.url.replace("http://", "ws://") + "/api/echo"
            with connect(url, open_timeout=SECONDS, proxy=None) as opened:
                opened.send('{"writer": 1, "number": 2}')
                assert json.loads(opened.recv(SECONDS)) == {
                    "writer": 1,
                    "number": 2,
                    "padding": None,
                }
                opened.send('{"writer": "x"}')
                assert json.loads(opened.recv(SECONDS))["error"]["code"] == "invalid_message"
                reading = threading.Thread(
                    target=reader.read, args=(server, 1_000), kwargs={"has_begun": has_begun}
                )
                reading.start()
                assert has_begun.wait(SECONDS)
                write(other, 7, 1)
                wait_until(lambda: reader.events)
                os.kill(server.pid, signal.SIGTERM)
                with pytest.raises(ConnectionClosed) as closed:
                    opened.recv(SECONDS)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1012
                reading.join(SECONDS)
                assert not reading.is_alive()
            wait_until(lambda: "Finished server process" in server.log.read_text())
        write(other, 7, 2)
        with site.serve(port) as server:
            reader.read(server, 2)
    assert [each["number"] for each in reader.data] == [1, 2]


@pytest.mark.parametrize("path", ["/api/events?after=0", "/api/noise"])
@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_client_that_does_not_read_keeps_no_server_from_stopping(site, path):
    with site.serve() as server:
        body = {"writer": 1, "number": 1, "padding": "x" * 60_000}
        url = f"{server.url}/api/events?copies=100"
        assert httpx.post(url, json=body, timeout=SECONDS).status_code == 204
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert client.recv(15) == b"HTTP/1.1 200 OK"
            time.sleep(1)  # it sends until nothing more fits
            os.kill(server.pid, signal.SIGTERM)
            wait_until(lambda: "Finished server process" in server.log.read_text())


def test_a_live_list_shows_what_another_server_writes(site):
    with site.serve() as first, site.serve() as second:
        reader = Reader("/api/orders/live")
        reading = threading.Thread(target=reader.read, args=(first, 3))
        reading.start()
        wait_until(lambda: reader.events)
        created = httpx.post(f"{second.url}/api/orders", timeout=SECONDS).json()
        reading.join(SECONDS)
    assert [each["event"] for each in reader.events] == ["list", "upsert"]
    assert reader.data[-1] == {"key": created["id"], "item": created}


@pytest.mark.browser
@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_the_event_source_of_a_browser_goes_on_where_it_was(site, chromium):
    port = free_port()
    page = chromium.new_page()
    with site.serve() as other:
        with site.serve(port) as server:
            page.goto(f"{server.url}/page")
            page.evaluate(
                """() => new Promise((done) => {
                    window.seen = [];
                    const source = new EventSource("/api/events");
                    source.onopen = done;
                    source.addEventListener("numbered", (event) => seen.push(JSON.parse(event.data).number));
                })"""
            )
            write(other, 8, 1)
            page.wait_for_function("seen.length == 1", timeout=1_000 * SECONDS)
        write(other, 8, 2)
        with site.serve(port):
            page.wait_for_function("seen.length == 2", timeout=1_000 * SECONDS)
            write(other, 8, 3)
            page.wait_for_function("seen.length == 3", timeout=1_000 * SECONDS)
            assert page.evaluate("seen") == [1, 2, 3]
    page.close()
