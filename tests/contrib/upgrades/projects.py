"""A project in a folder, under git, and the commands run in it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from django_matt.contrib.upgrades import commands

__all__ = ["Project", "git"]


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints; fail the test if it fails."""
    identity = ("-c", "user.email=ada@example.com", "-c", "user.name=Ada")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Project:
    """A folder whose files are committed."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write and commit files."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        if not (self.folder / ".git").exists():
            git(self.folder, "init", "--quiet")
        self.commit()

    def commit(self) -> None:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "Begin")

    def read(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()

    def run(self, command: str, *paths: str, code: int = 0, **options: Any) -> tuple[str, str]:
        """Run ``adopt`` or ``upgrade``; return what is printed to stdout and to stderr."""
        function = getattr(commands, command)
        found = 0
        try:
            function([self.folder / path for path in paths] or None, no_input=True, **options)
        except typer.Exit as exit_:
            found = exit_.exit_code
        out, err = self.capsys.readouterr()
        assert found == code, err
        return out, err
