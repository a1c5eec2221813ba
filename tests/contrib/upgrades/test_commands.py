"""The commands as ``matt`` runs them: by their entry points, with a terminal, and without the extra."""

import os
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from django_matt.contrib.upgrades import commands

from .projects import Project, git

TREE = Path(__file__).resolve().parents[3]
ENTRY_POINTS = """\
[django_matt.commands]
adopt = django_matt.contrib.upgrades.commands:adopt
upgrade = django_matt.contrib.upgrades.commands:upgrade
"""


def matt(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``matt`` with the entry points of ``pyproject.toml``, which an older installation may lack."""
    assert (
        ENTRY_POINTS.splitlines()[1].replace(" = ", ' = "') + '"'
        in (TREE / "pyproject.toml").read_text()
    )
    installed = project.folder.parent / "installed"
    (installed / "entries-1.dist-info").mkdir(parents=True, exist_ok=True)
    (installed / "entries-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: entries\n"
    )
    (installed / "entries-1.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    return subprocess.run(
        [sys.executable, "-m", "django_matt.cli", *arguments],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TREE), str(installed)])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.once
def test_matt_has_both_commands(project: Project):
    project.write(
        {"api.py": "from ninja import NinjaAPI\napi = NinjaAPI()\n", "broken.py": "def (\n"}
    )
    done = matt(project, "adopt")
    assert done.returncode == 0, done.stderr
    assert "+api = MattAPI()" in done.stdout
    assert "\x1b" not in done.stdout
    assert "MattAPI" in project.read("api.py")
    again = matt(project, "upgrade")
    assert again.returncode == 1
    assert "uncommitted changes" in again.stderr
    assert "Traceback" not in again.stderr
    helped = matt(project, "upgrade", "--help")
    assert "--from" in helped.stdout


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked(project: Project, monkeypatch: pytest.MonkeyPatch, answer: str):
    text = "from ninja import NinjaAPI\n"
    project.write({"api.py": text})
    application = typer.Typer()
    application.command()(commands.adopt)
    # The runner's input is not a terminal.
    monkeypatch.setattr(commands, "_is_asked", lambda no_input: not no_input)
    result = CliRunner().invoke(application, [], input=f"{answer}\n")
    assert "Make these changes?" in result.output
    assert result.exit_code == (0 if answer == "y" else 1)
    assert project.read("api.py") == (
        text if answer == "n" else "from django_matt import MattAPI\n"
    )


def test_without_libcst_the_command_says_what_installs_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    find = util.find_spec
    monkeypatch.setattr(
        commands, "find_spec", lambda name: None if name == "libcst" else find(name)
    )
    for command in ("adopt", "upgrade"):
        _, err = project.run(command, code=1)
        assert "libcst is not installed" in err
        assert "[upgrade]" in err


def test_permissions_of_files_stay_and_nothing_else_is_left(project: Project):
    project.write({"run.py": "#!/usr/bin/env python\nfrom ninja import NinjaAPI\nNinjaAPI()\n"})
    (project.folder / "run.py").chmod(0o755)
    project.commit()
    project.run("adopt")
    assert (project.folder / "run.py").stat().st_mode & 0o777 == 0o755
    assert git(project.folder, "status", "--porcelain").split() == ["M", "run.py"]


def test_a_file_that_cannot_be_written_is_left_whole(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    text = "from ninja import NinjaAPI\n"
    project.write({"api.py": text})

    def fail(self: Path, target: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    assert "a file cannot be written: the disk is full" in project.run("adopt", code=1)[1]
    assert project.read("api.py") == text
    assert git(project.folder, "status", "--porcelain") == ""
