"""The page "A product in ten minutes", walked from an empty folder as a reader would."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.snippets import TREE, blocks_of
from tests.projects.conftest import copy_checkout
from tests.projects.running import sign_in
from tests.projects.walking import Walk

PAGE = TREE / "docs" / "product.md"

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(900)]


class Newcomer(Walk):
    """Somebody who signs in, in the browser, as the user that a command has just created."""

    def run(self, command: str) -> str:
        said = super().run(command)
        if match := re.search(r"createsuperuser .*--email (\S+)", command):
            assert self.browser
            sign_in(self.browser, match[1], self.variables["DJANGO_SUPERUSER_PASSWORD"])
        return said


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """A reader in an empty folder, with a checkout beside it."""
    checkout = tmp_path / "django-matt"
    copy_checkout(checkout)
    reader = Newcomer(tmp_path, ExitStack())
    reader.variables["CFLAGS"] = "-O0"
    with reader.until_the_end:
        for command in ("init --quiet", "add --all", "commit --quiet --message As-it-is"):
            reader.run(f"git -C {checkout} {command}")
        yield reader


def test_every_step_of_the_page_does_what_it_says(walk: Walk):
    blocks = blocks_of(PAGE.read_text())
    assert {"console", "http", "diff", "python"} <= {block.language for block in blocks}
    for block in blocks:
        walk.take(block)
