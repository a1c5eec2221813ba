"""``python -m benchmarks.prices``: what a request and an idle stream cost a server, sync and async, by server and application.

``django-bolt`` is measured beside them where it is installed (Python 3.12 or newer, ``pip install django-bolt``). A price is CPU time of the whole server, its own threads included, divided by the requests that h2load made.
"""

import argparse
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.answers import normal
from benchmarks.load import CLIENTS, MISSING, LoadError, is_installed
from benchmarks.results import Results, machine, work
from benchmarks.servers import Server, serve
from benchmarks.stacks import PREFIX
from benchmarks.tables import Table, markdown

__all__ = ["CASES", "WAYS", "Price", "Way", "check", "measure_requests", "measure_streams"]

STACK = "matt"
STREAMS = 1_000
WARM_UP = 300


@dataclass(frozen=True)
class Way:
    """A server and the application in it."""

    server: str
    interface: str
    handler: str = "django"


@dataclass
class Price:
    """The least CPU seconds of a request, by path; memory and threads of the server after them."""

    cpu: dict[str, float]
    memory: int | None = None
    threads: int = 0


WAYS = {
    "granian, WSGI": Way("granian", "wsgi"),
    "granian, Django's ASGI": Way("granian", "asgi"),
    "granian, our ASGI": Way("granian", "asgi", "matt"),
    "uvicorn, Django's ASGI": Way("uvicorn", "asgi"),
    "uvicorn, our ASGI": Way("uvicorn", "asgi", "matt"),
}
if importlib.util.find_spec("django_bolt"):
    WAYS["django-bolt"] = Way("bolt", "asgi", "bolt")
CASES = {"hello": 4_000, "hundred": 1_500}
"""The paths, each with how many requests make a sample."""


def paths(way: Way) -> list[str]:
    """Return the paths that a way serves: under ASGI the asynchronous ones as well, of django-bolt these alone."""
    prefixes = [""] if way.interface == "wsgi" else ["", "async/"]
    if way.server == "bolt":
        prefixes = ["async/"]
    return [f"{prefix}{case}" for case in CASES for prefix in prefixes]


def start(way: Way, database: str) -> Any:
    """Serve MattAPI's stack in one way."""
    return serve(
        STACK,
        way.interface,
        database,
        PREFIX + paths(way)[0],
        server=way.server,
        handler=way.handler,
    )


def check(server: Server, way: Way, known: dict[str, Any]) -> None:
    """Raise ``LoadError`` unless every path answers what the same case has answered elsewhere."""
    for path in paths(way):
        with urllib.request.urlopen(server.url(PREFIX + path), timeout=30) as response:
            answer = normal(json.load(response))
        if known.setdefault(path.removeprefix("async/"), answer) != answer:
            raise LoadError(f"{path} answers {str(answer)[:300]}")


def press(url: str, requests: int) -> None:
    """Make a number of requests; raises ``LoadError`` where one is answered otherwise than by 2xx."""
    command = ["h2load", "--h1", "-t", "1", "-c", f"{CLIENTS}", "-n", f"{requests}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    if f"{requests} 2xx" not in done.stdout:
        raise LoadError(f"{url}: {done.stdout}")


def measure_requests(database: str, rounds: int) -> dict[str, Price]:
    """Return the price of each path in each way; the ways take turns."""
    prices = {title: Price({}) for title in WAYS}
    known: dict[str, Any] = {}
    for turn in range(rounds):
        for title in reversed(WAYS) if turn % 2 else WAYS:
            way, price = WAYS[title], prices[title]
            with start(way, database) as server:
                check(server, way, known)
                for path in paths(way):
                    number, url = CASES[path.removeprefix("async/")], server.url(PREFIX + path)
                    press(url, WARM_UP)
                    before = server.cpu()
                    press(url, number)
                    spent = (server.cpu() - before) / number
                    price.cpu[path] = min(spent, price.cpu.get(path, spent))
                price.memory, price.threads = server.peak(), server.threads()
        print(f"round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return prices


def measure_streams(title: str) -> list[str]:
    """Open idle streams of server-sent events in one way; return a row of the table of streams."""
    with start(WAYS[title], "sqlite") as server, ExitStack() as stack:
        press(server.url(f"{PREFIX}async/hundred"), WARM_UP)
        threads, memory = server.threads(), server.resident() or 0
        request = f"GET /{PREFIX}async/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        probes = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            for _ in range(STREAMS)
        ]
        for probe in probes:
            probe.sendall(request)
        for probe in probes:
            probe.settimeout(60)
            text = b""
            while b"data: " not in text:
                part = probe.recv(4096)
                if not part:
                    raise LoadError(f"a stream ended: {text!r}")
                text += part
        grown = ((server.resident() or 0) - memory) / STREAMS / 2**10
        more = server.threads() - threads
        files = server.open_files(".sqlite3")
    return [title, f"{grown:,.0f} KiB", f"{more}", f"{files}"]


def requests_table(prices: dict[str, Price]) -> Table:
    """Return CPU time of a request by way and path, also against the same route under WSGI, and memory."""
    table = [["server, application", "request", "CPU", "/ sync under WSGI", "memory", "threads"]]
    base = prices["granian, WSGI"].cpu
    for title, price in prices.items():
        for path, cpu in price.cpu.items():
            ratio = cpu / base[path.removeprefix("async/")]
            memory = "-" if price.memory is None else f"{price.memory / 2**20:,.0f} MiB"
            cells = [title, path, f"{cpu * 1e6:,.0f} µs", f"{ratio:.2f}"]
            table.append([*cells, memory, f"{price.threads}"])
    return table


def main() -> None:
    """Measure on SQLite, or on PostgreSQL too, and print tables of Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prices", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--postgres", action="store_true", help="requests on PostgreSQL too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if not is_installed():
        sys.exit(f"Not measured: {MISSING}.")
    print(f"{machine()}; load average of other work {os.getloadavg()[0]:.1f}.")
    with tempfile.TemporaryDirectory(prefix="matt-prices-") as folder:
        os.environ["BENCHMARKS_SQLITE"] = str(Path(folder) / "rows.sqlite3")
        for database in ["sqlite", *(["postgres"] if options.postgres else [])]:
            if database == "postgres":
                from tests.project.postgres import socket_directory

                socket_directory()
            for _ in work(Results(database=database, entries=100), "fill", "--entries", "100"):
                pass
            prices = measure_requests(database, options.rounds)
            print(f"\n{database}\n\n{markdown(requests_table(prices))}", flush=True)
        header = [f"{STREAMS:,} idle streams", "memory of each", "threads more", "database files"]
        asgi = [
            title
            for title, way in WAYS.items()
            if way.handler in ("django", "matt") and way.interface == "asgi"
        ]
        print(f"\n{markdown([header, *map(measure_streams, asgi)])}")


if __name__ == "__main__":
    main()
