"""Names without promise of the libraries below: they are there, and a project starts and says so if one is not."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.checks import run_checks

from django_matt import upstream
from django_matt.upstream import names as names_module

ROOT = Path(__file__).parents[1]
# Loads `upstream` as it would be if a release had renamed one name, and then a project that serves a list and takes a body.
PROJECT = """
import importlib.abc, importlib.util, json, os, sys, traceback, types

import django
from django.conf import settings
settings.configure(
    DEBUG=False, SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "ninja_extra"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from django.urls import path
from ninja import ModelSchema, Schema
import ninja_extra
import defusedxml.ElementTree, injector, msgspec, orjson, yaml
import django.contrib.messages, django.test, ninja.openapi.schema, ninja_extra.ordering, ninja_extra.searching
call_command("migrate", verbosity=0)
Group.objects.create(name="a")

class Loader(importlib.abc.InspectLoader):
    def get_source(self, module):
        with open(FILE) as file:
            source = file.read()
        lookup = "return resolve(name) if read is None else read()"
        assert source.count(lookup) == 1
        return source.replace(lookup, f"return 1 / 0 if name == {self.name!r} else ({lookup[7:]})")

class Renamed(importlib.abc.MetaPathFinder):
    def find_spec(self, module, path, target=None):
        if module == "django_matt.upstream.names":
            return importlib.util.spec_from_loader(module, Loader())

def project(name):
    Loader.name = name
    sys.meta_path.insert(0, Renamed())
    import django_matt
    from django_matt.apps import DjangoMattConfig
    DjangoMattConfig("django_matt", django_matt).ready()

    class GroupOut(ModelSchema):
        class Meta:
            model = Group
            fields = ["id", "name", "permissions"]

    class Word(Schema):
        text: str

    @ninja_extra.api_controller("/controller")
    class Words(ninja_extra.ControllerBase):
        @ninja_extra.http_get("/hello")
        def hello(self):
            return {"hello": "controller"}

    def hello(request):
        return {"hello": "world"}
    def groups(request):
        return Group.objects.all()
    def words(request, word):
        return word
    words.__annotations__ = {"word": Word}

    api = django_matt.MattAPI()
    api.get("/groups", response=list[GroupOut])(groups)
    api.post("/words", response=Word)(words)
    api.get("/hello")(hello)
    api.register_controllers(Words)
    sys.modules["urls"] = urls = types.ModuleType("urls")
    urls.urlpatterns = [path("", api.urls)]
    client = Client(raise_request_exception=False)
    listed = client.get("/groups")
    posted = client.post("/words", {"text": "a"}, content_type="application/json")
    refused = client.post("/words", {}, content_type="application/json")
    said = [str(each.msg) for each in run_checks() if each.id == "matt.E005"]
    greeted = [json.loads(client.get(path).content) for path in ("/hello", "/controller/hello")]
    described = sorted(json.loads(client.get("/openapi.json").content)["paths"])
    unknown = client.get("/nothing")
    return [listed.status_code, json.loads(listed.content), posted.status_code, json.loads(posted.content),
            refused.status_code, greeted, described, unknown.status_code, said]

for name in NAMES:
    child = os.fork()
    if not child:
        try:
            found = project(name)
        except BaseException:
            found = traceback.format_exc()
        print(json.dumps([name, found]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_every_name_exists_in_the_installed_releases():
    assert upstream.missing() == []
    assert [each for each in run_checks(tags=["matt"]) if each.id == "matt.E005"] == []


def test_every_name_says_what_is_lost_without_it():
    for name, (distribution, features) in upstream.NAMES.items():
        assert features, name
        assert set(features) <= upstream.FEATURES.keys(), name
        assert distribution in upstream.SUPPORTED, name


def test_the_supported_releases_are_those_of_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for distribution, releases in upstream.SUPPORTED.items():
        assert f"{distribution}{releases}" in project["dependencies"]


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.exhaustive) for part in range(1, 8))]
)
def test_a_project_without_one_name_starts_and_says_what_it_lost(part, tmp_path):
    names = list(upstream.NAMES)[part::8]
    code = f"FILE = {names_module.__file__!r}\nNAMES = {names!r}\n{PROJECT}"
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE")
    }
    # Each name gets a process of its own, which is slow without compiled modules.
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
        cwd=ROOT,
        env=environment,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _ in results] == names, done.stderr
    for name, found in results:
        assert isinstance(found, list), f"{name}: {found}"
        listed, groups, posted, word, refused, greeted, described, unknown, said = found
        assert (listed, groups) == (200, [{"id": 1, "name": "a", "permissions": []}]), name
        assert (posted, word, refused) == (200, {"text": "a"}, 422), name
        assert greeted == [{"hello": "world"}, {"hello": "controller"}], name
        assert described == ["/controller/hello", "/groups", "/hello", "/words"], name
        assert unknown == 404, name
        assert any(each.startswith(f"{name} does not exist in ") for each in said), (name, said)
