"""Every suite of ``make test``: what waits for servers and browsers runs beside what computes.

One after the other they take half as long again on two cores, most of it waiting.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]

# One process each: beside the servers, a second one would only make both wait.
COMPUTING = (
    "test-quick PARALLEL=0",
    "test-quick PARALLEL=0 DATABASE=postgres",
    "test-sign-in PARALLEL=0",
    "test-sign-in PARALLEL=0 DATABASE=postgres",
    "test-next PARALLEL=0",
    "test-projects",
)
WAITING = "test-servers"
TESTS = Path(__file__).parent


def suites_of(apps: list[str]) -> list[str]:
    """Return the suites that have tests of the apps; all suites if no app is named."""
    if not apps:
        return list(COMPUTING)
    folders = {"test-quick": "contrib", "test-sign-in": "sign_in"}
    return [
        suite
        for suite in COMPUTING
        if (folder := folders.get(suite.split()[0]))
        and any((TESTS / folder / app).is_dir() for app in apps)
    ]


def main() -> int:
    """Run the suites by ``make``, show the waiting one's output after the others, return how many failed."""
    suites = suites_of(os.environ.get("APPS", "").split())
    make = [os.environ.get("MAKE", "make"), "--no-print-directory"]
    with tempfile.TemporaryFile() as output:
        waiting = subprocess.Popen([*make, WAITING], stdout=output, stderr=subprocess.STDOUT)
        try:
            failed = sum(subprocess.call([*make, *suite.split()]) != 0 for suite in suites)
            failed += waiting.wait() != 0
        finally:
            # An interrupt of the terminal has reached it too; it ends its servers itself.
            waiting.wait()
        output.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(output.read())
    sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
