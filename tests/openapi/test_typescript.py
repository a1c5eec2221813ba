"""The shop's document through openapi-typescript: no wrong optional, no wrong null, nothing unknown that is known."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.node_tools import run

HERE = Path(__file__).parent / "typescript"
SHOP = Path(__file__).parents[2] / "examples" / "shop"
CODE = """
import django; django.setup()
from django.test import Client
answer = Client(SERVER_NAME="localhost").get("/api/openapi.json")
assert answer.status_code == 200
print(answer.content.decode())
"""
pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]


def succeed(*command, **options):
    done = run(*command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tools(node_tools, tmp_path_factory):
    """Return a folder with the packages beside it."""
    folder = tmp_path_factory.mktemp("typescript")
    # Not as node_modules: tsc would compile every package of types in it.
    (folder / "packages").symlink_to(node_tools / "node_modules")
    return folder


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """Return the shop's document, as its own settings make it."""
    data = tmp_path_factory.mktemp("shop")
    text = succeed(
        sys.executable,
        "-c",
        CODE,
        cwd=SHOP,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "SHOP_DATA": str(data)},
    )
    return json.loads(text)


@pytest.fixture(scope="module", params=["by default", "defaults left optional"])
def types(request, tools, document, tmp_path_factory):
    """Return the generated types, and the assertions that apply to them."""
    exact = request.param != "by default"
    folder = tools / ("exact" if exact else "default")
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(document))
    options = ["--default-non-nullable=false"] if exact else []
    generate = tools / "packages" / "openapi-typescript" / "bin" / "cli.js"
    succeed("node", generate, "openapi.json", "-o", "shop.d.ts", *options, cwd=folder)
    assertions = ["answers.ts", *(["requests.ts"] if exact else [])]
    for name in assertions:
        shutil.copy(HERE / name, folder)
    return folder, assertions


def compile_types(folder, names):
    compiler = folder.parent / "packages" / "typescript" / "bin" / "tsc"
    return run(
        *("node", compiler, "--strict", "--noEmit", "--target", "es2022", *names), cwd=folder
    )


def test_every_field_is_optional_nullable_and_typed_as_it_is(types):
    folder, names = types
    done = compile_types(folder, names)
    assert done.returncode == 0, done.stdout


def test_the_assertions_see_fields_that_are_wrong(types):
    folder, _ = types
    text = (folder / "answers.ts").read_text()
    for right, wrong in (
        ("weight: number | null", "weight: number"),
        ("slug: string", "slug?: string"),
        ('"shipped" | "cancelled"', '"shipped" | string'),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    (folder / "wrong.ts").write_text(text)
    assert compile_types(folder, ["wrong.ts"]).stdout.count("error TS2344") == 3


def test_nothing_is_unknown_but_headers_and_ninjas_detail(types):
    folder, _ = types
    unknown = re.findall(r"^\s*(.*\bunknown\b.*)$", (folder / "shop.d.ts").read_text(), re.M)
    # An exception of the project's own may have any JSON as its detail.
    assert set(unknown) <= {"[name: string]: unknown;", "detail: unknown;"}
