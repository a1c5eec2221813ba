"""A reader of a page, who starts in an empty folder and carries out every block."""

import json
import re
import subprocess
import sys
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import httpx

from benchmarks.ports import free_port
from tests.docs.snippets import Block, Exchange, differences, exchanges_of
from tests.projects.conftest import environment
from tests.projects.running import serve, serve_development
from tests.waiting import SECONDS, wait_until

__all__ = ["Walk"]

SERVED = re.compile(r"python (\w+\.py)(?: runserver)?")
"""``python manage.py runserver``, or a project in one file."""
STARTED, RELOADING = "Starting development server", "changed, reloading"


class Walk:
    """A reader with a terminal, an editor and a browser."""

    def __init__(self, folder: Path, until_the_end: ExitStack) -> None:
        self.folder = folder
        self.until_the_end = until_the_end
        self.variables: dict[str, str] = {}
        self.browser: httpx.Client | None = None
        self.log: Path | None = None
        self.edited: list[Path] = []
        self.restarts = self.starts = 0

    def take(self, block: Block) -> None:
        if block.language in {"console", "http"}:
            self.wait_for_restart()
        if block.language == "console":
            self.type(block)
        elif block.language == "http":
            for exchange in exchanges_of(block):
                self.send(exchange)
        elif block.language == "diff":
            self.edit(self.folder / block.title, block.text)
        else:
            assert block.language == "python", f"line {block.line}: what is a reader to do with it?"
            self.write(self.folder / block.title, block.text)

    def type(self, block: Block) -> None:
        """Run each ``$`` line; the lines below it must be part of what it says."""
        for step in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
            command, _, expected = step.partition("\n")
            if command.startswith("cd "):
                self.folder /= command[3:]
            elif command.startswith("export "):
                name, _, value = command.removeprefix("export ").partition("=")
                self.variables[name] = value
            elif command == "make dev":
                served = serve_development(self.folder, **self.variables)
                self.browser, _ = self.until_the_end.enter_context(served)
            elif starts := SERVED.fullmatch(command):
                self.browser, self.log = self.until_the_end.enter_context(self.runserver(starts[1]))
                self.edited = []
                wait_until(lambda: self.said(STARTED) > 0, self.log.read_text)
            else:
                said = self.run(command)
                for line in expected.splitlines():
                    assert line.strip() in said, f"{command} does not say {line!r}:\n{said}"

    def runserver(self, file: str) -> AbstractContextManager[tuple[httpx.Client, Path]]:
        port = free_port()
        command = [sys.executable, file, "runserver", f"127.0.0.1:{port}"]
        variables = {**self.variables, "PYTHONUNBUFFERED": "1"}
        return serve(self.folder, command, port, variables, "/")

    def said(self, line: str) -> int:
        return self.log.read_text().count(line) if self.log else 0

    def wait_for_restart(self) -> None:
        """Wait until ``runserver`` runs what was edited, as a reader does; a file that is not imported restarts nothing."""
        edited, self.edited = self.edited, []
        if self.log is None or not edited:
            return
        for _ in range(4):
            give_up = time.monotonic() + 1.5
            while self.said(RELOADING) == self.restarts and time.monotonic() < give_up:
                time.sleep(0.05)
            if self.said(RELOADING) > self.restarts:
                wait_until(lambda: self.said(STARTED) > self.starts, self.log.read_text)
                return
            # What is written before the server has looked at its files for the first time restarts nothing.
            for path in edited:
                path.touch()

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment(**self.variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-5_000:]}"
        return done.stdout

    def edit(self, path: Path, diff: str) -> None:
        # Editors take the space of an empty line away.
        lines = [line if line.strip() else " \n" for line in diff.splitlines(keepends=True)]
        before, after = (
            "".join(line[1:] for line in lines if line[0] in (" ", mark)) for mark in "-+"
        )
        text = path.read_text()
        assert text.count(before) == 1, f"{path.name} does not hold once:\n{before}"
        self.write(path, text.replace(before, after))

    def write(self, path: Path, text: str) -> None:
        if not self.edited:
            self.restarts, self.starts = self.said(RELOADING), self.said(STARTED)
        if path.exists():
            self.edited.append(path)
        path.write_text(text)

    def send(self, exchange: Exchange) -> None:
        """Send a request; the server may be starting again after an edit, so reads are repeated until they fit."""
        give_up = time.monotonic() + SECONDS
        while wrong := self.differs(exchange):
            assert time.monotonic() < give_up, f"{exchange.method} {exchange.url}: {wrong}"
            time.sleep(0.5)

    def differs(self, exchange: Exchange) -> list[str]:
        assert self.browser, "nothing is served yet"
        headers = {"Content-Type": "application/json", **exchange.headers}
        try:
            answer = self.browser.request(
                exchange.method, exchange.url, content=exchange.body, headers=headers
            )
        except httpx.TransportError as error:
            return [repr(error)]
        wrong = (
            []
            if answer.status_code == exchange.status
            else [f"{answer.status_code}: {answer.text}"]
        )
        wrong += [
            f"{name} is {answer.headers.get(name)}"
            for name, value in exchange.answer_headers.items()
            if value not in answer.headers.get(name, "")
        ]
        if exchange.answer and not wrong:
            wrong = differences(json.loads(exchange.answer), answer.json())
        return wrong
