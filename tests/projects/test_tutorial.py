"""The tutorial, typed from an empty folder as a newcomer would, one page after the other."""

import json
import re
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.docs.snippets import TREE, Block, Exchange, blocks_of
from tests.projects.running import serve
from tests.projects.walking import Walk

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]

FOLDER = TREE / "docs" / "tutorial"
STEPS = ["model", "schemas", "crud", "lists", "sign-in", "tests", "deploy"]
# The environment of this run stands for the reader's; tests/docs tries the lines that install.
INSTALLING = re.compile(r"python -m venv|source |pip install ")


class Newcomer(Walk):
    """Somebody who writes every file that a page shows, and sends the token that the API gave."""

    token = ""

    def take(self, block: Block) -> None:
        if block.title and block.language != "diff":
            self.write(self.folder / block.title, block.text)
        else:
            super().take(block)

    def type(self, block: Block) -> None:
        for step in re.split(r"^(?=\$ )", block.text, flags=re.M)[1:]:
            command = step.removeprefix("$ ").splitlines()[0]
            if INSTALLING.match(command):
                continue
            if command.startswith("granian "):
                self.serve_production(command)
            elif match := re.fullmatch(r"export (\w+)=\$\((.*)\)", command):
                self.variables[match[1]] = self.run(match[2]).strip()
            else:
                super().type(replace(block, text=step))

    def serve_production(self, command: str) -> None:
        port = free_port()
        words = command.replace("8000", str(port)).split()
        words[0] = str(Path(sys.executable).parent / words[0])
        served = serve(self.folder, words, port, self.variables, "/")
        self.browser, self.log = self.until_the_end.enter_context(served)

    def differs(self, exchange: Exchange) -> list[str]:
        headers = {
            name: value.replace("TOKEN", self.token) for name, value in exchange.headers.items()
        }
        return super().differs(replace(exchange, headers=headers))

    def send(self, exchange: Exchange) -> None:
        super().send(exchange)
        if exchange.url == "/api/sign-in" and exchange.status == 200:
            assert self.browser
            given = self.browser.post(exchange.url, json=json.loads(exchange.body))
            self.token = given.json()["token"]


def test_every_page_of_the_tutorial_is_typed_in_order():
    pages = {path.stem for path in FOLDER.glob("*.md")}
    assert pages == {"index", *STEPS}


def test_every_step_of_the_tutorial_does_what_it_says(tmp_path: Path):
    with ExitStack() as until_the_end:
        newcomer = Newcomer(tmp_path, until_the_end)
        for step in STEPS:
            for block in blocks_of((FOLDER / f"{step}.md").read_text()):
                newcomer.take(block)
