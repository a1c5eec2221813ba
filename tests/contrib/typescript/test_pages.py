"""The TypeScript of the documentation compiles against the shop's files, and the errors that it shows are real."""

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.snippets import TREE, Block, blocks_of

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

#: test_tutorial.py carries out the other page.
TUTORIAL = TREE / "docs/typescript/tutorial.md"
PAGES = [*sorted({*(TREE / "docs").rglob("*.md")} - {TUTORIAL}), TREE / "README.md"]
ERROR = re.compile(r"// error: (?P<text>.+)$")


def written(path: Path) -> list[Block]:
    return [block for block in blocks_of(path.read_text()) if block.language == "typescript"]


FOUND = {str(path.relative_to(TREE)): blocks for path in PAGES if (blocks := written(path))}


def test_the_pages_have_typescript():
    assert "docs/typescript/index.md" in FOUND


@pytest.fixture(scope="module")
def web(shop_client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(shop_client, folder / "api", symlinks=True)
    return folder


@pytest.mark.parametrize("page", FOUND)
def test_what_a_page_shows_compiles_and_its_errors_are_errors(page, web, compile_types):
    files, wanted = [], []
    for block in FOUND[page]:
        if block.title:
            continue
        name = f"{Path(page).stem}_{block.line}.ts"
        (web / name).write_text(block.text)
        files.append(name)
        for number, line in enumerate(block.text.splitlines(), 1):
            if match := ERROR.search(line):
                wanted.append((name, number, match["text"]))
    if not files:
        pytest.skip("the page shows generated files only")
    said = compile_types(web, *files)
    errors = re.findall(r"^([\w.-]+)\((\d+),\d+\): error (.*)$", said, re.M)
    found = [(name, int(line), text) for name, line, text in errors]
    unexpected = [
        (name, line, text)
        for name, line, text in found
        if not any((name, line) == each[:2] and each[2] in text for each in wanted)
    ]
    assert not unexpected
    assert {each[:2] for each in wanted} == {each[:2] for each in found}


@pytest.mark.parametrize("page", FOUND)
def test_a_generated_file_has_what_a_page_shows_of_it(page, shop_types):
    for block in FOUND[page]:
        # The other titles are files that the reader writes.
        if not (shop_types / Path(block.title or "-").name).exists():
            continue
        lines = (shop_types / Path(block.title).name).read_text().splitlines()
        missing = [
            line
            for line in block.text.splitlines()
            if line.strip() not in ("", "…") and line not in lines
        ]
        assert not missing, f"line {block.line}"
