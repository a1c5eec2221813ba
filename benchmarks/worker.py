"""One database, one process: measures and prints JSON lines for ``python -m benchmarks`` to read."""

import argparse
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
)


def say(**line: Any) -> None:
    """Print one line for the parent."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Measure the chosen cases on the chosen database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=["sqlite", "postgres"])
    parser.add_argument("--cases", nargs="+", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    os.environ["BENCHMARKS_DATABASE"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from django.db import connection

    from benchmarks.data import fill
    from benchmarks.measuring import DifferentAnswersError, Stacks
    from benchmarks.stacks import STACKS, load
    from django_matt.serialization.encoders import COMPILED

    fill()
    urlconfs = {}
    for name in STACKS:
        try:
            urlconfs[name] = load(name)
        except ImportError as error:
            say(missing=name, why=str(error))
    stacks = Stacks(urlconfs)
    try:
        for case in options.cases:
            stacks.check(case)
    except DifferentAnswersError as error:
        sys.exit(f"Not measured, because not all stacks answer the same. {error}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version"
        )
        server = cursor.fetchone()[0]
    say(versions=_versions(), compiled=COMPILED, server=f"{connection.display_name} {server}")
    # One round of every case after the other: a busy minute of the machine then spoils no case's every round.
    measured = {case: stacks.measure(case, options.rounds) for case in options.cases}
    for _ in range(options.rounds):
        for case, rounds in measured.items():
            say(case=case, best=next(rounds))
            _wait_for_quiet()
    if "flat" in options.cases:
        say(memory=stacks.memory("flat"))
    connection.close()


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
