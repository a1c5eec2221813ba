"""A Redis of the tests' own, on a free port of 127.0.0.1."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import can_connect
from tests.waiting import wait_until

__all__ = ["RedisServer", "run_redis"]


class RedisServer:
    """A process that can be stopped and started again on its port."""

    def __init__(self, folder: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", self._folder]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: can_connect(self.port))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


@contextmanager
def run_redis() -> Iterator[RedisServer]:
    """Start it and stop it; skip where it is not installed, unless ``MATT_REQUIRE_REDIS`` is set."""
    if shutil.which("redis-server") is None:
        if os.environ.get("MATT_REQUIRE_REDIS"):
            pytest.fail("MATT_REQUIRE_REDIS is set and there is no redis-server")
        pytest.skip("no redis-server (apt-get install redis-server)")
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
