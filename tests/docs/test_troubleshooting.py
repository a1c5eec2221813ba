"""Each message on the page of troubleshooting is what people see: it is produced here."""

import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.checks import run_checks
from django.db import connection, models
from ninja.pagination import paginate as ninja_paginate
from ninja.security import django_auth

from django_matt import MattAPI, ModelSchema, Query, Schema, Status
from django_matt.errors.exceptions import MissingExtra

from .snippets import TREE

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PAGE = (TREE / "docs" / "troubleshooting.md").read_text()
HEADINGS = [
    found
    for found in re.findall(r"^### (.*)$", PAGE, re.M)
    # The browser says this one, in its own words.
    if not found.startswith("A request works in curl")
]
PRODUCERS: dict[str, Callable[["World"], str]] = {}


class World:
    """What a producer may need."""

    def __init__(self, serve: Any, settings: Any, folder: Path) -> None:
        self.serve = serve
        self.settings = settings
        self.folder = folder

    def answer(self, api: MattAPI, method: str, url: str, **options: Any) -> str:
        """Return the status and the document of a request, with DEBUG on."""
        self.settings.DEBUG = True
        client = self.serve(api)
        client.handler.enforce_csrf_checks = True
        headers = {"Accept": "application/problem+json", **options.pop("headers", {})}
        answer = getattr(client, method)(url, headers=headers, **options)
        if "json" not in answer["Content-Type"]:
            return html.unescape(answer.content.decode())
        shown = [answer.json().get(name) for name in ("exception", "detail", "errors")]
        return f"{answer.status_code} {' '.join(str(each) for each in shown if each)}"

    def fail(self, view: Callable[..., Any], **options: Any) -> str:
        """Return what a route with this view answers to a GET."""
        api = MattAPI()
        api.get("/it", **options)(view)
        return self.answer(api, "get", "/api/it")

    def run(self, code: str, **files: str) -> str:
        """Return what Python says to the code, with these modules beside it."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stderr


def produces(beginning: str) -> Callable[[Callable[[World], str]], Callable[[World], str]]:
    """Register the producer of the heading that begins so."""
    (heading,) = [each for each in HEADINGS if each.startswith(f"`{beginning}")]

    def register(producer: Callable[[World], str]) -> Callable[[World], str]:
        PRODUCERS[heading] = producer
        return producer

    return register


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_message_is_what_people_see(
    heading: str, serve: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said = PRODUCERS[heading](World(serve, settings, tmp_path))
    for message in re.findall(r"`([^`]+)`", heading):
        parts = [re.escape(part) for part in re.split(r" ?… ?", message)]
        assert re.search(r".*?".join(parts), said, re.S), said


class Filters(Schema):
    name: str


class NamedGroup(ModelSchema):
    class Meta:
        model = Group
        fields = ["name"]


@produces("Apps aren't")
def _(world: World) -> str:
    code = "from django.conf import settings; settings.configure(); from django.contrib.auth.models import User"
    return world.run(code)


@produces("Model class")
def _(world: World) -> str:
    return world.fail(
        lambda request: type("Lost", (models.Model,), {"__module__": "warehouse.models"})
    )


@produces("cannot import name")
def _(world: World) -> str:
    return world.run(
        "import project_api",
        project_api="import books\napi = 1\n",
        books="from project_api import api\n",
    )


@produces("(matt.E002)")
def _(world: World) -> str:
    world.settings.INSTALLED_APPS = [
        app for app in world.settings.INSTALLED_APPS if app != "ninja_extra"
    ]
    return _checked("matt")


def _checked(tag: str) -> str:
    return " ".join(f"({each.id}) {each.msg}" for each in run_checks(tags=[tag]))


@produces("URL namespace")
def _(world: World) -> str:
    from django.urls import path

    one, other = MattAPI(), MattAPI()
    world.serve(one, other=other)
    world.settings.ROOT_URLCONF.urlpatterns = [path("a/", one.urls), path("b/", other.urls)]
    return _checked("urls")


@produces("msgspec is not installed")
def _(world: World) -> str:
    return str(MissingExtra("msgspec", "formats"))


@produces("Field(s)")
def _(world: World) -> str:
    def read(request, number: int):
        return number

    with pytest.warns(UserWarning, match="view path") as caught:
        MattAPI().get("/books/{book_id}")(read)
    return str(caught[0].message)


@produces("no such table")
def _(world: World) -> str:
    return _query(world, "SELECT * FROM nowhere")


@produces("no such column")
def _(world: World) -> str:
    return _query(world, "SELECT nowt FROM auth_group")


def _query(world: World, sql: str) -> str:
    def view(request):
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return world.fail(view)


@produces("You cannot call this")
def _(world: World) -> str:
    async def view(request):
        return list(Group.objects.all())

    return world.fail(view)


@produces("… matching query")
def _(world: World) -> str:
    return world.fail(lambda request: Group.objects.get(pk=1))


@produces("NOT NULL")
def _(world: World) -> str:
    return world.fail(lambda request: Permission.objects.create(name="may", codename="may"))


@produces("404")
def _(world: World) -> str:
    api = MattAPI()
    api.get("/books")(lambda request: [])
    return world.answer(api, "get", "/api/books/")


@produces("CSRF check")
def _(world: World) -> str:
    api = MattAPI()
    api.post("/it", auth=django_auth)(lambda request: [])
    return world.answer(api, "post", "/api/it")


@produces("Field required")
def _(world: World) -> str:
    def search(request, filters: Filters):
        return {}

    def right(request, filters: Query[Filters]):
        return {}

    api = MattAPI()
    api.get("/right")(right)
    assert world.answer(api, "get", "/api/right?name=x").startswith("200")
    return world.fail(search)


@produces("Cannot parse")
def _(world: World) -> str:
    return _send(world, {"name": "x"})


@produces("The format of the request")
def _(world: World) -> str:
    return _send(world, "name", content_type="text/plain")


def _send(world: World, data: Any, **options: Any) -> str:
    def add(request, data: Filters):
        return {}

    api = MattAPI()
    api.post("/it")(add)
    return world.answer(api, "post", "/api/it", data=data, **options)


@produces("Invalid HTTP_HOST")
def _(world: World) -> str:
    world.settings.ALLOWED_HOSTS = ["testserver"]
    api = MattAPI()
    api.get("/it")(lambda request: request.get_host())
    return world.answer(api, "get", "/api/it", HTTP_HOST="api.example.com")


@produces("The response does not fit")
def _(world: World) -> str:
    return world.fail(lambda request: {"name": None}, response=Filters)


@produces("Object of type QuerySet")
def _(world: World) -> str:
    return world.fail(lambda request: Group.objects.all())


@produces("Schema for status")
def _(world: World) -> str:
    return world.fail(lambda request: Status(201, {"name": "x"}), response=Filters)


@produces("has no collection")
def _(world: World) -> str:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the page has the text
        MattAPI().get("/it", response=NamedGroup)(ninja_paginate(lambda request: []))
    return str(raised.value)


@produces("missing 1 required")
def _(world: World) -> str:
    def logged(view):
        def inner(request, *args, **kwargs):
            return view(request, *args, **kwargs)

        return inner

    @logged
    def view(request, book_id: int):
        return book_id

    return world.fail(view)


@produces("(matt.E004)")
def _(world: World) -> str:
    def read(request, data: "NotImported"):  # type: ignore[name-defined]  # noqa: F821
        return data

    api = MattAPI()
    api.get("/it")(read)
    world.serve(api)
    return _checked("matt")


def test_every_message_has_its_producer():
    assert set(PRODUCERS) == set(HEADINGS)
    assert len(HEADINGS) >= 20
