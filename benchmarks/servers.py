"""A stack behind granian or uvicorn: one worker on 127.0.0.1, started, watched and stopped."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.memory import peak
from benchmarks.ports import free_port

__all__ = ["Server", "ServerError", "serve"]

_ROOT = Path(__file__).resolve().parent.parent
_READY = 120


class ServerError(Exception):
    """The server did not come up."""


class Server:
    """One that answers."""

    def __init__(self, process: int, port: int) -> None:
        """Take the id of the process that was started and where its worker listens."""
        self._process, self._port = process, port

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._port

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self._port}/{path}"

    def processes(self) -> list[int]:
        """Return the process that was started and its children; empty where this is not Linux."""
        try:
            tasks = Path(f"/proc/{self._process}/task/{self._process}/children").read_text()
        except OSError:
            return []
        return [self._process, *map(int, tasks.split())]

    def peak(self) -> int | None:
        """Return the most that the worker has held, in bytes; ``None`` where this is not Linux."""
        # Beside the worker there may be the process that started it, and the one that multiprocessing cleans up with.
        return max((peak(process) or 0 for process in self.processes()), default=None)

    def cpu(self) -> float:
        """Return the CPU seconds that the server has used so far."""
        ticks = 0
        for process in self.processes():
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Return what the server holds now, in bytes."""
        pages = sum(
            int(Path(f"/proc/{process}/statm").read_text().split()[1])
            for process in self.processes()
        )
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self, ending: str) -> int:
        """Return how often the server has files of a name open: a connection to SQLite is one."""
        links = [
            link for process in self.processes() for link in Path(f"/proc/{process}/fd").iterdir()
        ]
        return sum(f"{link.readlink()}".endswith(ending) for link in links if link.is_symlink())

    def threads(self) -> int:
        """Return how many threads the server has."""
        return sum(
            len(list(Path(f"/proc/{process}/task").iterdir())) for process in self.processes()
        )


COMMANDS = {
    "granian": "-m granian --interface {interface} --host 127.0.0.1 --port {port} --workers 1 --no-ws --log-level warning",
    "uvicorn": "-m uvicorn --interface asgi3 --host 127.0.0.1 --port {port} --no-access-log --log-level warning",
    "bolt": "-m django runbolt --settings benchmarks.settings --host 127.0.0.1 --port {port} --processes 1 --no-admin",
}


@contextmanager
def serve(
    stack: str,
    interface: str,
    database: str,
    ready: str,
    *,
    server: str = "granian",
    handler: str = "django",
) -> Iterator[Server]:
    """Serve a stack until the end of the block, which begins once the path ``ready`` answers; raises ``ServerError``.

    ``handler`` is ``matt`` for the ASGI application of ``django_matt.asgi``.
    """
    port = free_port()
    command = [sys.executable, *COMMANDS[server].format(interface=interface, port=port).split()]
    if interface == "wsgi":
        command += ["--blocking-threads", "1"]
    chosen = {
        "BENCHMARKS_STACK": stack,
        "BENCHMARKS_INTERFACE": interface,
        "BENCHMARKS_HANDLER": handler,
        "BENCHMARKS_DATABASE": database,
    }
    if server != "bolt":
        command.append("benchmarks.application:application")
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, **chosen},
        stdout=subprocess.DEVNULL if server == "bolt" else None,
    )
    try:
        _wait(process, port, ready)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, ready: str) -> None:
    until = time.monotonic() + _READY
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", f"/{ready}")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise ServerError(f"the server did not serve /{ready} within {_READY} seconds")
