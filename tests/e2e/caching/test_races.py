"""Two processes read and write one number: no answer is older than a write that was answered before it was asked for."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.servers import ROOT, create_database
from tests.sampling import is_exhaustive
from tests.sign_in.rate_limits.redis_servers import RedisServer, run_redis

READS = 5_000 if is_exhaustive() else 1_000
"""Of each of two processes."""


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with run_redis() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    return make_database(request, request.param, tmp_path)


def make_database(request: Any, kind: str, folder: Path) -> dict[str, Any]:
    if kind == "postgres":
        host = request.getfixturevalue("postgres_host")
        name = f"race_{os.getpid()}_{abs(hash(folder))}"
        create_database(host, name)
        engine = "django.db.backends.postgresql"
        return {
            "ENGINE": engine,
            "HOST": host,
            "NAME": name,
            "USER": "postgres",
            "CONN_MAX_AGE": 60,
        }
    options = {
        "timeout": 60,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL",
    }
    name = str(folder / "db.sqlite3")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
    }


def redis_cache(server: RedisServer, folder: Path) -> dict[str, Any]:
    backend = "django.core.cache.backends.redis.RedisCache"
    return {"BACKEND": backend, "LOCATION": server.url, "KEY_PREFIX": folder.name}


LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


def environment(
    database: dict[str, Any], cache: dict[str, Any], folder: Path, **more: str
) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "RACE_DATABASE": json.dumps(database),
        "RACE_CACHE": json.dumps(cache),
        "RACE_FILE": str(folder / "answered"),
        **more,
    }


def start(given: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.e2e.caching.racing", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def create_table(given: dict[str, str]) -> None:
    process = start(given, "create")
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 0, errors


def race(given: dict[str, str], reads: int = READS) -> dict[str, int]:
    create_table(given)
    processes = [start(given, "race", str(slot), str(reads)) for slot in range(2)]
    found: dict[str, int] = {}
    for process in processes:
        output, errors = process.communicate(timeout=280)
        assert process.returncode == 0, errors
        for name, number in json.loads(output).items():
            found[name] = found.get(name, 0) + number
    return found


@pytest.mark.parametrize(
    ("kind", "cache", "reads"),
    # In the second, the processes wait for the lock of SQLite most of the time.
    [
        ("sqlite", "locmem", READS),
        ("sqlite", "redis", READS // 10),
        ("postgres", "redis", READS),
    ],
)
def test_of_thousands_of_answers_none_is_older_than_an_answered_write(
    request: Any, redis_server: RedisServer, tmp_path: Path, kind: str, cache: str, reads: int
):
    database = make_database(request, kind, tmp_path)
    chosen = LOCMEM if cache == "locmem" else redis_cache(redis_server, tmp_path)
    found = race(environment(database, chosen, tmp_path), reads)
    assert found["reads"] == 2 * reads
    assert found["older"] == 0, found
    assert found["writes"] > reads // 100
    assert found["views"] < found["reads"], found


def test_the_usual_deletion_after_save_serves_older_answers_here(
    database: dict[str, Any], redis_server: RedisServer, tmp_path: Path
):
    cache = redis_cache(redis_server, tmp_path)
    found = race(environment(database, cache, tmp_path, RACE_SCHEME="signals"), 400)
    assert found["older"] > 0


KILLS = 5


class Asked:
    """A process that answers lines."""

    def __init__(self, given: dict[str, str], verb: str) -> None:
        command = [sys.executable, "-m", "tests.e2e.caching.racing", verb]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=given, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, line: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> "Asked":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("kind", "cache", "strict"),
    [("sqlite", "locmem", False), ("sqlite", "redis", True), ("postgres", "redis", True)],
)
def test_after_a_process_has_died_between_its_commit_and_the_renewal_nothing_older_is_served(
    request: Any, redis_server: RedisServer, tmp_path: Path, kind: str, cache: str, strict: bool
):
    database = make_database(request, kind, tmp_path)
    chosen = LOCMEM if cache == "locmem" else redis_cache(redis_server, tmp_path)
    given = environment(database, chosen, tmp_path, RACE_STRICT="1" if strict else "")
    create_table(given)
    with Asked(given, "read") as reader, Asked(given, "kill") as killer:
        for number in range(KILLS):
            reader.ask("tokens")
            assert reader.ask("tokens") == [number, True]
            assert killer.ask("now") == -9
            assert reader.ask("tokens")[0] == number + 1
            if strict:
                assert reader.ask("tokens") == [number + 1, False], "it is marked"
                # The mark ends by itself after a minute.
                reader.ask("forget matt-caching:m:auth_group")
                assert reader.ask("tokens")[0] == number + 1


def test_without_strict_what_is_older_then_is_served_for_the_seconds_of_the_route_at_most(
    request: Any, redis_server: RedisServer, tmp_path: Path
):
    database = make_database(request, "postgres", tmp_path)
    given = environment(database, redis_cache(redis_server, tmp_path), tmp_path)
    create_table(given)
    with Asked(given, "read") as reader, Asked(given, "kill") as killer:
        reader.ask("short")
        assert killer.ask("now") == -9
        assert reader.ask("short")[0] in (0, 1)
        time.sleep(1.1)
        assert reader.ask("short")[0] == 1
