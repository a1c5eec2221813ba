"""The guide "Serve a PyTorch model in ten minutes", walked from an empty folder with a real server."""

import re
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.docs.snippets import TREE, Block, blocks_of
from tests.projects.running import serve
from tests.projects.walking import Walk

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(400)]

PAGE = TREE / "docs" / "guides" / "pytorch.md"
INSTALLS, SERVES = "$ pip install ", "$ granian "


class Reader(Walk):
    """Somebody with all of the packages, whose server has another port than the page's."""

    def type(self, block: Block) -> None:
        for step in re.split(r"^(?=\$ )", block.text, flags=re.M)[1:]:
            if step.startswith(SERVES):
                port = free_port()
                command = [sys.executable, "-m", *step[2:].split()]
                command += ["--host", "127.0.0.1", "--port", str(port)]
                served = serve(self.folder, command, port, self.variables, "/api/docs")
                self.browser, _ = self.until_the_end.enter_context(served)
                self.port = port
            elif not step.startswith(INSTALLS):
                text = step.replace(":8000", f":{getattr(self, 'port', 8000)}")
                super().type(replace(block, text=text))


def test_every_step_of_the_page_does_what_it_says(tmp_path: Path):
    pytest.importorskip("torch")
    with ExitStack() as until_the_end:
        reader = Reader(tmp_path, until_the_end)
        for block in blocks_of(PAGE.read_text()):
            reader.take(block)
        assert reader.browser is not None
