"""The lifespans of apps under real servers: before the first request, after the last, in order, whatever the server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server

COMMANDS = {
    "uvicorn": "-m uvicorn --lifespan on --host 127.0.0.1 --port {port} tests.e2e.lived:asgi",
    "granian asgi": "-m granian --interface asgi --no-ws --host 127.0.0.1 --port {port} tests.e2e.lived:asgi",
    "granian wsgi": "-m granian --interface wsgi --no-ws --host 127.0.0.1 --port {port} tests.e2e.lived:wsgi",
    "gunicorn": "-m gunicorn --no-control-socket --bind 127.0.0.1:{port} tests.e2e.lived:wsgi",
    "gunicorn threads": "-m gunicorn --threads 4 --no-control-socket --bind 127.0.0.1:{port} tests.e2e.lived:wsgi",
}
WITHOUT = "-m uvicorn --lifespan off --host 127.0.0.1 --port {port} tests.e2e.lived:asgi"
LIFE = ["lived_first starts", "lived_second starts", "lived_second ends", "lived_first ends"]
WHOLE = [*LIFE[:2], "asked", *LIFE[2:]]


def environment(log: Path, trouble: str = "") -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "LIVED_LOG": str(log),
        "LIVED_TROUBLE": trouble,
    }


def serve(command: str, folder: Path, trouble: str = "", times: int = 1) -> list[str]:
    """Serve some requests; return the lines that the apps wrote."""
    port, log = free_port(), folder / "lived"
    arguments = command.format(port=port).split()
    with (
        run_server(arguments, ROOT, environment(log, trouble), port, folder / "log") as server,
        server.client() as client,
    ):
        for _ in range(times):
            assert client.get("/asked").json() == {"slept": "yes"}, server.log.read_text()
    return log.read_text().splitlines()


@pytest.mark.parametrize("server", COMMANDS)
def test_every_app_lives_around_the_requests(server, tmp_path):
    assert serve(COMMANDS[server], tmp_path) == WHOLE


def test_without_lifespan_every_app_starts_before_the_first_request(tmp_path):
    # The process dies by the signal, and there is nothing that could be called.
    assert serve(WITHOUT, tmp_path, times=2) == [*LIFE[:2], "asked", "asked"]


def test_a_forked_worker_has_lifespans_of_its_own(tmp_path):
    lines = serve(f"{COMMANDS['gunicorn']} --preload", tmp_path, times=2)
    # Those of the parent, which loaded the project, those of its worker, and the ends of both.
    assert lines[:4] == [*LIFE[:2], *LIFE[:2]]
    assert lines[4:6] == ["asked", "asked"]
    assert sorted(lines[6:]) == sorted([*LIFE[2:], *LIFE[2:]])


def start(command: str, folder: Path, trouble: str) -> "subprocess.CompletedProcess[str]":
    """Start a server that ends by itself."""
    return subprocess.run(
        [sys.executable, *command.format(port=free_port()).split()],
        cwd=ROOT,
        env=environment(folder / "lived", trouble),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


FAILED = "The lifespan of the app 'lived_second' (lived_second) failed at its start: "


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("fails", f"{FAILED}RuntimeError: there is no broker"),
        ("hangs", f"{FAILED}it took more than 0.5 seconds"),
    ],
)
def test_an_app_that_does_not_start_keeps_the_server_from_starting(server, trouble, said, tmp_path):
    done = start(COMMANDS[server], tmp_path, trouble)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert (tmp_path / "lived").read_text().splitlines() == [LIFE[0], LIFE[3]]


def test_an_app_that_blocks_its_event_loop_is_given_up_under_wsgi(tmp_path):
    done = start(COMMANDS["gunicorn"], tmp_path, "blocks")
    assert done.returncode != 0
    assert "A lifespan blocks its event loop" in done.stdout + done.stderr


def test_without_lifespan_each_request_fails_until_the_app_starts(tmp_path):
    port, log = free_port(), tmp_path / "lived"
    arguments = WITHOUT.format(port=port).split()
    with (
        run_server(arguments, ROOT, environment(log, "fails"), port, tmp_path / "log") as server,
        server.client() as client,
    ):
        assert [client.get("/asked").status_code for _ in range(2)] == [500, 500]
    assert server.log.read_text().count("there is no broker") >= 2
    assert log.read_text().splitlines() == [LIFE[0], LIFE[3]] * 2


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_an_end_that_fails_lets_the_others_end_and_is_logged(server, tmp_path):
    assert serve(COMMANDS[server], tmp_path, "ends") == WHOLE
    log = (tmp_path / "log").read_text()
    assert "failed at its end: RuntimeError: the broker has gone" in log
