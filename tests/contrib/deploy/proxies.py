"""A small proxy that does what the written Caddyfile asks for, and a load that counts what fails."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["Load", "Proxy", "request"]

HOST = "shop.example.com"
HEALTH = "/api/health/ready"
_NUMBERS = itertools.count()
"""Each item gets a name of its own."""


async def request(port: int, method: str, path: str, data: Any = None) -> tuple[int, bytes]:
    """Send a request over a connection of its own, and return the status and the body."""
    body = b"" if data is None else json.dumps(data).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    answer = await exchange(port, head.encode() + body)
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split()[1]), rest.partition(b"\r\n\r\n")[2]


async def exchange(port: int, sent: bytes) -> bytes:
    """Send bytes and return all that comes back. Raises ``OSError``, ``EOFError`` if nothing did."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        answer = await reader.read()
        while chunk := await reader.read():
            answer += chunk
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if not answer:
        raise EOFError
    return answer


class Proxy:
    """Sends requests to the copies that are healthy, in turn; one that no copy took is sent again."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.used = set(ports)
        """Those that a release lets requests be sent to."""
        self.healthy: set[int] = set()
        self.turns = itertools.cycle(ports)
        self.port = 0

    async def serve(self, run: Callable[[], Awaitable[None]]) -> None:
        """Serve while ``run`` runs."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        watching = [asyncio.create_task(self._watch(port)) for port in self.ports]
        try:
            async with server:
                await run()
        finally:
            for task in watching:
                task.cancel()

    async def _watch(self, port: int) -> None:
        while True:
            try:
                status, _ = await request(port, "GET", HEALTH)
            except (OSError, EOFError, ValueError, IndexError):
                status = 0
            (self.healthy.add if status == 200 else self.healthy.discard)(port)
            await asyncio.sleep(0.5)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        sent = head + await reader.readexactly(length)
        answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
        give_up = asyncio.get_running_loop().time() + 15
        while asyncio.get_running_loop().time() < give_up:
            able = self.healthy & self.used
            port = next((each for each in itertools.islice(self.turns, 2) if each in able), 0)
            try:
                if port:
                    answer = await exchange(port, sent)
                    break
            except ConnectionRefusedError:
                # Nobody has read it, so whatever it is may be sent again.
                self.healthy.discard(port)
            except (OSError, EOFError):
                self.healthy.discard(port)
                if not sent.startswith(b"GET"):
                    break
            await asyncio.sleep(0.25 if not port else 0)
        writer.write(answer)
        with suppress(OSError):
            await writer.drain()
        writer.close()


class Load:
    """Requests at a fixed rate, whether or not the ones before have been answered."""

    def __init__(self, port: int, per_second: float) -> None:
        self.port = port
        self.per_second = per_second
        self.statuses: Counter[int] = Counter()
        self.failed: list[str] = []
        self.slowest = 0.0
        self._ends = False

    async def run(self) -> None:
        """Send until ``end()``, and wait for all answers."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in itertools.count():
                if self._ends:
                    break
                group.create_task(self._one())
                await asyncio.sleep(max(0, begin + (number + 1) / self.per_second - loop.time()))

    def end(self) -> None:
        """Send no more."""
        self._ends = True

    async def _one(self) -> None:
        number = next(_NUMBERS)
        # One of five writes.
        method, path, data = "GET", "/api/items", None
        if number % 5 == 0:
            method, data = "POST", {"name": f"Lamp {self.port}-{number}", "price": "9.90"}
        begin = asyncio.get_running_loop().time()
        try:
            status, body = await request(self.port, method, path, data)
        except (OSError, EOFError) as error:
            self.failed.append(f"{method} {number}: {error!r}")
            return
        self.slowest = max(self.slowest, asyncio.get_running_loop().time() - begin)
        self.statuses[status] += 1
        if status not in {200, 201}:
            self.failed.append(f"{method} {number}: {status} {body[:300]!r}")
