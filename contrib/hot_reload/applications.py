"""An ASGI application in front of the project's own. It serves the WebSocket, the script and the overlay."""

import logging
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

import django_matt
from django_matt.contrib.hot_reload.addresses import (
    FOLDER,
    is_allowed_host,
    is_allowed_origin,
    name_of,
    prefix_of,
)
from django_matt.contrib.hot_reload.broadcasters import (
    MAX_SOCKETS,
    Broadcaster,
    Receive,
    Scope,
    Send,
)
from django_matt.contrib.hot_reload.failures import describe, render
from django_matt.contrib.hot_reload.static_files import IS_ASSET
from django_matt.lifespans import LifespanError
from django_matt.pages import STRICT_CSP

__all__ = ["ReloadApplication"]

logger = logging.getLogger("django.server")

_ASSETS = {
    "reload.js": Path(__file__).parent / "static" / "matt_hot_reload" / "reload.js",
    **{
        name: Path(django_matt.__file__).parent / "static" / "matt" / name
        for name in ("matt.css", "matt.js", "matt.svg")
    },
}
_CSP = STRICT_CSP.replace("frame-ancestors 'none'", "frame-ancestors 'self'; connect-src 'self'")


class ReloadApplication:
    """Serves ``…/__matt__/…``, and passes all other requests on to the project's application.

    If the project did not start there is no application, and every response is the failure. ``error`` is the exception
    with which the application's lifespan failed.
    """

    def __init__(
        self,
        application: object,
        hub: Broadcaster,
        *,
        hosts: list[str],
        origins: list[str],
        script_name: str = "",
    ) -> None:
        """Take the project's application, an ASGI 3 callable, or ``None`` if the project did not start."""
        self._application = application
        self._hub = hub
        self._hosts = hosts
        self._origins = origins
        self._script_name = script_name
        self.error: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a path of hot reload, or call the application."""
        kind = scope["type"]
        name = name_of(scope["path"]) if kind in {"http", "websocket"} else None
        if kind == "websocket" and name == "reload":
            await self._attend(scope, receive, send)
        elif kind == "http" and name is not None:
            await self._serve(name, scope, send)
        elif self._application is None:
            await self._fail(scope, receive, send)
        elif kind == "lifespan":
            await self._live(scope, receive, send)
        elif kind == "http":
            await self._pass(scope, receive, send)
        else:
            await self._application(scope, receive, send)  # type: ignore[operator]

    async def _attend(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        allowed = is_allowed_origin(_headers(scope), self._hosts, self._origins)
        if not allowed or self._hub.listeners >= MAX_SOCKETS:
            # Closing a socket before it is accepted sends a 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept"})
        await self._hub.attend(receive, send)

    async def _serve(self, name: str, scope: Scope, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, b"Method Not Allowed", {"allow": "GET, HEAD"})
            return
        if name == "failure":
            given = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=None)
            await self._show((given.get("id") or [""])[0], 200, scope, send)
            return
        file = _ASSETS.get(name)
        if file is None:
            await _answer(send, 404, b"Not Found", {})
            return
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        await _answer(send, 200, file.read_bytes(), {"content-type": f"{kind}; charset=utf-8"})

    async def _show(self, key: str, status: int, scope: Scope, send: Send) -> None:
        headers = _headers(scope)
        failure = self._hub.failure(key)
        if failure is None or not is_allowed_host(headers.get("host", ""), self._hosts):
            await _answer(send, 404, b"Not Found", {})
            return
        if status >= 500 and "text/html" not in headers.get("accept", ""):
            text = f"The server did not start.\n\n{failure.text}".encode()
            await _answer(send, status, text, {})
            return
        script_name = self._script_name or scope.get("root_path", "")
        content = render(
            failure,
            folder=prefix_of(script_name, headers.get("x-forwarded-prefix", "")) + FOLDER,
            version=self._hub.version,
            standing=status >= 500,
        )
        policy = {"content-security-policy": _CSP, "content-type": "text/html; charset=utf-8"}
        await _answer(send, status, content, policy)

    async def _fail(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._show(self._hub.standing or "", 500, scope, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013})
        else:
            raise NotImplementedError("there is no application")

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application's lifespan, and note its failure.

        An application without a lifespan raises before it receives anything, which is not a failure.
        """
        asked = told = False

        async def ask() -> object:
            nonlocal asked
            asked = True
            return await receive()

        async def tell(message: Mapping[str, object]) -> None:
            nonlocal told
            told = str(message["type"]).endswith(".failed")
            if message["type"] == "lifespan.startup.failed" and self.error is None:
                said = str(message.get("message") or "The lifespan of the application failed.")
                self.error = RuntimeError(said)
            await send(dict(message))

        try:
            await self._application(scope, ask, tell)  # type: ignore[operator]
        except Exception as error:
            if asked:
                # The exception says more than the message that some applications send before they raise.
                self.error = error.__cause__ if isinstance(error, LifespanError) else error
                if not told:
                    await send({"type": "lifespan.startup.failed", "message": ""})
            raise

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        # 0 until there is a response. A request whose client left before that writes no line.
        status, size = 0, 0

        async def count(message: Mapping[str, object]) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = int(str(message["status"]))
            else:
                size += len(message.get("body", b""))  # type: ignore[arg-type]
            await send(dict(message))

        try:
            await self._application(scope, receive, count)  # type: ignore[operator]
        except Exception as error:
            # Django handles its own exceptions; this one comes from an application around it.
            self._hub.fail(describe(error))
            status = status or 500
            raise
        finally:
            if status >= (400 if scope.get(IS_ASSET) else 1):
                _log(scope, status, size)


def _log(scope: Scope, status: int, size: int) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    path = scope["path"].encode("unicode_escape").decode("ascii") + (f"?{query}" if query else "")
    level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
    line = f"{scope['method']} {path[:2_000]} HTTP/{scope.get('http_version', '1.1')}"
    logger.log(level, '"%s" %s %s', line, status, size, extra={"status_code": status})


def _headers(scope: Scope) -> dict[str, str]:
    return {
        key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]
    }


async def _answer(send: Send, status: int, content: bytes, headers: dict[str, str]) -> None:
    fields = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(content)),
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        # A cross-origin isolated page may only frame and load responses with these headers.
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        **headers,
    }
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
