"""What it costs to send an event to 300 open streams: ours from the event log in PostgreSQL, and Ninja's ``SSE`` from memory.

``python -m benchmarks.realtime`` starts both servers, opens the streams of both, and publishes in turn. It prints medians: the
time until a client has an event, the time from the first client to the last, the CPU time of the server per event, the memory
per stream, and the database connections of the process. Ninja's generators wait for a queue each, so nothing is stored, a client
that was cut off has lost what it missed, and the two do not do the same: the time from the first client to the last is the fan-out.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.ports import free_port

__all__ = ["measure", "serve"]

STREAMS, EVENTS, WARM = 300, 30, 5
KINDS = ("ours", "ninja")
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def serve(kind: str, port: int) -> None:
    """Serve one of the two until the process is ended."""
    import django
    import uvicorn
    from django.conf import settings

    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.events",
            "django_matt.contrib.realtime",
        ],
        MATT_REALTIME={"MAX_STREAMS_PER_USER": STREAMS},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "postgres",
                "HOST": os.environ["BENCHMARK_POSTGRES"],
                "OPTIONS": {"application_name": kind},
            }
        },
    )
    django.setup()
    globals()["urlpatterns"] = _ours() if kind == "ours" else _ninja()
    if kind == "ours":
        from django.core.management import call_command

        from django_matt.asgi import get_asgi_application

        call_command("migrate", verbosity=0)
    else:
        from django.core.asgi import get_asgi_application  # type: ignore[assignment]
    lifespan: Any = "on" if kind == "ours" else "off"
    uvicorn.run(
        get_asgi_application(), port=port, lifespan=lifespan, access_log=False, log_level="warning"
    )


def _ours() -> list[Any]:
    from django.db import transaction
    from django.urls import path

    from django_matt import MattAPI
    from django_matt.contrib.events.schemas import EventSchema
    from django_matt.contrib.events.services import publish
    from django_matt.contrib.realtime import subscribe

    class Numbered(EventSchema, topic="benchmark.numbered"):
        number: int
        text: str

    api = MattAPI()

    @subscribe(api, "/events", item=Numbered)
    def events(request: Any) -> list[str]:
        return ["benchmark.numbered"]

    @api.post("/events")
    def write(request: Any, number: int) -> None:
        with transaction.atomic():
            publish(Numbered(number=number, text="x" * 200))

    return [path("api/", api.urls)]


def _ninja() -> list[Any]:
    from django.urls import path
    from ninja import NinjaAPI, Schema
    from ninja.streaming import SSE

    class Numbered(Schema):
        number: int
        text: str

    api, queues = NinjaAPI(), set[asyncio.Queue[Any]]()

    @api.get("/events", response=SSE[Numbered])
    async def events(request: Any) -> Any:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        queues.add(queue)
        try:
            yield {"number": 0, "text": ""}
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)

    @api.post("/events")
    async def write(request: Any, number: int) -> None:
        for queue in queues:
            queue.put_nowait({"number": number, "text": "x" * 200})

    return [path("api/", api.urls)]


class Clients:
    """The open streams of one server, and when each has received which event."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid
        self.arrived: dict[int, list[float]] = {}
        self.begun = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open all streams, and wait until each has sent something."""
        self.tasks = [asyncio.create_task(self._read()) for _ in range(STREAMS)]
        async with asyncio.timeout(120):
            while self.begun < STREAMS:
                await asyncio.sleep(0.05)

    async def _read(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        is_first = True
        while True:
            text = await reader.readuntil(b"\n\n")
            now = time.perf_counter()
            if is_first:
                is_first = False
                self.begun += 1
            _, found, data = text.partition(b"data: ")
            if found:
                number = json.loads(data)["number"]
                self.arrived.setdefault(number, []).append(now)

    async def publish(self, number: int) -> tuple[float, float]:
        """Publish an event; return the median time until a client had it, and the time from the first to the last."""
        url = f"http://127.0.0.1:{self.port}/api/events?number={number}"
        begun = time.perf_counter()
        request = urllib.request.Request(url, method="POST")
        answer = asyncio.create_task(asyncio.to_thread(urllib.request.urlopen, request))
        async with asyncio.timeout(60):
            while len(self.arrived.get(number, ())) < STREAMS:
                await asyncio.sleep(0.002)
        (await answer).close()
        found = sorted(self.arrived[number])
        return statistics.median(found) - begun, found[-1] - found[0]

    def cpu(self) -> float:
        """Return the CPU seconds of the server."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / _TICKS

    def memory(self) -> int:
        """Return the resident bytes of the server."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE


async def measure(clients: dict[str, Clients]) -> dict[str, dict[str, float]]:
    """Return the figures of each kind."""
    found: dict[str, dict[str, float]] = {}
    for kind, each in clients.items():
        before = each.memory()
        await each.open()
        found[kind] = {"KiB per stream": (each.memory() - before) / STREAMS / 1024}
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in clients}
    cpu = dict.fromkeys(clients, 0.0)
    for number in range(1, WARM + EVENTS + 1):
        for kind, each in clients.items():
            before_cpu = each.cpu()
            took = await each.publish(number)
            if number > WARM:
                times[kind].append(took)
                cpu[kind] += each.cpu() - before_cpu
    for kind in clients:
        found[kind] |= {
            "ms until a client has it": 1e3 * statistics.median(first for first, _ in times[kind]),
            "ms from the first to the last": 1e3
            * statistics.median(spread for _, spread in times[kind]),
            "ms of CPU per event": 1e3 * cpu[kind] / EVENTS,
        }
    for each in clients.values():
        for task in each.tasks:
            task.cancel()
    return found


def _connections(host: str) -> dict[str, int]:
    import psycopg

    with psycopg.connect(host=host, user="postgres", dbname="postgres") as connection:
        query = "SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1"
        return dict(connection.execute(query).fetchall())


async def _run(host: str, ports: dict[str, int], pids: dict[str, int]) -> None:
    clients = {kind: Clients(ports[kind], pids[kind]) for kind in KINDS}
    found = await measure(clients)
    used = await asyncio.to_thread(_connections, host)
    for kind in KINDS:
        found[kind]["database connections"] = used.get(kind, 0)
    for name in found["ours"]:
        ours, ninja = (found[kind][name] for kind in KINDS)
        sys.stdout.write(f"{name:30} ours {ours:8.1f}   Ninja {ninja:8.1f}\n")


def main() -> None:
    """Start both servers, print the figures, and stop them."""
    from tests.e2e.servers import run_postgres, wait_for

    with ExitStack() as stack:
        host = stack.enter_context(run_postgres())
        environment = {**os.environ, "BENCHMARK_POSTGRES": host}
        ports = {kind: free_port() for kind in KINDS}
        pids = {}
        for kind, port in ports.items():
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.realtime", kind, str(port)], env=environment
            )
            stack.callback(process.wait, 30)
            # Ninja's streams do not end when the server is told to stop.
            stack.callback(process.kill)
            pids[kind] = process.pid
            wait_for(process, port, Path(os.devnull))
        asyncio.run(_run(host, ports, pids))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1], int(sys.argv[2]))
    else:
        main()
