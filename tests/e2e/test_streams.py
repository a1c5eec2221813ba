"""Long lists from real servers: constant memory, a first byte long before the last row, cursors that are closed."""

import csv
import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from benchmarks.ports import free_port
from tests.e2e.conftest import DEEP
from tests.e2e.servers import ROOT, Server, create_database, run_server
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROWS = 1_000_000 if DEEP else 200_000
MOST_GROWTH = 64 * 2**20
COMMANDS = {
    "gunicorn": "-m gunicorn --workers 1 --timeout 200 --no-control-socket --bind {at} tests.e2e.library:wsgi",
    "granian-wsgi": "-m granian --interface wsgi --no-ws --host {host} --port {port} tests.e2e.library:wsgi",
    "granian-asgi": "-m granian --interface asginl --no-ws --host {host} --port {port} tests.e2e.library:asgi",
    "uvicorn": "-m uvicorn --lifespan off --host {host} --port {port} tests.e2e.library:asgi",
}
ASGI = {"uvicorn", "granian-asgi"}
STANDS = [("gunicorn", "sqlite"), ("uvicorn", "postgres")]
if DEEP:
    STANDS = [(kind, database) for kind in COMMANDS for database in ("sqlite", "postgres")]


class Library:
    """A filled database, and what it says of the statements that are open."""

    def __init__(self, folder: Path, host: str) -> None:
        self.host = host
        self.place = f"library_{os.getpid()}" if host else str(folder / "library.sqlite3")
        if host:
            create_database(host, self.place)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LIBRARY_DATABASE": self.place,
            "LIBRARY_POSTGRES": host,
            "LIBRARY_ROWS": str(ROWS),
        }
        command = [sys.executable, "-m", "tests.e2e.library"]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, timeout=250)

    def is_read(self) -> bool:
        """Tell whether a statement is being read: PostgreSQL lists it, SQLite refuses to write meanwhile."""
        if self.host:
            where = f"host={self.host} user=postgres dbname={self.place}"
            with psycopg.connect(where, autocommit=True) as connection:
                found = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
                    " AND state <> 'idle'"
                ).fetchone()
            return found != (0,)
        file = sqlite3.connect(self.place, timeout=0)
        try:
            file.execute("UPDATE project_tag SET name = name")
            file.commit()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return True
        finally:
            file.close()
        return False


@pytest.fixture(scope="module")
def libraries(tmp_path_factory, request) -> Callable[[str], Library]:
    made: dict[str, Library] = {}

    def library(database: str) -> Library:
        if database not in made:
            host = request.getfixturevalue("postgres_host") if database == "postgres" else ""
            made[database] = Library(tmp_path_factory.mktemp(f"library-{database}"), host)
        return made[database]

    return library


@pytest.fixture(scope="module", params=STANDS, ids="-".join)
def stand(request, libraries, tmp_path_factory) -> Iterator[tuple[Server, Library, str]]:
    kind, database = request.param
    library, port = libraries(database), free_port()
    command = COMMANDS[kind].format(host="127.0.0.1", port=port, at=f"127.0.0.1:{port}").split()
    log = tmp_path_factory.mktemp(kind) / "log"
    # Django refuses ATOMIC_REQUESTS for async views.
    environment = library.environment | {"LIBRARY_ATOMIC": "0" if kind in ASGI else "1"}
    with ExitStack() as stack:
        server = stack.enter_context(run_server(command, ROOT, environment, port, log))
        with server.client() as client:
            # Whatever is loaded and allotted once is.
            client.get("/api/rows", params={"last": 30_000})
            client.get("/api/rows", params={"last": 30_000, "format": "csv"})
        yield server, library, kind


@pytest.fixture
def server(stand) -> Server:
    made: Server = stand[0]
    return made


@pytest.fixture
def library(stand) -> Library:
    made: Library = stand[1]
    return made


@pytest.fixture
def routes(stand) -> list[str]:
    return ["/api/rows", "/api/rows-async"] if stand[2] in ASGI else ["/api/rows"]


@contextmanager
def opened(server: Server, route: str, **query: Any) -> Iterator[httpx.Response]:
    # The kernel would take the whole list for a client that does not read.
    small = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)])
    with (
        httpx.Client(base_url=server.url, transport=small, timeout=SECONDS) as client,
        client.stream("GET", route, params=query) as answer,
    ):
        assert answer.status_code == 200
        yield answer


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_memory_is_constant_and_the_first_byte_comes_before_the_last_row(
    server, library, routes, kind
):
    route = routes[-1]
    before = server.resident_bytes()
    peak, lines, tail = before, 0, b""
    with opened(server, route, format=kind) as answer:
        assert "content-length" not in answer.headers
        chunks = answer.iter_raw(1 << 18)
        tail = next(chunks)
        lines = tail.count(b"A book of some")
        # The server waits for its reader, with the statement open, and does not read on into memory.
        assert library.is_read()
        time.sleep(0.5)
        peak = max(peak, server.resident_bytes())
        for chunk in chunks:
            lines += (tail[-20:] + chunk).count(b"A book of some") - tail[-20:].count(
                b"A book of some"
            )
            peak = max(peak, server.resident_bytes())
            tail = chunk
    assert lines == ROWS
    assert tail.endswith({"json": b"}]", "jsonl": b"}\n", "csv": b"\r\n"}[kind])
    if sys.platform == "linux":
        assert before > 0
        assert peak - before < MOST_GROWTH
    wait_until(lambda: not library.is_read())


def test_a_client_that_leaves_closes_the_cursor(server, library, routes):
    for route in routes:
        with opened(server, route) as answer:
            chunks = answer.iter_raw()  # httpx leaves where nobody holds this
            next(chunks)
            assert library.is_read()
        wait_until(lambda: not library.is_read())
    # The worker and its connection go on.
    with server.client() as client:
        assert len(client.get(routes[0], params={"last": 5}).json()) == 5
    with opened(server, routes[0], last=11_000) as answer:
        assert len(json.loads(answer.read())) == 11_000


def rows_of(text: str, kind: str) -> list[Any]:
    if kind == "json":
        return list(json.loads(text))
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_it_is_the_same_as_in_pieces(server, routes, kind):
    more = ["/api/tagged", "/api/instances", "/api/loud"] if kind == "json" else []
    for route in [*routes, *more]:
        with server.client() as client:
            streamed = client.get(route, params={"format": kind, "last": 10_500})
            assert streamed.headers["transfer-encoding"] == "chunked"
            halves: list[Any] = []
            for first, last in ((0, 6_000), (6_000, 10_500)):
                query = {"format": kind, "first": first, "last": last}
                half = client.get(route, params=query)
                assert "content-length" in half.headers
                halves += rows_of(half.text, kind)
        found = rows_of(streamed.text, kind)
        assert len(found) == 10_500
        assert found == halves, route


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_an_error_in_mid_stream_breaks_the_answer_off(stand, kind):
    server, library, made_by = stand
    found: list[bytes] = []
    # Granian ends a WSGI answer whose iterator fails like a whole one: the body alone shows it.
    broken_off: Any = pytest.raises(httpx.RemoteProtocolError)
    if made_by == "granian-wsgi":
        broken_off = nullcontext()
    with opened(server, "/api/broken", format=kind) as answer, broken_off:
        found.extend(answer.iter_raw())
    sent = b"".join(found)
    if kind == "json":
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(sent)
    elif kind == "jsonl":
        assert json.loads(sent.splitlines()[-1])["status"] == 500
    else:
        with pytest.raises(csv.Error):
            list(csv.reader(io.StringIO(sent.decode()), strict=True))
    wait_until(lambda: not library.is_read())
    assert "a row of the second half cannot be read" in server.log.read_text(errors="replace")
    with server.client() as client:
        assert len(client.get("/api/rows", params={"last": 5}).json()) == 5


def test_head_sends_nothing(server, library, routes):
    for route in routes:
        with server.client() as client:
            answer = client.head(route)
        assert answer.status_code == 200
        assert answer.content == b""
    wait_until(lambda: not library.is_read())
