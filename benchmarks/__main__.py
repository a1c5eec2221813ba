"""``python -m benchmarks``: the same work on MattAPI, its peers and hand-written Django, side by side."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from benchmarks.cases import CASES
from benchmarks.results import Results, measure
from benchmarks.tables import print_results

QUICK, THOROUGH = 8, 80


class Tell(Protocol):
    """What reports how far the rounds are."""

    def __call__(self, done: int, case: str) -> None:
        """Report that ``done`` rounds are over, the last of them of ``case``."""


@contextmanager
def progress(title: str, total: int) -> Iterator[Tell]:
    """Show a bar in a terminal, a line every tenth where piped."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        console: Any = None
    else:
        console = Console(stderr=True)
    if console is not None and console.is_terminal:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(title, total=total)
            yield lambda done, case: bar.update(
                task, completed=done, description=f"{title}: {case}"
            )
        return
    seen: set[int] = set()

    def tell(done: int, case: str) -> None:
        tenth = 10 * done // total
        if tenth not in seen:
            seen.add(tenth)
            print(f"{title}: {10 * tenth} %", file=sys.stderr, flush=True)

    yield tell


def main() -> None:
    """Measure, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK} rounds instead of {THOROUGH}"
    )
    parser.add_argument("--rounds", type=int, help="as many rounds")
    parser.add_argument(
        "--only", nargs="+", choices=list(CASES), default=list(CASES), help="these cases"
    )
    parser.add_argument(
        "--postgres", action="store_true", help="measure on PostgreSQL, after SQLite"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md and its plots"
    )
    options = parser.parse_args()
    rounds = options.rounds or (QUICK if options.quick else THOROUGH)
    measured = []
    for database in ["sqlite", *(["postgres"] if options.postgres else [])]:
        results = Results(database=database)
        with progress(database, rounds * len(options.only)) as tell:
            done = 0
            for line in measure(results, options.only, rounds):
                if "case" in line:
                    done += 1
                    tell(done, line["case"])
        print_results(results)
        measured.append(results)
    if options.write:
        from benchmarks.page import write

        write(measured, f"python -m benchmarks {' '.join(sys.argv[1:])}".strip(), rounds)


if __name__ == "__main__":
    main()
