"""The page "A product in ten minutes", walked from an empty folder as a reader would."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.docs.snippets import Block, Exchange, blocks_of, differences, exchanges_of
from tests.docs.test_snippets import WALKED
from tests.projects.conftest import copy_checkout, environment
from tests.projects.running import serve_development
from tests.waiting import SECONDS

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(900)]


class Walk:
    """A reader with a terminal, an editor and a browser."""

    def __init__(self, folder: Path, until_the_end: ExitStack) -> None:
        self.folder = folder
        self.until_the_end = until_the_end
        self.variables: dict[str, str] = {}
        self.browser: httpx.Client | None = None

    def take(self, block: Block) -> None:
        if block.language == "console":
            self.type(block)
        elif block.language == "http":
            for exchange in exchanges_of(block):
                self.send(exchange)
        elif block.language == "diff":
            self.edit(self.folder / block.title, block.text)
        else:
            assert block.language == "python", f"line {block.line}: what is a reader to do with it?"
            (self.folder / block.title).write_text(block.text)

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
            else:
                said = self.run(command)
                for line in expected.splitlines():
                    assert line.strip() in said, f"{command} does not say {line!r}:\n{said}"

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
        lines = [line for line in diff.splitlines(keepends=True) if line.strip()]
        before, after = (
            "".join(line[1:] for line in lines if line[0] in (" ", mark)) for mark in "-+"
        )
        text = path.read_text()
        assert text.count(before) == 1, f"{path.name} does not hold once:\n{before}"
        path.write_text(text.replace(before, after))

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


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """A reader in an empty folder, with a checkout beside it."""
    checkout = tmp_path / "django-matt"
    copy_checkout(checkout)
    reader = Walk(tmp_path, ExitStack())
    reader.variables["CFLAGS"] = "-O0"
    with reader.until_the_end:
        for command in ("init --quiet", "add --all", "commit --quiet --message As-it-is"):
            reader.run(f"git -C {checkout} {command}")
        yield reader


def test_every_step_of_the_page_does_what_it_says(walk: Walk):
    blocks = blocks_of(WALKED.read_text())
    assert {"console", "http", "diff", "python"} <= {block.language for block in blocks}
    for block in blocks:
        walk.take(block)
