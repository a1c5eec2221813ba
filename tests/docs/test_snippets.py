"""Every snippet of README and docs/ runs, and over HTTP where it serves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks.registry import registry
from django.urls import clear_url_caches

from .snippets import TREE, Page, blocks_of

# These are walked from an empty folder, by tests/projects/test_product_page.py and test_extending_page.py.
WALKED = {TREE / "docs" / "product.md", TREE / "docs" / "extending.md"}
PAGES = [
    TREE / "README.md",
    TREE / "CONTRIBUTING.md",
    *(path for path in sorted((TREE / "docs").rglob("*.md")) if path not in WALKED),
]


@pytest.fixture
def page(
    settings: Any, request: pytest.FixtureRequest, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    # What the apps of a page register would stay for the tests of others.
    for name in ("registered_checks", "deployment_checks"):
        monkeypatch.setattr(registry, name, set(getattr(registry, name)))
    yield lambda path: Page(path, settings, request)
    clear_url_caches()


@pytest.fixture
def write(page: Any, tmp_path: Path) -> Any:
    def carry_out(text: str) -> int:
        path = tmp_path / "page.md"
        path.write_text(text)
        return int(page(path).carry_out())

    return carry_out


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TREE)))
def test_every_snippet_of_the_page_runs(page: Any, path: Path):
    assert page(path).carry_out() == len(blocks_of(path.read_text()))


API = """```python
from django_matt import MattAPI

api = MattAPI()

@api.get("/hello")
def hello(request, name: str = "world"):
    return {"hello": name, "more": [1, 2]}
```
"""
RIGHT = '```http\nGET /api/hello?name=Ada\n\n→ 200\nContent-Type: application/json\n{"hello": "Ada"}\n```\n'


def test_a_right_page_passes(write: Any):
    assert write(API + RIGHT) == 2


def test_a_later_api_takes_the_place_of_the_one_above(write: Any):
    write(
        API + RIGHT + API.replace('"hello": name', '"hi": name') + RIGHT.replace('"hello"', '"hi"')
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (API + RIGHT.replace("→ 200", "→ 201"), "answers 200"),
        (API + RIGHT.replace('"Ada"}', '"Bob"}'), "/hello is 'Ada', not 'Bob'"),
        (API + RIGHT.replace('"Ada"}', '"Ada", "other": 1}'), "/other is missing"),
        (API + RIGHT.replace('"Ada"}', '"Ada", "more": [1]}'), "/more has 2 items, not 1"),
        (API + RIGHT.replace("application/json", "text/csv"), "sends Content-Type"),
        (RIGHT, "no `api` stands above"),
        ("```console\n$ make teapot\n```\n", "no `make teapot"),
        ("```console\n$ pip install 'django-matt[teapot]'\n```\n", "no extra teapot"),
        ("```console\n$ python manage.py teapot\n```\n", "no `manage.py teapot"),
        ("```python\ndef test_it():\n    assert 1 == 2, 'it ran'\n```\n", "it ran"),
    ],
)
def test_a_wrong_page_fails(write: Any, text: str, message: str):
    with pytest.raises(AssertionError, match=message.replace("[", r"\[")):
        write(text)


@pytest.mark.parametrize(
    "text",
    [
        "```python no-run\n1 / 0\n```\n",
        "```py\n1 / 0\n```\n",
        "```\n1 / 0\n```\n",
        "```http\nGET /api/hello\n```\n",
        "```http\nhello\n```\n",
        "```json\n{]\n```\n",
    ],
)
def test_a_block_that_could_hide_from_the_runner_is_refused(write: Any, text: str):
    with pytest.raises(ValueError, match=r"."):
        write(text)


def test_a_snippet_that_raises_names_the_line_of_the_page(write: Any):
    with pytest.raises(ZeroDivisionError) as raised:
        write("# Title\n\n```python\nx = 1\nx / 0\n```\n")
    assert raised.traceback[-1].lineno == 4  # counted from 0: the fifth line
