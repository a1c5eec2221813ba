"""The page "An app of your own", walked from an empty folder as a reader would."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.snippets import TREE, blocks_of
from tests.projects.walking import Walk

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

PAGE = TREE / "docs" / "extending.md"


def test_every_step_of_the_page_does_what_it_says(tmp_path: Path):
    blocks = blocks_of(PAGE.read_text())
    assert {"console", "http", "diff", "python"} <= {block.language for block in blocks}
    with ExitStack() as until_the_end:
        reader = Walk(tmp_path, until_the_end)
        for block in blocks:
            reader.take(block)
