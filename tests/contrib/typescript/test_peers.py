"""The key paths of 12 documents' ``schema.d.ts`` beside those of openapi-typescript, on TypeScript 6: every difference has a reason."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ninja.responses import NinjaJSONEncoder

from benchmarks.types import large_document
from django_matt.contrib.typescript.declarations import emit
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.openapi.documents import MattOpenAPISchema
from tests.contrib.crud.conftest import make_api
from tests.contrib.typescript.conftest import HERE
from tests.contrib.typescript.test_changes_reference import make_api as make_reference_api
from tests.node_tools import run
from tests.openapi import controllers, shop

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = HERE.parents[2]
CODE = """
import json, os, sys, django
sys.path.insert(0, os.getcwd())
from importlib import import_module
module, _, name = sys.argv[1].partition(":")
if "DJANGO_SETTINGS_MODULE" in os.environ:
    django.setup()
found = import_module(module)
from django_matt.openapi.documents import MattOpenAPISchema
from ninja.responses import NinjaJSONEncoder
found = getattr(found, name)
api = found if hasattr(found, "get_openapi_schema") else found()
print(json.dumps(MattOpenAPISchema(api, "/api/", strict=sys.argv[2] == "strict"), cls=NinjaJSONEncoder))
"""
#: Projects of their own: the folder, where the API is, the settings, the form of the document.
PROJECTS = {
    "shop": ("examples/shop", "store.api:api", "config.settings", "strict"),
    "shop-ninja": ("examples/shop", "store.api:api", "config.settings", "ninja"),
    "accounts": ("examples/accounts", "config.api:api", "config.settings", "strict"),
    "hello": ("examples/hello", "hello:api", "", "strict"),
    "migration": ("examples/migration/after", "notes:api", "", "strict"),
    "zoo": (
        ".",
        "tests.contrib.typescript.zoo:make",
        "tests.contrib.typescript.zoo_settings",
        "strict",
    ),
    "site": (".", "tests.contrib.typescript.client.site:api", "", "strict"),
}
#: What differs, by a pattern of ``path: ours ≠ theirs``, and why.
REASONS = {
    r"multipart/form-data.*: Blob( \| null)? ≠ (null \| )?string": "a file of a form is a Blob",
    r"components (parameters|requestBodies)": "they are written where operations use them",
    r"\{\}: unknown ≠ (never|nothing)|: nothing ≠ @AllauthWebAuthnCredential": (
        "an object without declared fields has any fields, and theirs has none"
    ),
    r"-Input kind\??: ": "a discriminator with a default may be missing in a request",
    r"by_(letter|size)( \w+\?|\{\})": "only the keys that the document allows are keys",
    r"Counts\{\}: ": "an index signature includes the named fields, which it must (TS2411)",
    r"(own_json|Json-\w+put|/json get .*|zoo_read_json .*)(\|\[\]|\|\{\})?: ": (
        "a recursive alias that is no object is an error in theirs (TS2502), and so any"
    ),
    r"zoo: .*( pets?(\[\])?|add_pet .*|/api/pets post .*)(\| (kind|lives\?|name))?: ": (
        "a member whose tag has a default gets the tag, so that the union can be narrowed"
    ),
    r"text/event-stream data\??: ": "the data of an event is what contentSchema describes",
}


def read_project(name: str, folder: Path) -> Any:
    where, api, settings, form = PROJECTS[name]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")}
    environment = {**kept, "PYTHONPATH": str(ROOT), "SITE_FOLDER": str(folder)}
    if settings:
        environment["DJANGO_SETTINGS_MODULE"] = settings
    done = run(sys.executable, "-c", CODE, api, form, cwd=ROOT / where, env=environment)
    assert done.returncode == 0, (name, done.stderr)
    return json.loads(done.stdout)


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    for name in PROJECTS:
        yield name, read_project(name, folder)
    apis = {
        "crud": make_api(False, urls_namespace="peers-crud"),
        "openapi": shop.build(urls_namespace="peers-openapi"),
        "controllers": controllers.build(urls_namespace="peers-controllers"),
        "reference": make_reference_api(),
    }
    for name, api in apis.items():
        made = MattOpenAPISchema(api, "/api/", strict=True)  # type: ignore[arg-type] # as the API itself does
        yield name, json.loads(json.dumps(made, cls=NinjaJSONEncoder))
    yield "large", large_document(30, 60)


def test_the_key_paths_are_those_of_openapi_typescript(node_tools, tmp_path):
    names = []
    for name, document in documents(tmp_path):
        names.append(name)
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
        text = emit(Document.of(document), TypeScriptSettings(MEDIA="all"))["schema.d.ts"]
        (tmp_path / f"{name}.ours.d.ts").write_text(text)
    assert len(names) == 12
    for script in ("peers.mjs", "key_paths.mjs"):
        (node_tools / script).write_text((HERE / "node" / script).read_text())
    done = run("node", node_tools / "peers.mjs", *[tmp_path / f"{name}.json" for name in names])
    assert done.returncode == 0, done.stderr
    files = [str(tmp_path / f"{name}.{side}.d.ts") for name in names for side in ("ours", "theirs")]
    done = run("node", node_tools / "key_paths.mjs", *files)
    assert done.returncode == 0, done.stderr
    paths = json.loads(done.stdout)
    used, unexplained = set(), []
    for name in names:
        ours, theirs = (paths[str(tmp_path / f"{name}.{side}.d.ts")] for side in ("ours", "theirs"))
        assert len(ours) >= (4_000 if name == "shop" else 10), name
        for path in sorted(ours.keys() | theirs.keys()):
            if ours.get(path) == theirs.get(path):
                continue
            line = f"{name}: {path}: {ours.get(path, 'nothing')} ≠ {theirs.get(path, 'nothing')}"
            found = [pattern for pattern in REASONS if re.search(pattern, line)]
            used.update(found)
            if not found:
                unexplained.append(line)
    assert not unexplained, f"{len(unexplained)}\n" + "\n".join(unexplained)
    assert used == set(REASONS)
