"""The terminal pictures show what the commands say today."""

from pathlib import Path

import pytest

from .snippets import TREE
from .terminals import PICTURES, draw, said_in, said_now

pytestmark = pytest.mark.once


# Those of the others begin with a database that is filled.
LONG = {"matt-migrations", "matt-seed", "matt-inspect"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.exhaustive) if name in LONG else name
        for name in PICTURES
    ],
)
def test_a_picture_is_what_the_command_says(name: str, tmp_path: Path):
    shop = tmp_path / "shop"
    shop.mkdir()
    drawn = said_in((TREE / "docs" / "images" / f"{name}.svg").read_text())
    assert said_in(draw(name, said_now(name, shop))) == drawn, "python -m tests.docs.terminals"
