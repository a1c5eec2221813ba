"""What is written compiles under ``tsc --strict`` of three releases, and the linters' recommended rules accept it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.contrib.typescript.conftest import HERE, matt_types
from tests.node_tools import run

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]
VERSIONS = ["5.9", "6", "7"]
OPTIONS = ["--dates", "temporal", "--decimals", "brand", "--media", "all"]


def with_uses(folder: Path, name: str) -> Path:
    shutil.copy(HERE / "node" / name, folder)
    return folder


@pytest.fixture(scope="module")
def shop(shop_types):
    return with_uses(shop_types, "shop_uses.ts")


@pytest.fixture(scope="module")
def zoo(zoo_types):
    return with_uses(zoo_types(), "zoo_uses.ts")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_shop_compiles_and_wrong_uses_do_not(shop, compile_types, version):
    files = [each.name for each in shop.glob("*.ts")]
    assert {"schema.d.ts", "enums.ts", "shop_uses.ts"} <= set(files)
    assert compile_types(shop, *files, version=version) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_zoo_compiles_and_wrong_uses_do_not(zoo, compile_types, version):
    assert compile_types(zoo, "schema.d.ts", "enums.ts", "zoo_uses.ts", version=version) == ""


def test_the_uses_notice_types_that_are_wrong(shop, compile_types, tmp_path):
    for name in ("enums.ts", "shop_uses.ts", "schema.d.ts"):
        shutil.copy(shop / name, tmp_path)
    text = (tmp_path / "schema.d.ts").read_text()
    for right, wrong in (
        ("  rating: number | null;", "  rating: number;"),
        ("  slug: string;", "  slug?: string;"),
        ("image: Blob;", "image: string;"),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    (tmp_path / "schema.d.ts").write_text(text)
    said = compile_types(tmp_path, "shop_uses.ts")
    assert len(set(re.findall(r"shop_uses.ts\((\d+),", said))) >= 3


@pytest.mark.parametrize("version", VERSIONS)
def test_every_option_compiles(zoo_types, compile_types, version):
    folder = zoo_types(*OPTIONS, "--include", "project")
    text = (folder / "schema.d.ts").read_text()
    assert "price: DecimalText;" in text
    files = ["schema.d.ts", "enums.ts", "models.d.ts"]
    assert compile_types(folder, *files, version=version) == ""


ESLINT = """
import js from "@eslint/js";
import tseslint from "typescript-eslint";
export default tseslint.config(js.configs.recommended, tseslint.configs.recommended);
"""


@pytest.mark.parametrize("source", ["shop", "zoo"])
def test_eslint_accepts_what_is_written(request, node_tools, source, tmp_path):
    lint(request.getfixturevalue(source), node_tools, tmp_path)
    (tmp_path / "eslint.config.js").write_text(ESLINT)
    eslint = node_tools / "node_modules/eslint/bin/eslint.js"
    done = run("node", eslint, ".", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    # The configuration reads TypeScript: a planted fault is found.
    (tmp_path / "bad.ts").write_text("export const bad: any = 1;\n")
    assert "no-explicit-any" in run("node", eslint, ".", cwd=tmp_path).stdout


@pytest.mark.parametrize("source", ["shop", "zoo"])
def test_biome_accepts_what_is_written(request, node_tools, source, tmp_path):
    lint(request.getfixturevalue(source), node_tools, tmp_path)
    biome = node_tools / "node_modules/@biomejs/biome/bin/biome"
    (tmp_path / "biome.json").write_text(json.dumps({"files": {"maxSize": 10_000_000}}))
    command = ("node", biome, "lint", "--error-on-warnings", "--max-diagnostics=20", ".")
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "bad.ts").write_text("export const bad: any = 1;\n")
    assert "noExplicitAny" in run(*command, cwd=tmp_path).stderr


def lint(source: Path, tools: Path, folder: Path) -> None:
    """Copy what was written beside the linters."""
    for each in source.glob("*.ts"):
        if not each.name.endswith("_uses.ts"):
            shutil.copy(each, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(tools / "node_modules")


def test_a_change_of_the_api_is_an_error_of_the_front_end(shop, compile_types, tmp_path):
    """The whole point: a field that is renamed in Python is named by the compiler, with file and line."""
    shutil.copytree(shop, tmp_path / "web", symlinks=True)
    schemas = (HERE.parents[2] / "examples/shop/store/schemas.py").read_text()
    shutil.copytree(HERE.parents[2] / "examples/shop", tmp_path / "shop")
    renamed = schemas.replace("rating: float | None\n", "stars: float | None\n")
    assert renamed != schemas
    (tmp_path / "shop/store/schemas.py").write_text(renamed)
    done = matt_types("write", "--output", tmp_path / "web", cwd=tmp_path / "shop")
    assert done.returncode == 0, done.stderr
    said = compile_types(tmp_path / "web", "shop_uses.ts")
    assert "Property 'rating' does not exist on type" in said
