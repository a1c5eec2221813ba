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
from benchmarks.prices import STREAMS, requests_table, streams_table
from benchmarks.prices import measure as measure_prices
from benchmarks.progress import Tell, progress
from benchmarks.results import Results, work
from benchmarks.servers import ServerError
from benchmarks.serving import SERVED, Serving
from benchmarks.stacks import STACKS
from benchmarks.startup import ROUTES, measure_all, startup_table
from benchmarks.tables import print_results, print_table
from benchmarks.whole import Whole, keep, resume

DATABASE_PARTS = ["rounds", "stream", "serving"]
PARTS = [*DATABASE_PARTS, "startup", "prices"]


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured."""

    rounds: int
    seconds: float
    """No round begins after so long, however few there were; for each interface."""
    entries: int
    streams: int
    serving: Serving
    starts: int
    """How often each stack is started."""
    prices: int
    """Rounds of the price of a request; with 0 there are none."""


THOROUGH = Extent(
    rounds=50,
    seconds=120,
    entries=100_000,
    streams=2,
    serving=Serving(seconds=1.5, rounds=2, cases=SERVED),
    starts=3,
    prices=3,
)
QUICK = Extent(
    rounds=6,
    seconds=15,
    entries=20_000,
    streams=1,
    serving=Serving(seconds=1, rounds=1, cases={"wsgi": ["flat"]}),
    starts=1,
    prices=0,
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
    parser.add_argument(
        "--resume", action="store_true", help="go on with a run of this code that was stopped"
    )
    options = parser.parse_args()
    # A run that is stopped, by timeout(1) for one, still stops its servers and removes its files.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    extent, parts = QUICK if options.quick else THOROUGH, list(options.part)
    rounds = options.rounds or extent.rounds
    if "serving" in parts and not is_installed():
        print(f"The stacks are not measured behind a server: {MISSING}.", file=sys.stderr)
        parts.remove("serving")
    if "prices" in parts and (not extent.prices or not is_installed()):
        parts.remove("prices")
    databases = ["sqlite", *(["postgres"] if options.postgres else [])]
    whole = Whole(databases=[Results(database=each, entries=extent.entries) for each in databases])
    if options.resume:
        try:
            whole = resume()
        except ValueError as error:
            parser.error(f"--resume: {error}.")
    wanted = [part for part in parts if part in DATABASE_PARTS]
    for results in whole.databases:
        left = [part for part in wanted if f"{results.database} {part}" not in whole.done]
        for part in _measure_database(results, left, options.only, rounds, extent):
            keep(whole, f"{results.database} {part}")
        print_results(results)
    if "startup" in parts:
        if "startup" not in whole.done:
            whole.started = measure_all(ROUTES, extent.starts)
            keep(whole, "startup")
        print_table(f"start-up with {ROUTES} routes", startup_table(whole.started))
    if "prices" in parts:
        if whole.prices is None:
            whole.prices = measure_prices(extent.prices, databases)
            keep(whole, "prices")
        for database, ways in whole.prices.requests.items():
            print_table(f"{database}: CPU of a server for a request", requests_table(ways))
        print_table(f"{STREAMS:,} idle streams", streams_table(whole.prices.streams))
    if options.write:
        from benchmarks.page import write

        command = f"python -m benchmarks {' '.join(sys.argv[1:])}".strip()
        write(whole, command, extent.serving)


def _measure_database(
    results: Results, parts: list[str], only: list[str], rounds: int, extent: Extent
) -> Iterator[str]:
    """Measure the parts on one database, and yield the name of each once it is complete."""
    if not parts:
        return
    with _database(results.database):
        for _ in work(results, "fill", "--entries", f"{extent.entries}"):
            pass
        for part in parts:
            if part == "rounds":
                _measure_rounds(results, only, rounds, extent.seconds)
            elif part == "stream":
                _measure_streams(results, extent.streams)
            else:
                _measure_serving(results, extent.serving)
            yield part


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
