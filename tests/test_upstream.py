"""Private names of the libraries below: they are there, and a project starts and says so if one is not."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.checks import run_checks

from django_matt import upstream

ROOT = Path(__file__).parents[1]
# Names that Django Matt reads through functions of `upstream`, and that stand in no other module of the tiers.
PRIVATE = re.compile(
    r"_use_prebuilt|\bDjangoGetter\(|_run_root_validator|\._ninja_resolvers|create_m2m_link_type|_request_max_length"
    r"|AnyObject|ResponseObject\b(?<!upstream\.ResponseObject)|__pydantic_|\._func\b|_selected_model_fields\(|orm\.factory"
)

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
import orjson
call_command("migrate", verbosity=0)
Group.objects.create(name="a")

class Loader(importlib.abc.InspectLoader):
    def get_source(self, module):
        with open(FILE) as file:
            source = file.read()
        lookup = "return _resolve(name) if read is None else read()"
        assert source.count(lookup) == 1
        return source.replace(lookup, f"return 1 / 0 if name == {self.name!r} else ({lookup[7:]})")

class Renamed(importlib.abc.MetaPathFinder):
    def find_spec(self, module, path, target=None):
        if module == "django_matt.upstream":
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

    def groups(request):
        return Group.objects.all()
    def words(request, word):
        return word
    words.__annotations__ = {"word": Word}

    api = django_matt.MattAPI()
    api.get("/groups", response=list[GroupOut])(groups)
    api.post("/words", response=Word)(words)
    sys.modules["urls"] = urls = types.ModuleType("urls")
    urls.urlpatterns = [path("", api.urls)]
    client = Client(raise_request_exception=False)
    listed = client.get("/groups")
    posted = client.post("/words", {"text": "a"}, content_type="application/json")
    refused = client.post("/words", {}, content_type="application/json")
    said = [str(each.msg) + str(each.hint) for each in run_checks() if each.id == "matt.E005"]
    return [listed.status_code, listed.content.decode(), posted.status_code, posted.content.decode(),
            refused.status_code, said]

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


def test_a_private_name_stands_in_no_other_module_of_the_tiers():
    package = ROOT / "django_matt"
    for file in [
        *package.glob("rows/*.py"),
        *package.glob("serialization/*.py"),
        package / "tiers.py",
    ]:
        code = re.sub(r'""".*?"""|#.*', "", file.read_text(), flags=re.DOTALL)
        found = PRIVATE.search(re.sub(r"upstream\.\w+", "upstream", code))
        assert found is None, f"{file.name}: {found}"


@pytest.mark.once
@pytest.mark.parametrize("part", range(4))
def test_a_project_without_one_name_starts_and_says_what_it_lost(part, tmp_path):
    names = list(upstream.NAMES)[part::4]
    code = f"FILE = {upstream.__file__!r}\nNAMES = {names!r}\n{PROJECT}"
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
        listed, groups, posted, word, refused, said = found
        assert (listed, groups) == (200, '[{"id":1,"name":"a","permissions":[]}]'), name
        assert (posted, word, refused) == (200, '{"text":"a"}', 422), name
        assert [name in each for each in said] == [True], (name, said)
