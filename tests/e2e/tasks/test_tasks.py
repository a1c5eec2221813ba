"""A task that an operation enqueues in its transaction is run by a worker, if and when the transaction commits."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server
from tests.project.postgres import socket_directory
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(params=["sqlite", "postgres"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """Start a server and a worker, and return a client of the server."""
    name = str(tmp_path / "tasks.sqlite3")
    if request.param == "postgres":
        name = socket_directory()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.e2e.tasks.settings",
        "PYTHONPATH": str(ROOT),
        "TASKS_DATABASE": name,
    }
    manage = [sys.executable, "-m", "django"]
    subprocess.run([*manage, "migrate", "-v", "0"], env=environment, check=True, timeout=120)
    port = free_port()
    command = ["-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    worker = subprocess.Popen(
        [*manage, "db_worker", "--interval", "0.1", "--no-startup-delay", "-v", "0"],
        env=environment,
    )
    try:
        with (
            run_server(
                [*command, "tests.e2e.tasks.asgi:application"],
                ROOT,
                environment,
                port,
                tmp_path / "log",
            ) as server,
            server.client() as found,
        ):
            yield found
    finally:
        worker.terminate()
        worker.wait(60)


def status(client: httpx.Client, task: str) -> str:
    response = client.get(f"/api/tasks/{task}")
    return response.json()["status"] if response.status_code == 200 else str(response.status_code)


def wait_for(client: httpx.Client, task: str, expected: str) -> None:
    wait_until(lambda: status(client, task) == expected, lambda: status(client, task))


def test_a_task_is_run_if_and_when_its_transaction_commits(client, tmp_path, request):
    done = client.post("/api/users/ada").json()["task"]
    wait_for(client, done, "SUCCESSFUL")
    assert client.get("/api/users/ada").json() == {"greeting": "Hello"}

    undone = client.post("/api/users/bob?fails=true")
    assert undone.status_code == 409
    assert status(client, undone.json()["detail"]) == "404"

    failed = client.post("/api/users/mallory").json()["task"]
    wait_for(client, failed, "FAILED")
    assert client.get(f"/api/tasks/{failed}").json()["errors"] == ["builtins.RuntimeError"]

    if "sqlite" in request.node.name:
        return  # one writer at a time: nothing else could be enqueued
    go = tmp_path / "go"
    holding = threading.Thread(
        target=client.post, args=("/api/users/carol",), kwargs={"params": {"wait_for": str(go)}}
    )
    holding.start()
    try:
        wait_until(go.with_suffix(".task").exists)
        later = client.post("/api/users/dan").json()["task"]
        wait_for(client, later, "SUCCESSFUL")
        held = go.with_suffix(".task").read_text()
        assert status(client, held) == "404"
    finally:
        go.touch()
        holding.join()
    wait_for(client, held, "SUCCESSFUL")
