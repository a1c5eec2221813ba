"""Every snippet of README and docs/ runs, and over HTTP where it serves."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks.registry import registry
from django.core.signals import setting_changed
from django.db import connection
from django.urls import clear_url_caches

from .snippets import TREE, Page, blocks_of

# tests/projects carries these out from an empty folder, with real commands and a real server.
WALKED = {
    TREE / "docs" / "product.md",
    TREE / "docs" / "extending.md",
    TREE / "docs" / "single-file.md",
    TREE / "docs" / "guides" / "other-apps.md",
    TREE / "docs" / "guides" / "pytorch.md",
    *(TREE / "docs" / "tutorial").glob("*.md"),
}
PAGES = [
    TREE / "README.md",
    TREE / "CONTRIBUTING.md",
    *(
        path
        for path in sorted((TREE / "docs").rglob("*.md"))
        # Those of docs/sign-in need other settings: tests/sign_in/test_docs.py.
        if path not in WALKED and path.parent.name != "sign-in"
    ),
]


REFUSED = {
    "authentication.md": {"GET /closed": "its throttle lets nothing through"},
    "deployment.md": {"GET /oops": "it raises, to show what is logged"},
    "errors.md": {
        "GET /front-page": "a mistake: the row does not exist",
        "GET /pens": "all of its errors are shown",
        "GET /reports": "it raises an error of the project's",
        "POST /groups": "the handler refuses a name that is taken",
        "POST /orders/{number}/pay": "it shows what to raise",
        "POST /payments/{how}": "it shows what leaves a transaction",
        "POST /permissions": "a mistake: a column is not set",
        "POST /sign-in": "it shows what is kept of a failed sign-in",
    },
    "extension-points.md": {
        "POST /orders": "it raises a registered error",
        "POST /pay": "it raises a registered error",
    },
    "health.md": {"GET /health/ready": "one of its checks fails"},
    "htmx.md": {"GET /all-groups/live": "a stream needs a server"},
    "realtime.md": {
        "GET /groups/live": "a stream needs a server",
        "GET /orders/events": "it is for staff",
        "GET /orders/{order}/events": "a stream needs a server",
    },
    "ml.md": {
        "POST /ml/price/versions/{version}": "it needs a version",
        "POST /ml/sentiment": "it is served by an API above alone",
        "POST /ml/sentiment/versions/{version}": "it needs a version",
        "GET /v2/models/{model}": "it needs a model",
        "GET /v2/models/{model}/ready": "it needs a model",
        "GET /v2/models/{model}/versions/{version}": "it needs a model",
        "GET /v2/models/{model}/versions/{version}/ready": "it needs a model",
        "POST /v2/models/{model}/infer": "it needs a model",
        "POST /v2/models/{model}/versions/{version}/infer": "it needs a model",
    },
    "rag.md": {
        "POST /rag/ask": "a stream needs a server",
        "POST /rag/sources": "it needs a permission",
        "DELETE /rag/sources/{key}": "it needs a permission",
    },
    "webhooks.md": {
        "GET /webhooks": "it needs a user",
        "GET /webhooks/{key}": "it needs an endpoint",
        "PATCH /webhooks/{key}": "it needs an endpoint",
        "DELETE /webhooks/{key}": "it needs an endpoint",
        "POST /webhooks/{key}/secret": "it needs an endpoint",
        "GET /webhooks/{key}/deliveries": "it needs an endpoint",
        "POST /webhooks/{key}/test": "it needs an endpoint",
        "POST /webhooks/{key}/replay": "it needs an endpoint",
    },
}
"""Routes of pages that are there to refuse: by page, each with the reason."""


def is_of_a_page(registered: Any) -> bool:
    """Tell whether an event's class or a consumer was defined by a page."""
    place = getattr(registered, "place", "") or registered.__module__
    return str(place).startswith("tests.project.page_")


@pytest.fixture
def page(
    settings: Any, request: pytest.FixtureRequest, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    # What the apps of a page register would stay for the tests of others.
    for name in ("registered_checks", "deployment_checks"):
        monkeypatch.setattr(registry, name, set(getattr(registry, name)))
    # The fixture of pytest-django goes back to what is set before its first change: not to what a page's set-up changes.
    settings.ROOT_URLCONF = django_settings.ROOT_URLCONF
    yield lambda path: Page(path, settings, request)
    # Pages have events of the same topics. The modules are not imported here, as the app must be installed before.
    for module, name in (("schemas", "registered"), ("consumers", "consumers")):
        if loaded := sys.modules.get(f"django_matt.contrib.events.{module}"):
            found = getattr(loaded, name)
            for each in [key for key, value in found.items() if is_of_a_page(value)]:
                del found[each]
    for name in [name for name in dir(django_settings) if name.startswith("MATT")]:
        setting_changed.send_robust(sender=None, setting=name, value=None, enter=False)
    clear_url_caches()


@pytest.fixture
def write(page: Any, tmp_path: Path) -> Any:
    def carry_out(text: str) -> int:
        path = tmp_path / "page.md"
        path.write_text(text)
        return int(page(path).carry_out())

    return carry_out


# Of one database alone.
NEEDS_POSTGRES = {"postgres.md"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(TREE)))
def test_every_snippet_of_the_page_runs_and_every_route_answers(page: Any, path: Path):
    if path.name in NEEDS_POSTGRES and connection.vendor != "postgresql":
        pytest.skip("its routes need PostgreSQL")
    read = page(path)
    assert read.carry_out() == len(blocks_of(path.read_text()))
    left = set(read.unanswered())
    assert left == set(REFUSED.get(path.name, ())), "these routes answer no ordinary request"


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


REFUSES = """```python
from django_matt import MattAPI, Schema
from django_matt.errors.exceptions import Conflict

class Thing(Schema):
    name: str
    size: int

api = MattAPI()

@api.get("/things/{number}")
def thing(request, number: int, q: str):
    return {"number": number, "q": q}

@api.post("/things")
def add(request, thing: Thing):
    SAYS
```
```http
POST /api/things

→ 422
```
"""


def test_a_route_of_which_the_page_shows_errors_alone_is_called(page: Any, tmp_path: Path):
    written = tmp_path / "page.md"
    for says, expected in (("return thing", []), ("raise Conflict", ["POST /things"])):
        written.write_text(REFUSES.replace("SAYS", says))
        read = page(written)
        read.carry_out()
        assert read.unanswered() == expected


def test_a_route_keeps_the_names_that_its_page_uses_again(page: Any, tmp_path: Path):
    written = tmp_path / "page.md"
    written.write_text(
        REFUSES.replace("SAYS", "return Thing(name='a', size=1)") + "```python\nThing = None\n```\n"
    )
    read = page(written)
    read.carry_out()
    assert read.unanswered() == []


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
        ("```console\n$ pip install './django-matt[teapot]'\n```\n", "no extra teapot"),
        ("```console\n$ pip install '.[teapot]'\n```\n", "no extra teapot"),
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
