"""Every suite of ``make test``, three at a time: what waits for servers and browsers runs beside what computes.

What reaches the database runs on both databases and with both lines of Python and Django: on PostgreSQL with this one, on
SQLite with the other, which also runs all the rest.

A few failures may be those of a busy machine. The tests that failed are run once more when the suites are done; those that
pass then are listed as unstable.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
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
MOST = 6
"""With more failures in a suite it is not the machine, and nothing is run again."""
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


class Run:
    """The suites of one run, each with a folder where pytest keeps which tests failed."""

    def __init__(self, suites: list[str], folder: Path) -> None:
        self.waiting = deque(suites)
        self.folder = folder
        self.failed: list[str] = []
        self.unstable: list[str] = []
        self._shown = threading.Lock()

    def lane(self) -> None:
        """Run one suite after the other, until none is left."""
        with suppress(IndexError):
            while True:
                suite = self.waiting.popleft()
                if not self.passes(suite):
                    self.failed.append(suite)

    def passes(self, suite: str, *options: str) -> bool:
        """Run one suite by ``make`` and show its output when it is done."""
        arguments = [os.environ.get("ARGS", ""), f"-o cache_dir={self._cache(suite)}", *options]
        command = [os.environ.get("MAKE", "make"), "--no-print-directory", *suite.split()]
        command.append(f"ARGS={' '.join(arguments).strip()}")
        with tempfile.TemporaryFile() as output:
            begun = time.monotonic()
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            # Unlike wait(), it tells what the suite and all of its processes have used.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = code = os.waitstatus_to_exitcode(status)
            taken = (
                f"{time.monotonic() - begun:.0f} s, {usage.ru_utime + usage.ru_stime:.0f} s of CPU"
            )
            output.seek(0)
            with self._shown:
                sys.stdout.write(f"\n==== {suite}{' again' if options else ''} ({taken})\n")
                sys.stdout.flush()
                sys.stdout.buffer.write(output.read())
                sys.stdout.flush()
        return code == 0

    def try_again(self) -> None:
        """Run what failed once more, one suite at a time, if it is little."""
        for suite in [*self.failed]:
            names = self._failures(suite)
            if 0 < len(names) <= MOST and self.passes(suite, "--lf --lfnf=none"):
                self.failed.remove(suite)
                self.unstable += names

    def _cache(self, suite: str) -> Path:
        return self.folder / suite.replace(" ", "-")

    def _failures(self, suite: str) -> list[str]:
        kept = self._cache(suite) / "v" / "cache" / "lastfailed"
        return sorted(json.loads(kept.read_text())) if kept.exists() else []


def main() -> int:
    """Run the suites, return how many failed."""
    # A time limit ends the suites too; what they have written until then is shown all the same.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(suites_of(os.environ.get("APPS", "").split()), Path(folder))
        sys.stdout.write(
            f"{len(run.waiting)} suites, {LANES} at a time. Each is shown when it is done.\n"
        )
        sys.stdout.flush()
        lanes = [threading.Thread(target=run.lane) for _ in range(LANES)]
        for each in lanes:
            each.start()
        try:
            for each in lanes:
                each.join()
            run.try_again()
        finally:
            # An interrupt of the terminal has reached them too; they end their servers themselves.
            run.waiting.clear()
            for each in lanes:
                each.join()
    for name in run.unstable:
        sys.stdout.write(f"Unstable: {name} failed beside the other suites, and passed alone.\n")
    return len(run.failed)


if __name__ == "__main__":
    sys.exit(main())
