"""A stack behind granian: one worker on 127.0.0.1, started, watched and stopped."""

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


class ServerError(Exception):
    """The server did not come up."""


class Server:
    """One that answers."""

    def __init__(self, process: int, port: int) -> None:
        """Take the id of granian's own process and where its worker listens."""
        self._process, self._port = process, port

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self._port}/{path}"

    def peak(self) -> int | None:
        """Return the most that the worker has held, in bytes; ``None`` where this is not Linux."""
        try:
            tasks = Path(f"/proc/{self._process}/task/{self._process}/children").read_text()
        except OSError:
            return None
        # Beside the worker there may be the small process that multiprocessing cleans up with.
        return max((peak(int(child)) or 0 for child in tasks.split()), default=None)


@contextmanager
def serve(stack: str, interface: str, database: str, ready: str) -> Iterator[Server]:
    """Serve a stack until the end of the block, which begins once the path ``ready`` answers; raises ``ServerError``."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1"]
    command += ["--port", f"{port}", "--workers", "1", "--no-ws", "--log-level", "warning"]
    if interface == "wsgi":
        command += ["--blocking-threads", "1"]
    chosen = {
        "BENCHMARKS_STACK": stack,
        "BENCHMARKS_INTERFACE": interface,
        "BENCHMARKS_DATABASE": database,
    }
    process = subprocess.Popen(
        [*command, "benchmarks.application:application"], cwd=_ROOT, env={**os.environ, **chosen}
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
    until = time.monotonic() + 30
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
    raise ServerError(f"granian did not serve /{ready} within 30 seconds")
