"""The workflows of this repository are valid, and what they run exists."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import TREE, run

pytestmark = [pytest.mark.once]

WORKFLOWS = sorted((TREE / ".github" / "workflows").glob("*.yml"))


def judge(file: Path) -> tuple[int, str]:
    tool = Path(sys.executable).parent / "check-jsonschema"
    process = run(tool, "--builtin-schema", "vendor.github-workflows", file, cwd=TREE)
    return process.returncode, process.stdout + process.stderr


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_fits_its_schema(file: Path):
    status, said = judge(file)
    assert status == 0, said


def test_a_workflow_with_an_unknown_key_is_refused(tmp_path: Path):
    file = Path(shutil.copy(WORKFLOWS[0], tmp_path))
    file.write_text(file.read_text().replace("runs-on:", "runs-of:"))
    assert judge(file)[0] == 1


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_each_command_of_a_workflow_is_a_target_of_make(file: Path):
    targets = re.findall(r"^([\w-]+):", (TREE / "Makefile").read_text(), re.MULTILINE)
    commands = re.findall(r"run: make ([\w-]+)", file.read_text())
    assert commands
    assert set(commands) <= set(targets)


def test_the_newest_releases_are_tested_every_week_within_the_caps_and_beyond():
    text = (TREE / ".github" / "workflows" / "upstream.yml").read_text()
    assert "schedule:" in text
    assert "workflow_dispatch:" in text
    within, beyond = text.split("beyond-caps:")
    assert "continue-on-error" not in within
    assert "continue-on-error: true" in beyond
    assert "CAPS=no" in beyond
