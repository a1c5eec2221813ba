"""Load on one URL: by h2load if it is installed, otherwise by a client of Python's own, which is slower."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Load", "LoadError", "generator", "press"]

_GRACE = 30
"""Seconds that responses which are under way at the end may take."""
_WARM_UP = 0.5


class LoadError(Exception):
    """The server answered with another status than before, or not at all."""


@dataclass(frozen=True, slots=True)
class Load:
    """Responses a second, and the seconds in which half and 99 of 100 of them were complete."""

    rate: float
    p50: float
    p99: float


def generator() -> str:
    """Return the name of what sends the requests."""
    return "h2load" if shutil.which("h2load") else "Python"


def press(url: str, headers: Mapping[str, str], connections: int, seconds: float) -> Load:
    """Send requests for ``seconds`` from ``connections``, each with one request under way; raise ``LoadError``."""
    send = _by_h2load if generator() == "h2load" else _by_python
    answered = send(url, headers, connections, seconds)
    wrong = sorted({status for status, _ in answered if status != 200})
    if wrong or not answered:
        raise LoadError(f"answered {wrong} under load" if wrong else "did not answer")
    spent = sorted(each for _, each in answered)
    return Load(
        rate=len(spent) / seconds,
        p50=spent[len(spent) // 2],
        p99=spent[min(len(spent) - 1, len(spent) * 99 // 100)],
    )


def _by_h2load(
    url: str, headers: Mapping[str, str], connections: int, seconds: float
) -> list[tuple[int, float]]:
    with tempfile.TemporaryDirectory(prefix="matt-bench-") as folder:
        log = Path(folder) / "log"
        command = ["h2load", "--h1", "-t1", f"-c{connections}", f"-D{round(seconds * 1000)}ms"]
        command += [f"--warm-up-time={round(_WARM_UP * 1000)}ms", f"--log-file={log}"]
        for name, value in headers.items():
            # Its own Host would be sent beside ours: it takes that from HTTP/2's name.
            command += ["-H", f"{':authority' if name == 'Host' else name}: {value}"]
        try:
            subprocess.run(  # noqa: S603 - no shell, and the URL is our own server's
                [*command, url],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds + _GRACE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return []
        lines = log.read_text().splitlines() if log.exists() else []
    rows = (line.split("\t") for line in lines)
    # A request that the end of the run cut short has no status.
    return [(int(status), int(spent) / 1e6) for _, status, spent in rows if status != "0"]


def _by_python(
    url: str, headers: Mapping[str, str], connections: int, seconds: float
) -> list[tuple[int, float]]:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    answered: list[tuple[int, float]] = []

    async def connection(begin: float) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            while (sent := time.perf_counter()) < begin + seconds:
                writer.write(request)
                status = await _read_response(reader)
                if sent >= begin:
                    answered.append((status, time.perf_counter() - sent))
        finally:
            writer.close()

    async def run() -> None:
        begin = time.perf_counter() + _WARM_UP
        async with asyncio.timeout(_WARM_UP + seconds + _GRACE):
            await asyncio.gather(*(connection(begin) for _ in range(connections)))

    try:
        asyncio.run(run())
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        return []
    return answered


async def _read_response(reader: asyncio.StreamReader) -> int:
    """Read one response to its end, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length, chunked = 0, False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = b"chunked" in value
    while chunked:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        await reader.readexactly(size + 2)
        chunked = size > 0
    await reader.readexactly(length)
    return int(head[9:12])
