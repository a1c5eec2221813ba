"""Formats generated Python with the ruff of the project, if it has one."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

__all__ = ["format_module", "is_formatted"]

_SECONDS = 30


@cache
def _ruff() -> str | None:
    beside = Path(sys.executable).with_name("ruff")
    return str(beside) if beside.is_file() else shutil.which("ruff")


def format_module(text: str, path: Path) -> str:
    """Return a module as ruff formats and sorts it with the settings for its path; unchanged without ruff."""
    ruff = _ruff()
    if ruff is None or not text:
        return text
    # For a file in a folder that is not there yet, ruff finds no settings.
    folder = next(each for each in path.parents if each.is_dir())
    name = ["--no-cache", "--quiet", "--stdin-filename", str(folder / path.name), "-"]
    for verb in (["check", "--select", "I", "--fix", "--exit-zero"], ["format"]):
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
                [ruff, *verb, *name],
                input=text,
                capture_output=True,
                encoding="utf-8",
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return text
        if done.returncode == 0 and done.stdout:
            text = done.stdout
    return text


def is_formatted(text: str, path: Path) -> bool:
    """Return whether ruff is there and would change nothing."""
    return _ruff() is not None and format_module(text, path) == text
