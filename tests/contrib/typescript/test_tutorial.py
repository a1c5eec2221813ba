"""The tutorial, carried out in a copy of the shop: every command says what the page shows, and the compiler's error is real."""

import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.docs.snippets import TREE, Block, blocks_of
from tests.docs.terminals import draw, said_in
from tests.projects.conftest import environment
from tests.projects.walking import Walk

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]


PICTURE = TREE / "docs" / "images" / "tsc-error.svg"


class Reader(Walk):
    """Writes every file that the page shows, and reads what is shown of generated ones."""

    def take(self, block: Block) -> None:
        if block.language == "typescript" and "/api/" in block.title:
            lines = (self.folder / block.title).read_text().splitlines()
            assert not [line for line in block.text.splitlines() if line not in lines]
        elif block.language in ("typescript", "json"):
            (self.folder / block.title).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / block.title).write_text(block.text)
        elif block.language == "console" and "npx tsc" in block.text:
            before, _, shown = block.text.partition("$ npx tsc --project web\n")
            if before:
                self.type(replace(block, text=before))
            self.compile(shown)
        else:
            super().take(block)

    def compile(self, shown: str) -> None:
        """The compiler says what is shown, and nothing else. What it says in a terminal is the picture."""
        if shown:
            drawn = draw("tsc-error", self.tsc("--pretty").stdout, "npx tsc --project web")
            if os.environ.get("MATT_DRAW"):
                PICTURE.write_text(drawn)
            assert said_in(drawn) == said_in(PICTURE.read_text()), "MATT_DRAW=1 draws it again"
        done = self.tsc()
        assert done.stdout == shown
        assert bool(done.returncode) == bool(shown)

    def tsc(self, *options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["npx", "--offline", "tsc", "--project", "web", *options],
            check=False,
            cwd=self.folder,
            env=environment(**self.variables),
            capture_output=True,
            text=True,
            timeout=200,
        )


def test_every_step_does_what_the_page_says(node_tools, tmp_path):
    shop = tmp_path / "shop"
    shutil.copytree(TREE / "examples" / "shop", shop)
    (shop / "node_modules").symlink_to(node_tools / "node_modules")
    page = TREE / "docs" / "typescript" / "tutorial.md"
    with ExitStack() as stack:
        reader = Reader(shop, stack)
        for block in blocks_of(page.read_text()):
            reader.take(block)
