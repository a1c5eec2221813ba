"""The client under ``tsc --strict`` on TypeScript 5.9, 6 and 7: right and wrong uses, hooks, zod; its size and shaking."""

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import COMPILERS

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "client"
STRICTER = dict.fromkeys(
    [
        *("noPropertyAccessFromIndexSignature", "noImplicitOverride", "noImplicitReturns"),
        *("noFallthroughCasesInSwitch", "noUnusedLocals", "noUnusedParameters", "isolatedModules"),
        *("verbatimModuleSyntax", "erasableSyntaxOnly", "forceConsistentCasingInFileNames"),
    ],
    True,
)


@pytest.fixture(scope="module")
def uses(shop_client: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shop's files with the uses of them that must compile, and those that must not."""
    folder = tmp_path_factory.mktemp("uses")
    shutil.copytree(shop_client, folder, dirs_exist_ok=True, symlinks=True)
    for name in ("right.ts", "wrong.ts", "hooks.ts", "schemas.ts"):
        shutil.copy(HERE / name, folder)
    return folder


@pytest.mark.parametrize("version", COMPILERS)
def test_the_files_of_the_client_compile(
    uses: Path, compile_types: Callable[..., str], version: str
):
    said = compile_types(
        uses, "client.ts", "streams.ts", "api.ts", "zod.ts", "react.ts", version=version, **STRICTER
    )
    assert said == ""


@pytest.mark.parametrize("version", COMPILERS)
def test_right_uses_compile_and_wrong_ones_do_not(
    uses: Path, compile_types: Callable[..., str], version: str
):
    assert (uses / "wrong.ts").read_text().count("@ts-expect-error") >= 60
    assert compile_types(uses, "right.ts", "wrong.ts", version=version) == ""


def test_a_wrong_use_is_an_error_without_its_comment(uses: Path, compile_types: Callable[..., str]):
    text = (uses / "wrong.ts").read_text()
    count = text.count("@ts-expect-error")
    bare = uses / "bare.ts"
    bare.write_text(re.sub(r"// @ts-expect-error", "//", text))
    try:
        found = re.findall(r"^bare\.ts\((\d+),", compile_types(uses, "bare.ts"), re.M)
    finally:
        bare.unlink()
    assert len(set(found)) == count


@pytest.mark.parametrize("version", COMPILERS)
def test_hooks_have_the_types_of_their_operations(
    uses: Path, compile_types: Callable[..., str], version: str
):
    assert compile_types(uses, "hooks.ts", "react.ts", version=version) == ""


@pytest.mark.parametrize("version", COMPILERS)
def test_zod_schemas_return_the_types_of_the_document(
    uses: Path, compile_types: Callable[..., str], version: str
):
    assert compile_types(uses, "schemas.ts", version=version) == ""


CALLS = "apiKey, bearer, CallError, call, configure, pages, server, session, unwrap"


@pytest.mark.parametrize(
    ("exports", "most"),
    [
        (f'export {{ {CALLS} }} from "./client";', 3_250),
        (f'export {{ {CALLS} }} from "./client";\nexport {{ stream }} from "./streams";', 4_000),
    ],
    ids=["calls", "calls and streams"],
)
def test_the_runtime_is_small_when_it_is_compressed(
    uses: Path, bundle: Callable[..., Path], exports: str, most: int
):
    source = uses / "everything.ts"
    source.write_text(exports)
    built = bundle(uses, source, "--minify", "--format=esm", "--target=es2022")
    assert len(gzip.compress(built.read_bytes(), 9, mtime=0)) <= most


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        (
            'import { categoriesList } from "./api"; categoriesList();',
            ["/api/categories"],
            ["/api/categories/", "/api/orders", "Last-Event-ID", "Bearer"],
        ),
        (
            'import { categories } from "./api"; categories.list();',
            ["/api/categories", "/api/categories/{category_id}"],
            ["/api/orders", "Last-Event-ID"],
        ),
        ('import { CategoryIn } from "./zod"; console.log(CategoryIn);', ["slug"], ["quantity"]),
    ],
    ids=["one operation", "one group", "one schema"],
)
def test_what_is_not_used_is_not_in_the_bundle(
    uses: Path, bundle: Callable[..., Path], entry: str, inside: list[str], outside: list[str]
):
    source = uses / "shaken.ts"
    source.write_text(entry)
    text = bundle(uses, source, "--minify", "--format=esm").read_text()
    assert [each for each in inside if each not in text] == []
    assert [each for each in outside if each in text] == []
