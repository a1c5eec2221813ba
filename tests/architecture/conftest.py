"""A copy of the tree to spoil, and the distributions built from it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv*",
    "__pycache__",
    ".*_cache",
    "*.egg-info",
    "*.so",
    "*.c",
    "build",
    "dist",
    "site",
    "node_modules",
    "tests",
)
PLANTED = {
    "__init__.py": '"""A contrib app that only this test knows."""\n',
    "apps.py": "from django.apps import AppConfig\n\n\nclass PlantedConfig(AppConfig):\n"
    '    name = "django_matt.contrib.planted"\n    label = "matt_planted"\n',
    "models.py": "from django.db import models\n\n\nclass Plant(models.Model):\n    name = models.TextField()\n",
    "migrations/__init__.py": "",
    "templates/matt_planted/page.html": "<p>planted</p>\n",
    "static/matt_planted/page.css": "p { margin: 0 }\n",
}


def run(*command: str | Path, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command outside of this project's environment; the caller judges its exit code."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DJANGO"))},
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def succeed(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return its output; fail the test with all of it otherwise."""
    process = run(*command, cwd=cwd, **environment)
    assert process.returncode == 0, f"{command}\n{process.stdout[-3000:]}\n{process.stderr[-3000:]}"
    return process.stdout


def uv() -> Path:
    """Return the uv beside this Python, which is where the Makefile puts it."""
    found = shutil.which(
        "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    assert found, "uv is not installed: make test installs it"
    return Path(found)


@pytest.fixture
def copy_tree(tmp_path: Path) -> Callable[[], Path]:
    """Return a function that copies the tree, link and all, without what was built in it."""

    def copy() -> Path:
        shutil.copytree(TREE, tmp_path / "tree", symlinks=True, ignore=LEFT_OUT)
        return tmp_path / "tree"

    return copy


@pytest.fixture(scope="session")
def planted_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tree with one contrib app more than any list could know of."""
    tree = tmp_path_factory.mktemp("planted") / "tree"
    shutil.copytree(TREE, tree, symlinks=True, ignore=LEFT_OUT)
    for name, text in PLANTED.items():
        file = tree / "contrib" / "planted" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tree
