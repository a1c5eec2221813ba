"""Real servers of one database, and a client of their streams."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.ports import free_port
from tests.contrib.realtime.conftest import SETTINGS
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import SECONDS

__all__ = ["Reader", "Site"]


COMMAND = "-m uvicorn --no-access-log --host 127.0.0.1 --port {port} tests.contrib.realtime.served:application"


class Site:
    """A database, and the servers of it."""

    def __init__(self, folder: Path, settings: str = SETTINGS, **environment: str) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_TEST_"))}
        self.environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "DJANGO_SETTINGS_MODULE": settings,
            "BOARD_DATABASE": str(folder / "board.sqlite3"),
            **environment,
        }
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"],
            cwd=ROOT,
            env=self.environment,
            check=True,
            timeout=120,
        )

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[Server]:
        port = port or free_port()
        command = COMMAND.format(port=port).split()
        log = self.folder / f"log-{port}"
        with run_server(command, ROOT, self.environment, port, log) as server:
            yield server


class Reader:
    """A client that remembers the last id, as ``EventSource`` does."""

    def __init__(self, path: str = "/api/events") -> None:
        self.path = path
        self.last = ""
        self.events: list[dict[str, str]] = []

    def read(self, server: Server, blocks: int, *, has_begun: Any = None) -> None:
        """Read so many blocks, or to the end; what is cut off within a block is lost."""
        headers = {"Last-Event-ID": self.last} if self.last else {}
        with (
            httpx.Client(timeout=SECONDS, verify=False) as client,
            client.stream("GET", server.url + self.path, headers=headers) as response,
        ):
            assert response.status_code == 200
            text = ""
            for part in response.iter_text():
                text += part
                while "\n\n" in text:
                    block, _, text = text.partition("\n\n")
                    self._take(block)
                    blocks -= 1
                    if has_begun is not None:
                        has_begun.set()
                    if blocks <= 0:
                        return

    def _take(self, block: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        self.last = fields.get("id", self.last)
        if "data" in fields:
            self.events.append(fields)

    @property
    def data(self) -> list[dict[str, int]]:
        return [json.loads(each["data"]) for each in self.events]
