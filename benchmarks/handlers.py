"""Requests through Django's own handlers, in this process and without a server."""

import asyncio
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started

from benchmarks.cases import Case
from benchmarks.stacks import PREFIX

__all__ = ["Answer", "Handlers"]

Answer = tuple[int, bytes]
_HEADERS = {
    "Host": "127.0.0.1:8000",
    "User-Agent": "benchmarks",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}


class Handlers:
    """The WSGI and the ASGI handler of the project, and a loop for the latter."""

    def __init__(self) -> None:
        """Make both handlers; ``django.setup()`` has run."""
        self._wsgi = WSGIHandler()
        self._asgi = ASGIHandler()
        self._loop = asyncio.new_event_loop()

    def prepare(self, case: Case) -> Callable[[int], Answer]:
        """Return what makes the case's request a number of times and returns the last status and body."""
        if case.handler == "wsgi":
            return self._prepare_wsgi(case)
        one = self._prepare_asgi(case) if case.handler == "asgi" else self._prepare_view(case)

        async def repeat(times: int) -> Answer:
            for _ in range(times):
                answer = await one()
            return answer

        def run(times: int) -> Answer:
            if case.database:
                return self._loop.run_until_complete(repeat(times))
            # Django's handlers of these signals close database connections in another thread, at twice the cost of
            # all the rest.
            kept = request_started.receivers, request_finished.receivers
            request_started.receivers, request_finished.receivers = [], []
            try:
                return self._loop.run_until_complete(repeat(times))
            finally:
                request_started.receivers, request_finished.receivers = kept

        return run

    def stream(self, case: Case) -> Iterator[bytes]:
        """Yield the parts of one answer as a WSGI server would take them, and let go of each."""
        response = self._wsgi({**_environ(case), "wsgi.input": BytesIO()}, lambda *_: None)
        yield from response
        response.close()

    def _prepare_wsgi(self, case: Case) -> Callable[[int], Answer]:
        environ = _environ(case)
        handler, body, statuses, paths = self._wsgi, case.body, [""], case.paths()

        def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
            statuses[0] = status

        def run(times: int) -> Answer:
            for _ in range(times):
                path = f"/{PREFIX}{next(paths)}"
                request = {**environ, "PATH_INFO": path, "wsgi.input": BytesIO(body)}
                response = handler(request, start_response)
                content = b"".join(response)
                response.close()
            return int(statuses[0][:3]), content

        return run

    def _prepare_asgi(self, case: Case) -> Callable[[], Any]:
        handler, scope, forever = self._asgi, _scope(case), self._loop.create_future()
        paths = case.paths()

        async def one() -> Answer:
            sent: list[dict[str, Any]] = []
            received = iter([{"type": "http.request", "body": case.body, "more_body": False}])

            async def receive() -> dict[str, Any]:
                for message in received:
                    return message
                return await asyncio.shield(forever)

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            path = f"/{PREFIX}{next(paths)}"
            await handler({**scope, "path": path, "raw_path": path.encode()}, receive, send)
            return sent[0]["status"], b"".join(message["body"] for message in sent[1:])

        return one

    def _prepare_view(self, case: Case) -> Callable[[], Any]:
        handler, scope = self._asgi, _scope(case)

        async def one() -> Answer:
            request = ASGIRequest({**scope}, BytesIO(case.body))
            response = await handler.get_response_async(request)
            return response.status_code, response.content

        return one


def _environ(case: Case) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": case.method,
        "PATH_INFO": f"/{PREFIX}{case.path}",
        "SCRIPT_NAME": "",
        "QUERY_STRING": case.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in _HEADERS.items()},
    }
    if case.body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(case.body))}
    return environ


def _scope(case: Case) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": case.method,
        "scheme": "http",
        "path": f"/{PREFIX}{case.path}",
        "raw_path": f"/{PREFIX}{case.path}".encode(),
        "root_path": "",
        "query_string": case.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
