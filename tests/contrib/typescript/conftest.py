"""The files of the shop and of the zoo, the compilers, and a bundler."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.node_tools import run

HERE = Path(__file__).parent
SHOP = HERE.parents[2] / "examples" / "shop"
COMPILERS = {"5.9": "typescript", "6": "typescript-6", "7": "typescript-7"}
STRICT = {
    "strict": True,
    "noEmit": True,
    "skipLibCheck": False,
    "target": "es2022",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2022", "dom", "dom.iterable"],
    "jsx": "react-jsx",
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "types": [],
}


@pytest.fixture(scope="session")
def compile_types(node_tools: Path) -> Callable[..., str]:
    """Return ``compile_types(folder, *files, version="5.9", **options)``: what ``tsc --strict`` says, "" if all is right."""

    def compile_files(folder: Path, *files: str, version: str = "5.9", **options: Any) -> str:
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(node_tools / "node_modules")
        project = folder / "tsconfig.json"
        project.write_text(json.dumps({"compilerOptions": STRICT | options, "files": files}))
        tsc = node_tools / "node_modules" / COMPILERS[version] / "bin" / "tsc"
        done = run("node", tsc, "--project", project, cwd=folder)
        assert done.stderr == ""
        assert bool(done.returncode) == bool(done.stdout)
        return done.stdout

    return compile_files


def matt_types(
    *arguments: object, cwd: Path = SHOP, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py matt_types …`` in the shop, or in a copy of it."""
    return run(
        sys.executable,
        "manage.py",
        "matt_types",
        *arguments,
        cwd=cwd,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
    )


@pytest.fixture(scope="session")
def shop_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the shop's files by its ``manage.py``; return their folder."""
    folder = tmp_path_factory.mktemp("shop-types")
    done = matt_types("write", "--output", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def shop_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the shop's files with ``react.ts`` and ``zod.ts``; return their folder."""
    folder = tmp_path_factory.mktemp("shop-client")
    done = matt_types("write", "--output", folder, "--react", "--zod")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def zoo_types(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return ``zoo_types(*options)``: write the zoo's files by the command, return their folder."""

    def write(*options: str) -> Path:
        folder = tmp_path_factory.mktemp("zoo-types")
        done = run(
            *(sys.executable, "-m", "django", "matt_types", "write", "--output", folder, *options),
            cwd=HERE.parents[2],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.contrib.typescript.zoo_settings"},
        )
        assert done.returncode == 0, done.stderr
        return folder

    return write


@pytest.fixture(scope="session")
def bundle(node_tools: Path) -> Callable[..., Path]:
    """Return ``bundle(folder, entry, *options)``: compile a module beside the generated files with esbuild."""

    def build(folder: Path, entry: Path, *options: str) -> Path:
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(node_tools / "node_modules")
        source = folder / entry.name
        if source != entry:
            shutil.copy(entry, source)
        as_module = "--format=esm" in options or "--platform=node" in options
        out = folder / f"{entry.stem}.built.{'mjs' if as_module else 'js'}"
        esbuild = node_tools / "node_modules" / "esbuild" / "bin" / "esbuild"
        form = ["--format=esm"] if as_module else []
        done = run(
            "node", esbuild, source, "--bundle", f"--outfile={out}", *form, *options, cwd=folder
        )
        assert done.returncode == 0, done.stderr
        return out

    return build
