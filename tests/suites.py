"""Every suite of ``make test``, two at a time: what waits for servers and browsers runs beside what computes.

One after the other they take half as long again on two cores, most of it waiting. Each test runs on both databases and
with both lines of Python and Django: on PostgreSQL with this one, on SQLite with the other.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

# One process each: beside the servers, a second one would only make both wait.
SUITES = (
    "test-quick PARALLEL=0 DATABASE=postgres",
    "test-sign-in PARALLEL=0 DATABASE=postgres",
    "test-next PARALLEL=0",
    "test-projects",
    "test-servers",
)
"""One lane takes from the beginning, the other from the end, where those are that wait most."""
TESTS = Path(__file__).parent


def suites_of(apps: list[str]) -> list[str]:
    """Return the suites that have tests of the apps, on both databases with this Python; all suites if none is named."""
    if not apps:
        return list(SUITES)
    found = []
    for suite, folders in {
        "test-servers": ("contrib", "e2e"),
        "test-quick": ("contrib",),
        "test-sign-in": ("sign_in",),
    }.items():
        if any((TESTS / folder / app).is_dir() for folder in folders for app in apps):
            found.append(suite)
            if suite != "test-servers":
                found.append(f"{suite} DATABASE=postgres")
    return found


def main() -> int:
    """Run the suites by ``make``, show those of the second lane when they are done, return how many failed."""
    suites = deque(suites_of(os.environ.get("APPS", "").split()))
    make = [os.environ.get("MAKE", "make"), "--no-print-directory"]
    failed: list[str] = []

    def run_beside(suite: str) -> None:
        with tempfile.TemporaryFile() as output:
            command = [*make, *suite.split()]
            if subprocess.call(command, stdout=output, stderr=subprocess.STDOUT):
                failed.append(suite)
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            sys.stdout.flush()

    def second_lane() -> None:
        with suppress(IndexError):
            while True:
                run_beside(suites.pop())

    lane = threading.Thread(target=second_lane)
    lane.start()
    try:
        with suppress(IndexError):
            while True:
                suite = suites.popleft()
                if subprocess.call([*make, *suite.split()]):
                    failed.append(suite)
    finally:
        # An interrupt of the terminal has reached them too; they end their servers themselves.
        suites.clear()
        lane.join()
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
