"""``python -m tests.sign_in``: the tests of each app with that app alone, then those of all of them together.

What an app does without its siblings, and that it needs none of them, can only be seen in a process that never had them.
Arguments are those of pytest; a folder among them chooses its tests.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.sign_in.groups import HERE, WITH_OTHERS, apps_of

__all__ = ["main"]

TOGETHER = "together"
_EVERY = [
    *sorted(path.name for path in HERE.iterdir() if any(path.glob("test_*.py"))),
]


def run(folder: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the tests of one folder in a process of their own."""
    apps = apps_of(folder)
    tests = [str(HERE / folder)] if (HERE / folder).is_dir() else []
    if folder == TOGETHER:
        tests += map(str, [*sorted(HERE.glob("test_*.py")), *WITH_OTHERS])
    else:
        tests += [f"--ignore={path}" for path in WITH_OTHERS]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, *tests],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.sign_in.settings",
            "MATT_TEST_APPS": " ".join(apps),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    """Run what was asked for, at most ``PARALLEL`` folders at a time, and return how many failed."""
    arguments = sys.argv[1:]
    chosen = [name for name in arguments if (HERE / name).is_dir() or name == TOGETHER]
    rest = [each for each in arguments if each not in chosen]
    folders = chosen or [*(name for name in _EVERY if name != TOGETHER), TOGETHER]
    failed = 0
    with ThreadPoolExecutor(max(int(os.environ.get("PARALLEL", "2")), 1)) as pool:
        for folder, done in zip(
            folders, pool.map(lambda folder: run(folder, rest), folders), strict=True
        ):
            print(f"== {folder}\n{done.stdout}", flush=True)  # noqa: T201
            failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
