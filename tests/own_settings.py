"""Tests that need settings of their own, in another process with the database of this run, or with one of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.servers import ROOT

__all__ = ["run_folder", "run_module", "without_server"]


def run_folder(folder: Path, settings: str) -> None:
    """Run the tests of ``folder`` with a module of settings, and fail as they do."""
    command = ["pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = _run(command, {**os.environ, "DJANGO_SETTINGS_MODULE": settings}, 280)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    assert "passed" in done.stdout


def run_module(*command: str, environment: dict[str, str], seconds: float) -> Any:
    """Run a module with arguments, and return the JSON of the last line that it prints."""
    done = _run(command, environment, seconds)
    assert done.returncode == 0, done.stdout + done.stderr[-6_000:]
    return json.loads(done.stdout.splitlines()[-1])


def without_server(**more: str) -> dict[str, str]:
    """Return the environment without the PostgreSQL of this run: a process then starts a server of its own."""
    kept = {k: v for k, v in os.environ.items() if k != "MATT_TEST_POSTGRES_HOST"}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def _run(
    command: "list[str] | tuple[str, ...]", environment: dict[str, str], seconds: float
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
