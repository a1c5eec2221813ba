"""Every install line of README, the docs and the examples, typed in a fresh environment where its page says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.install_lines import FOLDERS, LINES
from tests.projects.conftest import copy_checkout, environment
from tests.projects.rendering import TREE
from tests.projects.running import find_python, run

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(400)]

# Two pages may have the same line. The one with `--python` is typed by test_product_page.py.
COMMANDS = {line.command: line for line in LINES if "--python" not in line.command}
PYTHONS = ("3.11", "3.13")
EXTRAS = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["optional-dependencies"]
CHECK = """
import importlib.metadata, sys
import django_matt
assert django_matt.__version__ == importlib.metadata.version("django-matt") == "1.0.0.dev0"
print([importlib.metadata.version(name) for name in sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clone."""
    folder = tmp_path_factory.mktemp("place")
    copy_checkout(folder / "django-matt")
    return folder


class Shell:
    """A terminal with an activated environment that is empty; ``pip`` is uv's, which is quicker."""

    def __init__(self, folder: Path, version: str) -> None:
        python = find_python(version)
        if python is None:
            pytest.skip(f"Python {version} is not installed")
        self.environment = folder / "environment"
        self.type(f"uv venv --quiet --python {shlex.quote(python)} environment", folder)
        pip = self.environment / "bin" / "pip"
        pip.write_text('#!/bin/sh\nexec uv pip "$@"\n')
        pip.chmod(0o755)

    def type(self, command: str, folder: Path) -> str:
        bin_folder = self.environment / "bin"
        return run(
            folder,
            *("bash", "-c", command),
            VIRTUAL_ENV=str(self.environment),
            CFLAGS="-O0",
            PATH=f"{bin_folder}{os.pathsep}{environment()['PATH']}",
        )

    def check(self, extras: set[str], folder: Path) -> None:
        """Check that our Django Matt is installed, and every package of its extras."""
        names = " ".join(sorted(_packages_of(extras)))
        self.type(f"python -c {shlex.quote(CHECK)} {names}", folder)


def _packages_of(extras: set[str]) -> set[str]:
    found = set[str]()
    for extra in extras:
        for requirement in EXTRAS[extra]:
            name, _, inner = re.match(r"([\w-]+)(\[([^]]+)\])?", requirement).group(1, 2, 3)
            found |= _packages_of(set(inner.split(","))) if name == "django-matt" else {name}
    return found


def _marks(command: str) -> list[pytest.MarkDecorator]:
    """Leave out the lines with one extra: the packages of all are in the environment of every other test."""
    line = COMMANDS[command]
    is_one = len(line.extras) == 1 and "-r" not in command and not line.page.startswith("README")
    return [pytest.mark.exhaustive] if is_one else []


@pytest.mark.parametrize(
    ("command", "version"),
    # Each line with one of them, in turn.
    [
        pytest.param(command, PYTHONS[number % 2], marks=_marks(command))
        for number, command in enumerate(COMMANDS)
    ],
)
def test_a_line_installs_what_it_says(place: Path, tmp_path: Path, command: str, version: str):
    line = COMMANDS[command]
    shell = Shell(tmp_path, version)
    folder = place / FOLDERS.get(line.requirement, ".")
    shell.type(command, folder)
    if line.requirement:
        shell.check(line.extras, tmp_path)


@pytest.mark.parametrize("version", PYTHONS)
def test_the_line_of_a_message_installs_an_extra_of_what_is_installed(
    place: Path, tmp_path: Path, version: str
):
    shell = Shell(tmp_path, version)
    shell.type("pip install '.'", place / "django-matt")
    said = shell.type(
        "python -c 'from django_matt.installation import install_line; print(install_line(\"formats\"))'",
        tmp_path,
    )
    assert said == f"uv pip install '{place}/django-matt[formats]'\n"
    shell.type(said, tmp_path)
    shell.check({"formats"}, tmp_path)


@pytest.mark.exhaustive
def test_the_lines_of_readme_begin_a_project_with_pip_itself(place: Path, tmp_path: Path):
    clone = tmp_path / "django-matt"
    shutil.copytree(place / "django-matt", clone, symlinks=True)
    block = re.search(
        r"^## A project\n.*?```console\n(.*?)```", (TREE / "README.md").read_text(), re.M | re.S
    )
    assert block
    lines = block[1].replace("$ ", "").strip().splitlines()
    assert lines[-1] == "matt new --into .."
    # The shell of a reader asks for the name.
    lines[-1] += " lamp-shop --no-input"
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines).replace("python3 ", f"{sys.executable} ")],
        cwd=clone,
        env=environment(CFLAGS="-O0"),
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    assert (tmp_path / "lamp-shop" / "manage.py").is_file()
