"""A server is killed between the write and the answer, and many clients send one key: the write is carried out once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, create_database, run_server
from tests.waiting import SECONDS, wait_until

MODULE = "tests.e2e.idempotency.ordering"
THREADS, ROUNDS = 16, 3

Start = Callable[[], AbstractContextManager[Server]]


def make_start(database: dict[str, Any], folder: Path) -> Start:
    """Create the tables of the project, and return a function that starts a server of it."""
    environment: Mapping[str, str] = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "ORDERING_DATABASE": json.dumps(database),
        "ORDERING_FOLDER": str(folder),
    }
    migrate = [sys.executable, "-m", MODULE, "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=dict(environment), check=True, timeout=120)

    def start() -> AbstractContextManager[Server]:
        port = free_port()
        command = f"-m uvicorn --lifespan off --host 127.0.0.1 --port {port} {MODULE}:application"
        return run_server(command.split(), ROOT, environment, port, folder / f"server-{port}.log")

    return start


@pytest.fixture(params=["sqlite", "sqlite, deferred", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """An entry of ``DATABASES``, without tables."""
    if request.param == "postgres":
        host, name = request.getfixturevalue("postgres_host"), f"ordering_{os.getpid()}"
        create_database(host, name)
        engine = "django.db.backends.postgresql"
        return {"ENGINE": engine, "HOST": host, "NAME": name, "USER": "postgres"}
    options: dict[str, Any] = {"timeout": 60}
    if request.param == "sqlite":
        options["transaction_mode"] = "IMMEDIATE"
    name = str(tmp_path / "db.sqlite3")
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}


def send(client: httpx.Client, path: str, key: str) -> httpx.Response:
    return client.post(f"/api/{path}", headers={"Idempotency-Key": key}, json={})


def kill_between_write_and_answer(
    server: Server, client: httpx.Client, route: str, key: str, folder: Path
) -> None:
    """Send a request, and kill the server when the view has written its row."""
    (folder / "wait").touch()
    (folder / "written").unlink(missing_ok=True)
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(send, client, route, key)
        wait_until((folder / "written").exists, server.log.read_text)
        os.kill(server.pid, signal.SIGKILL)
        assert isinstance(lost.exception(SECONDS), httpx.TransportError)
    (folder / "wait").unlink()


def retry(server: Server, client: httpx.Client, route: str, key: str, before: int) -> None:
    """Send the request again, twice: one row is added, by the first."""
    assert client.get("/api/orders").json() == before
    first, again = send(client, route, key), send(client, route, key)
    assert (first.status_code, again.status_code) == (200, 200), server.log.read_text()
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.get("/api/orders").json() == before + 1


def race(client: httpx.Client, route: str) -> None:
    """Send one key 16 times at once: one response is new, and all have the same bytes."""
    key, barrier = str(uuid4()), Barrier(THREADS)

    def one(_: int) -> httpx.Response:
        barrier.wait()
        return send(client, route, key)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(one, range(THREADS)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == THREADS - 1


def test_a_write_is_carried_out_once_by_16_clients_and_after_kill_9_between_write_and_answer(
    database: dict[str, Any], tmp_path: Path
):
    start = make_start(database, tmp_path)
    keys = [str(uuid4()), str(uuid4())]
    with start() as server, server.client() as client:
        kill_between_write_and_answer(server, client, "sync", keys[0], tmp_path)
    with start() as server, server.client() as client:
        retry(server, client, "sync", keys[0], before=0)
        kill_between_write_and_answer(server, client, "async", keys[1], tmp_path)
    with start() as server, server.client() as client:
        retry(server, client, "async", keys[1], before=1)
        for number in range(ROUNDS):
            for route in ("sync", "async"):
                race(client, route)
            assert client.get("/api/orders").json() == 2 + 2 * (number + 1), server.log.read_text()
