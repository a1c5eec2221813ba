"""Every suite of ``make test``, three at a time: what waits for servers and browsers runs beside what computes.

What reaches the database runs on both databases and with both lines of Python and Django: on PostgreSQL with this one, on
SQLite with the other, which also runs all the rest.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

__all__ = ["main"]

# One process each: beside the servers, a second one would only make both wait. The longest come first.
SUITES = (
    "test-servers HALF=servers",
    "test-next PARALLEL=0",
    "test-projects",
    "test-quick PARALLEL=0 DATABASE=postgres ONLY=database",
    "test-servers HALF=node",
    "test-sign-in PARALLEL=0 DATABASE=postgres",
)
LANES = 3
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
    """Run the suites by ``make``, show the output of each when it is done, return how many failed."""
    suites = deque(suites_of(os.environ.get("APPS", "").split()))
    make = [os.environ.get("MAKE", "make"), "--no-print-directory"]
    failed: list[str] = []
    shown = threading.Lock()

    def lane() -> None:
        with suppress(IndexError):
            while True:
                run(suites.popleft())

    def run(suite: str) -> None:
        with tempfile.TemporaryFile() as output:
            command = [*make, *suite.split()]
            if subprocess.call(command, stdout=output, stderr=subprocess.STDOUT):
                failed.append(suite)
            output.seek(0)
            with shown:
                sys.stdout.write(f"\n==== {suite}\n")
                sys.stdout.flush()
                sys.stdout.buffer.write(output.read())
                sys.stdout.flush()

    # A time limit ends the suites too; what they have written until then is shown all the same.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write(f"{len(suites)} suites, {LANES} at a time. Each is shown when it is done.\n")
    sys.stdout.flush()
    lanes = [threading.Thread(target=lane) for _ in range(LANES)]
    for each in lanes:
        each.start()
    try:
        for each in lanes:
            each.join()
    finally:
        # An interrupt of the terminal has reached them too; they end their servers themselves.
        suites.clear()
        for each in lanes:
            each.join()
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
