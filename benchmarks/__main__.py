"""``python -m benchmarks``: the same work on MattAPI, its peers and hand-written Django, side by side."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import ASYNC, CASES, STREAM, SYNC
from benchmarks.load import MISSING, LoadError, is_installed
from benchmarks.progress import Tell, progress
from benchmarks.results import Results, work
from benchmarks.servers import ServerError
from benchmarks.serving import SERVED, Serving
from benchmarks.stacks import STACKS
from benchmarks.tables import print_results

PARTS = ["rounds", "stream", "serving"]


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured."""

    rounds: int
    seconds: float
    """No round begins after so long, however few there were; for each interface."""
    entries: int
    streams: int
    serving: Serving


THOROUGH = Extent(
    rounds=50,
    seconds=120,
    entries=100_000,
    streams=2,
    serving=Serving(seconds=1.5, rounds=2, cases=SERVED),
)
QUICK = Extent(
    rounds=6,
    seconds=15,
    entries=20_000,
    streams=1,
    serving=Serving(seconds=1, rounds=1, cases={"wsgi": ["flat"]}),
)


def main() -> None:
    """Measure, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in two minutes")
    parser.add_argument("--rounds", type=int, help="at most as many rounds in process")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*SYNC, *ASYNC],
        default=[*SYNC, *ASYNC],
        help="these cases, in process",
    )
    parser.add_argument(
        "--postgres", action="store_true", help="measure on PostgreSQL, after SQLite"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md and its plots"
    )
    options = parser.parse_args()
    # A run that is stopped, by timeout(1) for one, still stops its servers and removes its files.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    extent, parts = QUICK if options.quick else THOROUGH, list(options.part)
    rounds = options.rounds or extent.rounds
    if "serving" in parts and not is_installed():
        print(f"The stacks are not measured behind a server: {MISSING}.", file=sys.stderr)
        parts.remove("serving")
    measured = []
    for database in ["sqlite", *(["postgres"] if options.postgres else [])]:
        results = Results(database=database, entries=extent.entries)
        with _database(database):
            for _ in work(results, "fill", "--entries", f"{extent.entries}"):
                pass
            if "rounds" in parts:
                _measure_rounds(results, options.only, rounds, extent.seconds)
            if "stream" in parts:
                _measure_streams(results, extent.streams)
            if "serving" in parts:
                _measure_serving(results, extent.serving)
        print_results(results)
        measured.append(results)
    if options.write:
        from benchmarks.page import write

        command = f"python -m benchmarks {' '.join(sys.argv[1:])}".strip()
        write(measured, command, extent.serving)


@contextmanager
def _database(database: str) -> Iterator[None]:
    """Hold the database that the workers and servers share."""
    if database == "postgres":
        from tests.project.postgres import socket_directory

        socket_directory()
        yield
        return
    with tempfile.TemporaryDirectory(prefix="matt-benchmarks-") as folder:
        os.environ["BENCHMARKS_SQLITE"] = str(Path(folder) / "benchmarks.sqlite3")
        yield


def _measure_rounds(results: Results, only: list[str], rounds: int, seconds: float) -> None:
    for interface, cases in (("wsgi", SYNC), ("asgi", ASYNC)):
        chosen = [case for case in cases if case in only]
        if not chosen:
            continue
        limits = ["--rounds", f"{rounds}", "--seconds", f"{seconds}"]
        done = 0
        with progress(f"{results.database}, {interface}", rounds * len(chosen)) as tell:
            for line in work(results, "rounds", interface, *limits, "--cases", *chosen):
                if line.get("case") in CASES:
                    done += 1
                    tell(done, line["case"])


def _measure_streams(results: Results, times: int) -> None:
    names = results.to_stream()
    digests: dict[str, str] = {}
    done = 0
    with progress(f"{results.database}, {STREAM}", times * len(names)) as tell:
        for turn in range(times):
            for name in names:
                for line in work(results, "stream", name, *([] if turn else ["--digest"])):
                    digests[name] = line["digest"]
                done += 1
                tell(done, name)
            if len(set(digests.values())) > 1:
                sys.exit(f"Not measured, because not all stacks stream the same: {digests}")


def _measure_serving(results: Results, serving: Serving) -> None:
    stacks = [name for name in STACKS if name not in results.missing]
    with progress(f"{results.database}, served", serving.steps(stacks)) as tell:
        _follow(results, serving, stacks, tell)


def _follow(results: Results, serving: Serving, stacks: list[str], tell: Tell) -> None:
    done = 0
    try:
        for line in serving.run(results.database, stacks):
            results.take(line)
            if "serving" in line:
                done += 1
                tell(done, line["serving"])
    except (LoadError, ServerError) as error:
        sys.exit(f"Not measured behind a server: {error}")


if __name__ == "__main__":
    main()
