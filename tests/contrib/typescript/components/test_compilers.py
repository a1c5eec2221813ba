"""The compilers and Biome accept every file as it was written."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.node_tools import run

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]
COMPILERS = {
    "react": ["typescript/bin/tsc", "--noEmit", "-p", "."],
    "svelte": [
        "svelte-check/bin/svelte-check",
        "--fail-on-warnings",
        "--tsconfig",
        "tsconfig.json",
    ],
}
TARGETS = ["react", pytest.param("svelte", marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_written_compiles_and_has_no_warnings(target: str, make_front: Callable[..., Any]):
    front = make_front(target).front
    script, *options = COMPILERS[target]
    done = run("node", front / "node_modules" / script, *options, cwd=front)
    assert done.returncode == 0, done.stdout + done.stderr
    biome = front / "node_modules/@biomejs/biome/bin/biome"
    done = run("node", biome, "check", "--error-on-warnings", "src", cwd=front)
    assert done.returncode == 0, done.stdout + done.stderr
