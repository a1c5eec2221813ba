"""WebSockets: the handshake is handled as a GET request, with the API's authentication; then the consumer is called."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.functional import SimpleLazyObject
from django.utils.http import is_same_domain
from ninja.constants import NOT_SET
from ninja.errors import ConfigError
from ninja.utils import normalize_path

from django_matt.errors.exceptions import PermissionDenied, Problem
from django_matt.errors.reports import report
from django_matt.foreign_views import wrap_view
from django_matt.operation_checks import bind_authentication
from django_matt.urls import shakes_hands

__all__ = ["Consumer", "Handshake", "Socket", "add_socket", "serve_socket", "socket_url"]

Scope = MutableMapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Any], Awaitable[None]]
Consumer = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application for the scope ``websocket``: ``async def consumer(scope, receive, send)``."""

HANDSHAKE = "matt.handshake"
_ACCEPTED = 101
_POLICY, _FAILED, _NORMAL = 1008, 1011, 1000  # RFC 6455, 7.4.1


class Socket(NamedTuple):
    """A WebSocket that an API serves at one path."""

    path: str
    consumer: Consumer
    auth: Any
    name: str | None


class UpgradeRequired(Problem):
    """A plain HTTP request to the URL of a WebSocket."""

    status_code = 426
    default_detail = "There is a WebSocket at this address: connect with ws:// or wss://."
    default_code = "upgrade_required"


@dataclass(slots=True)
class Handshake:
    """The result of the view of a socket when it accepts the handshake."""

    consumer: Consumer | None = None
    request: Any = None
    added: dict[str, Any] = field(default_factory=dict)


def add_socket(api: Any, path: str, consumer: Consumer, *, auth: Any, name: str | None) -> None:
    """Register a consumer; see ``MattAPI.add_socket``."""
    if api._bound is not None:
        raise ConfigError(
            f"The socket {path!r} was added too late: this API is already bound. Call api.add_socket() in the extend(api) of an "
            "app, or before urlpatterns names api.urls."
        )
    api.sockets.append(Socket(path, consumer, auth, name))


def socket_url(api: Any, socket: Socket) -> URLPattern:
    """Return the pattern of a socket, whose view accepts or refuses its handshakes."""
    auth = api.auth if socket.auth is NOT_SET else socket.auth
    callbacks = (
        [] if auth in (None, NOT_SET) else auth if isinstance(auth, list | tuple) else [auth]
    )
    authenticate = bind_authentication(api, callbacks, is_async=True) if callbacks else None

    async def shake_hands(request: HttpRequest, **parameters: Any) -> HttpResponseBase:
        handshake: Handshake | None = getattr(request, "scope", {}).get(HANDSHAKE)
        if handshake is None:
            raise UpgradeRequired(headers={"Upgrade": "websocket", "Connection": "Upgrade"})
        if not _is_trusted(request):
            raise PermissionDenied(
                "Pages of this origin may not connect.", code="origin_not_allowed"
            )
        if authenticate is not None:
            refused: HttpResponseBase | None = await authenticate(request)
            if refused is not None:
                return refused
        handshake.consumer, handshake.request = socket.consumer, request
        handshake.added = {
            "url_route": {"args": (), "kwargs": parameters},
            "auth": getattr(request, "auth", None),
        }
        user: Any = getattr(request, "user", None)
        if isinstance(user, SimpleLazyObject) and hasattr(request, "auser"):
            # Loaded here: a consumer cannot wait for the lazy user.
            user = await request.auser()
        if user is not None:
            handshake.added["user"] = user
        if hasattr(request, "session"):
            handshake.added["session"] = request.session
        return HttpResponse(status=_ACCEPTED)

    view: Any = wrap_view(api, shake_hands)
    view.csrf_exempt = True
    view._matt_socket = True
    view._non_atomic_requests = set(connections)
    route = normalize_path(socket.path).lstrip("/").replace("{", "<").replace("}", ">")
    pattern: URLPattern = path(route, view, name=socket.name)
    return pattern


def _is_trusted(request: HttpRequest) -> bool:
    """Tell whether the page that connects belongs to this site or to ``CSRF_TRUSTED_ORIGINS``; programs send no origin.

    A browser sends cookies along wherever a page comes from, and keeps no page from connecting: the server has to.
    """
    host = request.get_host()  # raises DisallowedHost
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origin == f"{request.scheme}://{host}":
        return True
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asking = urlsplit(origin)
    except ValueError:
        return False
    trusted = (
        urlsplit(each.replace("*", "", 1)) for each in settings.CSRF_TRUSTED_ORIGINS if "*" in each
    )
    return any(
        asking.scheme == each.scheme and is_same_domain(asking.netloc, each.netloc)
        for each in trusted
    )


async def serve_socket(handler: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection: pass the handshake through the project's middleware, then call the consumer."""
    first = await receive()
    if first["type"] != "websocket.connect":
        return
    connection = _Connection(scope, first, receive, send)
    handshake, answer = await _shake_hands(handler, scope)
    if handshake.consumer is None or answer.status != _ACCEPTED:
        await connection.refuse(answer)
        return
    async with handler.share_thread():
        await connection.serve(handshake)


# ---- the handshake ----


class _Answer:
    """The response of the project to a handshake."""

    def __init__(self, status: int = 500) -> None:
        self.status = status
        self.headers: Any = []
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", [])
        else:
            self.body += message.get("body", b"")


async def _shake_hands(handler: Any, scope: Scope) -> tuple[Handshake, _Answer]:
    """Handle the handshake as a GET request of the project (RFC 6455, 4.1)."""
    handshake, answer = Handshake(), _Answer()
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http")
    asked = {**scope, "type": "http", "method": "GET", "scheme": scheme, HANDSHAKE: handshake}
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        # Whether the client has left, the consumer hears: a message that is taken here would be lost.
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    if "resolve_request" not in vars(handler):
        handler.resolve_request = _only_sockets(handler.resolve_request)
    await handler(asked, receive, answer.send)
    return handshake, answer


def _only_sockets(resolve: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return how a handler finds views, so that a handshake calls none but that of a socket."""

    def resolve_request(request: Any) -> Any:
        if HANDSHAKE not in request.scope:
            return resolve(request)
        token = shakes_hands.set(True)
        try:
            match = resolve(request)
        finally:
            shakes_hands.reset(token)
        if not hasattr(match.func, "_matt_socket"):
            raise Http404("There is no WebSocket at this address.")
        return match

    return resolve_request


# ---- the connection ----


class _Connection:
    """One WebSocket: what has been sent to it, and so what may still be."""

    def __init__(self, scope: Scope, first: Message, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._first: Message | None = first
        self._receive = receive
        self._send = send
        self._losses: deque[BaseException] = deque(maxlen=16)
        self.is_answered = self.is_accepted = self.is_over = False

    async def receive(self) -> Message:
        message, self._first = self._first, None
        if message is None:
            message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.is_over = True
        return message

    async def send(self, message: Message) -> None:
        kind, had_left = message["type"], self.is_over
        self.is_answered = True
        if kind == "websocket.accept":
            self.is_accepted = True
        elif kind in {"websocket.close", "websocket.http.response.body"}:
            self.is_over = True
        try:
            await self._send(message)
        except Exception as error:
            # A server raises an OSError where the client has left (ASGI 2.4), or something of its own.
            if had_left or isinstance(error, OSError):
                self.is_over = True
                self._losses.append(error)
            raise

    async def refuse(self, answer: _Answer) -> None:
        """Answer a handshake with a response; by a close where the server cannot: it then sends a 403."""
        if "websocket.http.response" not in (self._scope.get("extensions") or {}):
            await self.send({"type": "websocket.close", "code": _POLICY, "reason": _reason(answer)})
            return
        start = {"status": answer.status, "headers": answer.headers}
        await self.send({"type": "websocket.http.response.start", **start})
        await self.send({"type": "websocket.http.response.body", "body": answer.body})

    async def serve(self, handshake: Handshake) -> None:
        """Leave the connection to the consumer; report what it raises, and close what it leaves open."""
        consumer: Any = handshake.consumer
        try:
            await consumer({**self._scope, **handshake.added}, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 - the server would log it without the request, and drop the connection
            if self._is_loss(error):
                return  # The client has left, and the consumer has noticed by it.
            report(handshake.request, error, 500, title="Internal Server Error")
            await self._end(_FAILED)
        else:
            await self._end(_NORMAL)

    def _is_loss(self, error: BaseException) -> bool:
        """Tell whether an error says that the client has left, and nothing else; tasks raise it in a group."""
        if isinstance(error, BaseExceptionGroup):
            return all(map(self._is_loss, error.exceptions))
        return any(error is loss for loss in self._losses)

    async def _end(self, code: int) -> None:
        """Close what the consumer has accepted, or refuse what it has not answered."""
        if self.is_over or (self.is_answered and not self.is_accepted):
            return
        with suppress(OSError):
            if self.is_accepted:
                await self.send({"type": "websocket.close", "code": code})
            else:
                await self.refuse(_Answer(500 if code == _FAILED else 403))


def _reason(answer: _Answer) -> str:
    try:
        return HTTPStatus(answer.status).phrase
    except ValueError:
        return ""
