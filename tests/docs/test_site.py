"""The built site: no broken link or anchor, no orphan, a way on from every page, and nothing loaded from elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from .snippets import TREE

pytest.importorskip("mkdocs", reason="make .venv/.dev installs it")
pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(400)]

HERE = "http://docs.invalid/"


@dataclass
class Document(HTMLParser):
    """A page of the site: what can be linked to in it, its links, and what it loads."""

    address: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    """The links of the article alone, which somebody wrote."""
    loaded: list[str] = field(default_factory=list)
    next: str = ""
    in_article: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.update(filter(None, (given.get("id"), given.get("name") if tag == "a" else None)))
        if tag == "article":
            self.in_article = True
        if tag == "a" and (href := given.get("href")):
            self.links.append(urljoin(self.address, href))
            if self.in_article and "headerlink" not in (given.get("class") or ""):
                self.written.append(self.links[-1])
            if "md-footer__link--next" in (given.get("class") or ""):
                self.next = self.links[-1]
        elif tag in {"img", "script", "source", "iframe"} and (src := given.get("src")):
            self.loaded.append(urljoin(self.address, src))
        elif tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload", "preconnect"}:
            self.loaded.append(urljoin(self.address, str(given.get("href"))))

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.in_article = False

    def error(self, message: str) -> None:
        raise AssertionError(message)


@dataclass
class Site:
    """The pages by address, and the folder that they are in."""

    folder: Path
    pages: dict[str, Document]

    def problems(self, page: Document) -> Iterator[str]:
        for link in {*page.links, *page.loaded}:
            if not link.startswith(HERE):
                continue
            parts = urlsplit(link)
            path = unquote(parts.path).lstrip("/")
            if not (
                self.folder / path / ("index.html" if not path or path[-1] == "/" else "")
            ).exists():
                yield f"{page.address} links to {link}, which does not exist"
                continue
            target = self.pages.get(f"{HERE}{path}")
            if parts.fragment and target and unquote(parts.fragment) not in target.ids:
                yield f"{page.address} links to {link}, which has no such heading"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=TREE,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    pages = {}
    for path in folder.rglob("index.html"):
        document = Document(
            urljoin(HERE, path.relative_to(folder).as_posix().removesuffix("index.html"))
        )
        document.feed(path.read_text())
        pages[document.address] = document
    return Site(folder, pages)


def test_no_link_and_no_anchor_is_broken(site: Site):
    assert [line for page in site.pages.values() for line in site.problems(page)] == []


def test_every_page_is_linked_from_the_text_of_another(site: Site):
    linked = {
        link.partition("#")[0]
        for page in site.pages.values()
        for link in page.written
        if link.partition("#")[0] != page.address
    }
    assert {HERE, *linked} >= set(site.pages)


def test_every_page_but_the_last_leads_to_the_next(site: Site):
    page, read = site.pages[HERE], [HERE]
    while page.next:
        page = site.pages[page.next]
        read.append(page.address)
    assert sorted(read) == sorted(site.pages)


def test_the_site_loads_nothing_from_elsewhere(site: Site):
    loaded = {address for page in site.pages.values() for address in page.loaded}
    assert {address for address in loaded if not address.startswith(HERE)} == set()
