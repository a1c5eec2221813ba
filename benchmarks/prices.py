"""``python -m benchmarks.prices``: the CPU time of a request and the memory of an idle stream, by server and application.

A price is the CPU time of the whole server, its own threads included, divided by the requests that h2load made. django-bolt
needs Python 3.12; ``make bench`` installs it into ``.venv-bolt``, and ``measure`` runs there if that exists: all servers
then have one Python and one Django.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.answers import normal
from benchmarks.load import CLIENTS, MISSING, LoadError, is_installed
from benchmarks.results import Results, machine, work
from benchmarks.servers import Server, serve
from benchmarks.stacks import PREFIX
from benchmarks.tables import Table, markdown

__all__ = [
    "ASYNC",
    "CASES",
    "STREAMS",
    "WAYS",
    "Idle",
    "Price",
    "Prices",
    "Way",
    "check",
    "measure",
    "measure_requests",
    "measure_stream",
    "read_prices",
    "requests_table",
    "streams_table",
]

ASYNC = "async/"
"""Before the path of a case: the same by an asynchronous view."""
STACK = "matt"
_ROOT = Path(__file__).resolve().parent.parent
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

    cpu: dict[str, float] = field(default_factory=dict)
    memory: int | None = None
    threads: int = 0


@dataclass(frozen=True)
class Idle:
    """What one of many idle streams costs: bytes of memory; threads and database files of all of them."""

    memory: float
    threads: int
    files: int


@dataclass(kw_only=True)
class Prices:
    """Everything that was measured with one Python: requests by database and way, and idle streams by way."""

    versions: dict[str, str]
    load: float
    requests: dict[str, dict[str, Price]] = field(default_factory=dict)
    streams: dict[str, Idle] = field(default_factory=dict)

    def ratio(self, database: str, case: str, way: str, other: str) -> float:
        """Return how many times the CPU of one way another needs; ``other`` serves the sync view under WSGI."""
        path = case if other == "granian, WSGI" else f"{ASYNC}{case}"
        ways = self.requests[database]
        return ways[way].cpu[f"{ASYNC}{case}"] / ways[other].cpu[path]


WAYS = {
    "granian, WSGI": Way("granian", "wsgi"),
    "granian, Django's ASGI": Way("granian", "asgi"),
    "granian, our ASGI": Way("granian", "asgi", "matt"),
    "uvicorn, Django's ASGI": Way("uvicorn", "asgi"),
    "uvicorn, our ASGI": Way("uvicorn", "asgi", "matt"),
}
if importlib.util.find_spec("django_bolt"):
    WAYS["django-bolt"] = Way("bolt", "asgi", "bolt")
CASES = {"hello": 2_000, "hundred": 800}
"""The paths, each with how many requests make a sample."""


def paths(way: Way) -> list[str]:
    """Return the paths that a way serves: under ASGI the asynchronous ones as well, of django-bolt these alone."""
    prefixes = [""] if way.interface == "wsgi" else ["", ASYNC]
    if way.server == "bolt":
        prefixes = [ASYNC]
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
        if known.setdefault(path.removeprefix(ASYNC), answer) != answer:
            raise LoadError(f"{path} answers {str(answer)[:300]}")


def press(url: str, requests: int) -> None:
    """Make a number of requests; raises ``LoadError`` where one is answered otherwise than by 2xx."""
    command = ["h2load", "--h1", "-t", "1", "-c", f"{CLIENTS}", "-n", f"{requests}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    if f"{requests} 2xx" not in done.stdout:
        raise LoadError(f"{url}: {done.stdout}")


def measure_requests(database: str, rounds: int) -> dict[str, Price]:
    """Return the price of each path in each way; the ways take turns."""
    prices = {title: Price() for title in WAYS}
    known: dict[str, Any] = {}
    for turn in range(rounds):
        for title in reversed(WAYS) if turn % 2 else WAYS:
            way, price = WAYS[title], prices[title]
            with start(way, database) as server:
                check(server, way, known)
                for path in paths(way):
                    number, url = CASES[path.removeprefix(ASYNC)], server.url(PREFIX + path)
                    press(url, WARM_UP)
                    before = server.cpu()
                    press(url, number)
                    spent = (server.cpu() - before) / number
                    price.cpu[path] = min(spent, price.cpu.get(path, spent))
                price.memory, price.threads = server.peak(), server.threads()
        print(f"round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return prices


def measure_stream(title: str) -> Idle:
    """Open idle streams of server-sent events in one way, and return what one of them costs."""
    with start(WAYS[title], "sqlite") as server, ExitStack() as stack:
        press(server.url(f"{PREFIX}{ASYNC}hundred"), WARM_UP)
        threads, memory = server.threads(), server.resident() or 0
        request = f"GET /{PREFIX}{ASYNC}events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
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
        return Idle(
            memory=((server.resident() or 0) - memory) / STREAMS,
            threads=server.threads() - threads,
            files=server.open_files(".sqlite3"),
        )


def requests_table(prices: dict[str, Price]) -> Table:
    """Return the CPU time of a request by way and path, also against the same route under WSGI, and the memory."""
    table = [["server, application", "request", "CPU", "/ sync under WSGI", "memory", "threads"]]
    base = prices["granian, WSGI"].cpu
    for title, price in prices.items():
        for path, cpu in price.cpu.items():
            ratio = cpu / base[path.removeprefix(ASYNC)]
            memory = "-" if price.memory is None else f"{price.memory / 2**20:,.0f} MiB"
            cells = [title, path, f"{cpu * 1e6:,.0f} µs", f"{ratio:.2f}"]
            table.append([*cells, memory, f"{price.threads}"])
    return table


def streams_table(streams: dict[str, Idle]) -> Table:
    """Return what an idle stream costs, by way."""
    table = [["server, application", "memory of each", "more threads", "database files"]]
    for title, idle in streams.items():
        memory = f"{idle.memory / 2**10:,.0f} KiB"
        table.append([title, memory, f"{idle.threads}", f"{idle.files}"])
    return table


def read_prices(text: str) -> Prices:
    """Return what ``--json`` has written."""
    data = json.loads(text)
    requests = {
        database: {title: Price(**price) for title, price in ways.items()}
        for database, ways in data.pop("requests").items()
    }
    streams = {title: Idle(**idle) for title, idle in data.pop("streams").items()}
    return Prices(requests=requests, streams=streams, **data)


def measure(rounds: int, databases: list[str]) -> Prices:
    """Measure in a process of its own, by the Python that has django-bolt if there is one."""
    beside = _ROOT / ".venv-bolt"
    python = f"{beside / 'bin' / 'python'}" if (beside / ".bolt").exists() else sys.executable
    command = [python, "-m", "benchmarks.prices", "--json", "--rounds", f"{rounds}"]
    if "postgres" in databases:
        command.append("--postgres")
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return read_prices(done.stdout)


@contextmanager
def _rows() -> Iterator[None]:
    """Give the servers a file for SQLite's rows."""
    with tempfile.TemporaryDirectory(prefix="matt-prices-") as folder:
        os.environ["BENCHMARKS_SQLITE"] = str(Path(folder) / "rows.sqlite3")
        yield


def _measure(rounds: int, databases: list[str]) -> Prices:
    load = os.getloadavg()[0]
    prices = Prices(versions={}, load=load)
    with _rows():
        for database in databases:
            if database == "postgres":
                from tests.project.postgres import socket_directory

                socket_directory()
            results = Results(database=database, entries=100)
            for _ in work(results, "fill", "--entries", "100"):
                pass
            prices.versions = results.versions
            prices.requests[database] = measure_requests(database, rounds)
        for title, way in WAYS.items():
            if way.interface == "asgi" and way.server != "bolt":
                prices.streams[title] = measure_stream(title)
    return prices


def main() -> None:
    """Measure on SQLite, or on PostgreSQL too, and print tables of Markdown or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prices", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--postgres", action="store_true", help="requests on PostgreSQL too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if not is_installed():
        sys.exit(f"Not measured: {MISSING}.")
    prices = _measure(options.rounds, ["sqlite", *(["postgres"] if options.postgres else [])])
    if options.json:
        print(json.dumps(asdict(prices)))
        return
    print(f"{machine()}; load average of other work {prices.load:.1f}.")
    for database, ways in prices.requests.items():
        print(f"\n{database}\n\n{markdown(requests_table(ways))}")
    print(f"\n{STREAMS:,} idle streams\n\n{markdown(streams_table(prices.streams))}")


if __name__ == "__main__":
    main()
