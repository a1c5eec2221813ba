"""``matt`` as people run it, and Django Matt as a wheel for projects to install."""

import fnmatch
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from django_matt.cli.application import application
from tests.projects.rendering import COMBINATIONS, TREE, render

Matt = Callable[..., "subprocess.CompletedProcess[str]"]
Invoke = Callable[..., Result]


def environment(**more: str) -> dict[str, str]:
    """Return the variables of a newcomer's shell: nothing of this test run decides what a project does."""
    ours = ("DJANGO", "MATT_", "DATABASE_", "CACHE_", "EMAIL_", "SECRET_", "DEBUG", "PYTHON", "UV_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((*ours, "MAKE"))
        and name not in {"VIRTUAL_ENV", "MFLAGS", "ARGS", "APPS"}
    }
    tools = str(Path(sys.executable).parent)
    identity = {
        f"GIT_{who}_{what}": f"{who.lower()}@example.com" if what == "EMAIL" else who.title()
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    return {
        **kept,
        **identity,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **more,
    }


def copy_checkout(target: Path) -> None:
    """Copy the tree as a clone would have it, without our own tests but with the template's."""
    made = {"build", "dist", "site", "node_modules", ".git", "tests", "benchmarks"}

    def left_out(folder: str, names: list[str]) -> set[str]:
        built = {"*.so", "*.egg-info", "__pycache__", ".*cache", ".venv*"}
        found = {name for pattern in built for name in fnmatch.filter(names, pattern)}
        return found | (made & set(names) if Path(folder) == TREE else set())

    shutil.copytree(TREE, target, symlinks=True, ignore=left_out)


@pytest.fixture
def matt(tmp_path: Path) -> Matt:
    """Return ``matt(*arguments, **environment)``, run in an empty folder of its own, with nobody to ask."""

    def run(
        *arguments: str, cwd: Path = tmp_path, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "django_matt.cli", *arguments],
            cwd=cwd,
            env=environment(PYTHONPATH=str(TREE), **more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return ``invoke(*arguments)``: the same in this process, for what ends before anything is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DJANGO_MATT_SOURCE", raising=False)
    return lambda *arguments: CliRunner().invoke(application, arguments, env={"COLUMNS": "400"})


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Django Matt of this tree, built once: a folder would be built for every project."""
    folder = tmp_path_factory.mktemp("wheel")
    copy_checkout(folder / "tree")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=folder / "tree",
        env={**os.environ, "CFLAGS": "-O0"},
        capture_output=True,
        check=True,
        timeout=200,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A project with no option at its default, installed. Others borrow its environment for what is cheap."""
    from tests.projects.running import install

    project = render(tmp_path_factory.mktemp("everything"), project_name="All", **COMBINATIONS[-1])
    install(project, wheel)
    return project
