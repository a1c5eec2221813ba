"""The key paths of the shop's ``schema.d.ts`` beside those of openapi-typescript: every difference has a reason."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from django_matt.contrib.typescript.declarations import emit
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.settings import TypeScriptSettings
from tests.contrib.typescript.conftest import HERE
from tests.node_tools import run

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = HERE.parents[2]
CODE = """
import json, sys, django
from importlib import import_module
django.setup()
from django_matt.openapi.documents import MattOpenAPISchema
from ninja.responses import NinjaJSONEncoder
module, _, name = sys.argv[1].partition(":")
found = getattr(import_module(module), name)
api = found if hasattr(found, "get_openapi_schema") else found()
strict = {"strict": True} if sys.argv[2] == "strict" else {"strict": False}
print(json.dumps(MattOpenAPISchema(api, "/api/", **strict), cls=NinjaJSONEncoder))
"""
#: What differs, by a pattern of ``path: ours ≠ theirs``, and why.
REASONS = {
    r"multipart/form-data.*: Blob( \| null)? ≠ (null \| )?string": "a file of a form is a Blob",
    r"text/event-stream data\??: ": "the data of an event is what contentSchema describes",
}


def read(form: str) -> str:
    done = run(
        *(sys.executable, "-c", CODE, "store.api:api", form),
        cwd=ROOT / "examples/shop",
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def key_paths(tools: Path, file: Path) -> dict[str, str]:
    script = tools / "key_paths.mjs"
    script.write_text((HERE / "node/key_paths.mjs").read_text())
    done = run("node", script, file)
    assert done.returncode == 0, done.stderr
    return dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("form", ["strict", "ninja"])
def test_the_key_paths_are_those_of_openapi_typescript(form, node_tools, tmp_path):
    text = read(form)
    (tmp_path / "openapi.json").write_text(text)
    options = TypeScriptSettings(MEDIA="all")
    (tmp_path / "ours.d.ts").write_text(emit(Document.of(json.loads(text)), options)["schema.d.ts"])
    cli = node_tools / "node_modules/openapi-typescript/bin/cli.js"
    command = ("node", cli, "openapi.json", "-o", "theirs.d.ts", "--default-non-nullable=false")
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ours = key_paths(node_tools, tmp_path / "ours.d.ts")
    theirs = key_paths(node_tools, tmp_path / "theirs.d.ts")
    assert len(ours) > 4_000
    used, unexplained = set(), []
    for path in sorted(ours.keys() | theirs.keys()):
        if ours.get(path) == theirs.get(path):
            continue
        line = f"{path}: {ours.get(path, 'nothing')} ≠ {theirs.get(path, 'nothing')}"
        found = [pattern for pattern in REASONS if re.search(pattern, line)]
        used.update(found)
        if not found:
            unexplained.append(line)
    assert not unexplained, "\n".join(unexplained[:60])
    assert used == set(REASONS)
