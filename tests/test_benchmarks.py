"""The stacks of the benchmarks answer the same; nothing here is timed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.once]

TREE = Path(__file__).resolve().parent.parent


CASES = ["hello", "echo", "hello-async", "view-async", "one", "flat", "instances", "nested", "page"]
# `make bench` installs the others.
ALWAYS = {"bare", "matt", "matt-controller", "ninja", "extra", "extra-controller"}


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=TREE,
        env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_every_stack_that_is_installed_answers_every_case_with_the_same_json():
    worker = run_python("-m", "benchmarks.worker", "sqlite", "--rounds", "1", "--cases", *CASES)
    assert worker.returncode == 0, worker.stderr
    lines = [json.loads(line) for line in worker.stdout.splitlines()]
    measured = {line["case"]: line["best"] for line in lines if "case" in line}
    assert list(measured) == CASES
    assert all(set(best) >= ALWAYS for best in measured.values())


def test_a_stack_that_answers_otherwise_is_not_measured():
    # What the worker does, with a bare Django whose hello is another.
    spoil = (
        "import sys; import benchmarks.worker as worker; import benchmarks.stacks as stacks\n"
        "load = stacks.load\n"
        "def spoilt(name):\n"
        "    made = load(name)\n"
        "    import benchmarks.stacks.bare as bare\n"
        "    bare.hello.__code__ = (lambda request: answer({'message': 'hullo'})).__code__\n"
        "    return made\n"
        "stacks.load = spoilt\n"
        "sys.argv = ['worker', 'sqlite', '--rounds', '1', '--cases', 'hello']\n"
        "worker.main()\n"
    )
    worker = run_python("-c", spoil)
    assert worker.returncode == 1
    assert "Not measured" in worker.stderr
    assert '"best"' not in worker.stdout
