"""Every command of the page prints what the page shows, and writes the files that it shows."""

import re

import pytest

from tests.cli.projects import SmallProject, make_project
from tests.docs.snippets import TREE, blocks_of

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

PAGE = TREE / "docs" / "typescript" / "from-typescript.md"


@pytest.fixture
def project(tmp_path) -> SmallProject:
    made = make_project(tmp_path)
    made.write("ruff.toml", "")
    apps = '"django_matt.contrib.typescript", "shop", "library", "notes"'
    settings = made.folder / "config" / "settings.py"
    settings.write_text(settings.read_text().replace('"notes"', apps))
    for app in ("shop", "library"):
        made.write(f"{app}/__init__.py", "")
    return made


def test_the_page_shows_what_the_command_does(project: SmallProject):
    commands = 0
    for block in blocks_of(PAGE.read_text()):
        if block.language == "typescript":
            project.write(block.title, block.text)
        elif block.title.startswith(("shop/", "library/")):
            assert (project.folder / block.title).read_text() == block.text, block.title
        elif block.language == "console":
            for step in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
                line, _, expected = step.partition("\n")
                if not line.startswith("python manage.py "):
                    continue
                done = project.manage(*line.split()[2:])
                # The warnings of a terminal come first.
                assert done.stderr + done.stdout == expected, line
                commands += 1
    assert commands == 4
