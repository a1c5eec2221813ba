"""One database, one process: fills or measures, and prints JSON lines for ``python -m benchmarks`` to read."""

import argparse
import gc
import hashlib
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["main"]

PACKAGES = (
    "django",
    "django-matt",
    "django-ninja",
    "django-ninja-extra",
    "djangorestframework",
    "django-modern-rest",
    "pydantic",
    "orjson",
    "msgspec",
    "psycopg",
    "granian",
)


def say(**line: Any) -> None:
    """Print one line for the parent."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Do one job on the chosen database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=["sqlite", "postgres"])
    jobs = parser.add_subparsers(dest="job", required=True)
    jobs.add_parser("fill").add_argument("--entries", type=int, required=True)
    rounds = jobs.add_parser("rounds")
    rounds.add_argument("interface", choices=["wsgi", "asgi"])
    rounds.add_argument("--cases", nargs="+", required=True)
    rounds.add_argument("--rounds", type=int, required=True, help="at most as many")
    rounds.add_argument("--seconds", type=float, required=True, help="none begins after so long")
    stream = jobs.add_parser("stream")
    stream.add_argument("stack")
    stream.add_argument("--digest", action="store_true", help="answer once more, to compare it")
    options = parser.parse_args()
    os.environ["BENCHMARKS_DATABASE"] = options.database
    os.environ["BENCHMARKS_INTERFACE"] = getattr(options, "interface", "wsgi")
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from django.db import connection

    from benchmarks.measuring import DifferentAnswersError

    try:
        if options.job == "fill":
            _fill(options.entries)
        elif options.job == "rounds":
            _measure_rounds(options.cases, options.rounds, options.seconds, options.interface)
        else:
            _measure_stream(options.stack, options.digest)
    except DifferentAnswersError as error:
        sys.exit(f"Not measured, because not all stacks answer the same. {error}")
    connection.close()


def _fill(entries: int) -> None:
    from django.db import connection

    from benchmarks.data import fill
    from benchmarks.stacks import STACKS, load
    from django_matt.serialization.encoders import COMPILED

    fill(entries)
    for name in STACKS:
        try:
            load(name)
        except ImportError as error:
            say(missing=name, why=str(error))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version"
        )
        server = cursor.fetchone()[0]
    say(versions=_versions(), compiled=COMPILED, server=f"{connection.display_name} {server}")


def _measure_rounds(cases: list[str], rounds: int, seconds: float, interface: str) -> None:
    from django.db import connection

    from benchmarks.cases import CASES
    from benchmarks.drivers import driver_runs
    from benchmarks.encoding import encoding_runs, raw_runs
    from benchmarks.measuring import take_turns

    stacks = _stacks()
    drivers = driver_runs() if interface == "wsgi" else {}
    turns = {}
    for case in cases:
        stacks.check(case)
        runs = {**stacks.runs(case), **drivers.get(case, {})}
        turns[case] = take_turns(runs, CASES[case].times)
    if "instances" in cases and connection.vendor == "sqlite":
        turns["encoding"] = take_turns(encoding_runs(), 1)
    if "flat" in cases:
        turns["raw"] = take_turns(raw_runs(), 1)
    # One round of every case after the other: a busy minute of the machine then spoils no case's every round.
    until = time.monotonic() + seconds
    for done in range(1, rounds + 1):
        for case, turn in turns.items():
            say(case=case, best=next(turn), rounds=done)
            _wait_for_quiet()
        if time.monotonic() > until:
            break


def _measure_stream(stack: str, digested: bool) -> None:
    """Measure the one long answer in this process, which serves nothing else: memory that was used stays so."""
    from benchmarks.answers import normal
    from benchmarks.cases import STREAM
    from benchmarks.memory import peak, reset_peak

    stacks = _stacks([stack])
    stacks.runs("flat")[stack](2)
    gc.collect()
    before, size, first = reset_peak(), 0, 0
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for part in stacks.stream(stack, STREAM):
        first = first or time.perf_counter_ns() - wall
        size += len(part)
    spent = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
    after = peak()
    digest = None
    if digested:
        body = normal(json.loads(b"".join(stacks.stream(stack, STREAM))))
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    say(
        stream=stack,
        cpu=spent[0] / 1e9,
        wall=spent[1] / 1e9,
        first=first / 1e9,
        grown=None if before is None or after is None else after - before,
        size=size,
        digest=digest,
    )


def _stacks(names: list[str] | None = None) -> Any:
    from benchmarks.measuring import Stacks
    from benchmarks.stacks import STACKS, load

    urlconfs = {}
    for name in names or STACKS:
        try:
            urlconfs[name] = load(name)
        except ImportError:
            continue
    return Stacks(urlconfs)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _wait_for_quiet() -> None:
    """Wait a little where others keep the machine busy: a sample that is interrupted says nothing."""
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        time.sleep(0.05)


if __name__ == "__main__":
    main()
