"""A small reverse proxy that strips a path prefix, for HTTP and WebSockets alike: it forwards bytes."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PREFIX = b"/shop"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@contextmanager
def proxy(port: int, how: str) -> Iterator[int]:
    """Forward ``/shop/…`` to ``/…`` of a port; ``how`` is ``setting`` or ``header`` (X-Forwarded-Prefix)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await forward(reader, writer)
        finally:
            # A browser also opens connections that it does not use.
            writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            line, _, rest = head.partition(b"\r\n")
            line = line.replace(b" " + PREFIX, b" ", 1)
            more = b"X-Forwarded-Prefix: " + PREFIX + b"\r\n" if how == "header" else b""
            if b"upgrade: websocket" not in rest.lower():
                # One request a connection: the next one's path would go unchanged.
                rest = re.sub(rb"(?i)connection: [^\r]*\r\n", b"", rest)
                more += b"Connection: close\r\n"
            there, back = await asyncio.open_connection("127.0.0.1", port)
            back.write(line + b"\r\n" + more + rest)
            await asyncio.gather(pump(reader, back), pump(there, writer))

    started: list[int] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def main() -> asyncio.Server:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        started.append(server.sockets[0].getsockname()[1])
        ready.set()
        return server

    def run() -> None:
        server = loop.run_until_complete(main())
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        # What was closed is let go of in the loop's next step.
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
