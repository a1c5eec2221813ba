"""Every page can be found, and no link leads nowhere."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .snippets import FENCE, TREE

pytestmark = pytest.mark.once

LINK = re.compile(
    r"(?<!\\)\[[^\]]*\]\((?P<target>[^)\s]+)(?: \"[^\"]*\")?\)|<(?:img|source)[^>]* src(?:set)?=\"(?P<src>[^\"]+)\""
)
NOTES = sorted(
    {
        path
        for pattern in ("*.md", "contrib/**/*.md", "cookiecutter/*.md", "examples/**/*.md")
        for path in TREE.glob(pattern)
    }
)


class Loader(yaml.SafeLoader):
    """mkdocs.yml names Python functions by tags, which matter to mkdocs only."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def named(entry: Any) -> set[str]:
    if isinstance(entry, str):
        return {entry}
    values = entry.values() if isinstance(entry, dict) else entry
    return set().union(*map(named, values)) if values else set()


def test_every_page_stands_in_the_navigation_of_the_site():
    navigation = named(yaml.load((TREE / "mkdocs.yml").read_text(), Loader)["nav"])
    docs = TREE / "docs"
    pages = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    assert pages
    assert pages == navigation


def headings(path: Path) -> set[str]:
    lines = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("path", NOTES, ids=lambda path: str(path.relative_to(TREE)))
def test_every_link_outside_of_the_site_resolves(path: Path):
    text = FENCE.sub("", path.read_text())
    for match in LINK.finditer(text):
        target = match["target"] or match["src"]
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        found = (path.parent / file) if file else path
        assert found.exists(), f"{path.name} links to {target}"
        if fragment:
            assert fragment in headings(found), f"{path.name} links to {target}"


def test_the_figures_of_the_performance_page_are_those_of_the_readme():
    figures = re.findall(
        r"^\| .* \|$", (TREE / "docs" / "guides" / "performance.md").read_text(), re.M
    )
    assert len(figures) > 4
    assert set(figures) <= set((TREE / "README.md").read_text().splitlines())
