"""``@socket`` and ``Socket``: WebSockets as functions, with messages that pydantic validates both ways."""

import asyncio
import inspect
import json
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from ninja.constants import NOT_SET
from pydantic import TypeAdapter, ValidationError, create_model

from django_matt.contrib.realtime.groups import Groups
from django_matt.contrib.realtime.hubs import Hub, current_hub
from django_matt.contrib.realtime.permissions import (
    Allow,
    check_callable,
    require,
    require_async,
)
from django_matt.contrib.realtime.replays import Verdict, check_handshake, expiry_in
from django_matt.contrib.realtime.settings import get_settings
from django_matt.errors.exceptions import (
    BadRequest,
    PermissionDenied,
    Problem,
    UnprocessableContent,
)
from django_matt.serialization.encoders import encoder

__all__ = ["Socket", "SocketClosed", "socket"]

logger = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")
View = TypeVar("View", bound=Callable[..., Coroutine[Any, Any, None]])

_BEHIND = 100
_GRACE = 5.0
_BURST = 5
_TOO_BIG, _RESTARTS, _TRY_LATER = 1009, 1012, 1013  # RFC 6455, 7.4.1, and IANA's registry
UNAUTHORIZED, FORBIDDEN, TIMEOUT, TOO_MANY = 4401, 4403, 4408, 4429


class SocketClosed(Exception):  # noqa: N818 - how a conversation ends
    """The connection is closed; a function that does not catch it just ends."""


class Socket(Generic[In, Out]):
    """One open WebSocket: ``async for message in socket`` receives, ``await socket.send(message)`` sends.

    ``In`` and ``Out`` are the types of the messages. A message that does not fit ``In`` is answered with an error message,
    and the function does not see it.
    """

    def __init__(
        self,
        request: HttpRequest,
        receive: Any,
        send: Any,
        kinds: Any,
        check: Callable[[], Verdict],
    ) -> None:
        """Take an allowed connection; ``kinds`` are the adapters of ``In`` and ``Out``, ``check`` asks whether it still is."""
        self.request = request
        self.topics = frozenset[str]()
        self.deadline = 0.0
        self._receive, self._send, self._ask = receive, send, check
        self._takes, self._gives = kinds
        self._hub: Hub = current_hub(request)
        self._arrived: asyncio.Queue[In | None] = asyncio.Queue(16)
        self._outgoing: deque[str] = deque()
        self._has_outgoing = asyncio.Event()
        self._is_receiving = self._is_closed = self._is_checking = False
        self._allowance = get_settings().MESSAGES * _BURST
        self._counted_at = self._hub.loop.time()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runner: asyncio.Task[Any] | None = None
        self._groups: Groups = self._hub.groups

    # ---- for the function ----

    async def receive(self) -> In:
        """Return the next message; raise ``SocketClosed`` if the client has left."""
        if self._is_closed and self._arrived.empty():
            raise SocketClosed
        self._is_receiving = True
        try:
            found = await self._arrived.get()
        finally:
            self._is_receiving = False
        if found is None:
            raise SocketClosed
        return found

    def __aiter__(self) -> AsyncIterator[In]:
        """Iterate over the messages until the client leaves."""
        return self

    async def __anext__(self) -> In:
        """Return the next message."""
        try:
            return await self.receive()
        except SocketClosed:
            raise StopAsyncIteration from None

    async def send(self, message: Out) -> None:
        """Send a message; raise ``SocketClosed`` if the client has left, and pydantic's error if it is no ``Out``."""
        await self._send_text(self._gives.dump_json(self._gives.validate_python(message)).decode())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        if not self._is_closed:
            self._is_closed = True
            cut = reason.encode()[:120].decode(errors="ignore")
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": cut})
            self._stop()

    async def join(self, group: str) -> None:
        """Receive what is sent to a group from now on."""
        self._groups.join(group, self)

    async def leave(self, group: str) -> None:
        """Receive it no longer."""
        self._groups.leave(group, self)

    async def broadcast(self, group: str, message: Out) -> None:
        """Send a message to every socket in a group, this one too if it has joined."""
        text = self._gives.dump_json(self._gives.validate_python(message)).decode()
        self._hub.send_to_group(group, text)

    # ---- for the hub and the groups; all of it runs in the event loop ----

    def deliver(self, text: str) -> None:
        """Send a message of a group soon; close a client that does not read them."""
        if len(self._outgoing) >= _BEHIND:
            self._outgoing.clear()
            self._do(self.close(TIMEOUT, "You do not read fast enough."))
            return
        self._outgoing.append(text)
        self._has_outgoing.set()

    def wake(self) -> None:
        """Check again whether the client may be connected, if it is time to."""
        if self._hub.loop.time() >= self.deadline and not self._is_checking:
            self._is_checking = True
            self._do(self._check())

    def end(self) -> None:
        """Close the connection, as the server stops."""
        self._do(self.close(_RESTARTS, "The server restarts."))

    def cut(self) -> None:
        """Stop waiting for a client that does not read."""
        if self._runner is not None:
            self._runner.cancel()

    async def run(self, function: Callable[..., Any], parameters: dict[str, Any]) -> None:
        """Call the function, and return when it has ended, or the client has left."""
        give_back = self._hub.seats.take(self.request)
        self._runner = asyncio.current_task()
        try:
            await self._receive()
            self._hub.join(self)
            await self._send({"type": "websocket.accept"})
            self._plan_check()
            body = asyncio.create_task(function(self.request, self, **parameters))
            reader = self._do(self._read())
            self._do(self._write())
            await asyncio.wait({body, reader}, return_when=asyncio.FIRST_COMPLETED)
            if not body.done():
                self._stop()
                if self._is_receiving:
                    await asyncio.wait({body}, timeout=_GRACE)
                body.cancel()
            await self._finish(body)
        finally:
            give_back()
            self._hub.leave(self)
            self._is_closed = True
            self._groups.leave_all(self)
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _finish(self, body: "asyncio.Task[None]") -> None:
        try:
            await body
        except (SocketClosed, asyncio.CancelledError):
            if not self._is_closed:
                raise
        except Problem as problem:
            await self.close(4000 + problem.status_code, str(problem.detail))
        except DjangoPermissionDenied as error:
            await self.close(FORBIDDEN, str(error))
        else:
            # What a group has sent before the function returned is sent too.
            while self._outgoing and not self._is_closed:
                await self._send_text(self._outgoing.popleft())
            await self.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _stop(self) -> None:
        """Let the function end: it is told by what it waits for."""
        self._is_closed = True
        if self._arrived.full():
            self._arrived.get_nowait()
        self._arrived.put_nowait(None)

    async def _send_text(self, text: str) -> None:
        if self._is_closed:
            raise SocketClosed
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            raise SocketClosed from error

    async def _write(self) -> None:
        with suppress(SocketClosed):
            while True:
                await self._has_outgoing.wait()
                self._has_outgoing.clear()
                while self._outgoing:
                    await self._send_text(self._outgoing.popleft())

    async def _read(self) -> None:
        """Take messages until the client leaves, or is closed; a full queue lets the client wait."""
        options = get_settings()
        while not self._is_closed:
            try:
                async with asyncio.timeout(options.IDLE):
                    message = await self._receive()
            except TimeoutError:
                await self.close(TIMEOUT, "Nothing was received for too long.")
                return
            if message["type"] != "websocket.receive":
                return
            now = self._hub.loop.time()
            most = options.MESSAGES * _BURST
            earned = (now - self._counted_at) * options.MESSAGES
            self._allowance, self._counted_at = min(most, self._allowance + earned) - 1, now
            if self._allowance < 0:
                await self.close(TOO_MANY, "Too many messages.")
                return
            text = message.get("text")
            if text is None:
                await self._complain("binary_message", "Send text with JSON, and not binary data.")
            elif len(text) > options.MAX_MESSAGE or len(text.encode()) > options.MAX_MESSAGE:
                await self.close(_TOO_BIG, "The message is too large.")
                return
            elif text == "ping":
                await self._try_send("pong")
            else:
                await self._take(text)

    async def _take(self, text: str) -> None:
        try:
            found = self._takes.validate_json(text)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False, include_input=False)
            await self._complain(
                "invalid_message", "The message is not valid.", errors=errors[:100]
            )
            return
        await self._arrived.put(found)

    async def _complain(self, code: str, detail: str, **more: Any) -> None:
        error = {"error": {"code": code, "detail": detail, **more}}
        await self._try_send(encoder.dumps(error).decode())

    async def _try_send(self, text: str) -> None:
        with suppress(SocketClosed):
            await self._send_text(text)

    # ---- the permission ----

    def _plan_check(self) -> None:
        self.deadline = self._hub.loop.time() + expiry_in(self.request, get_settings().CHECK)

    async def _check(self) -> None:
        verdict = await self._hub.views.run(self._ask)
        self._is_checking = False
        if verdict.is_allowed:
            self._plan_check()
        elif verdict.is_refused:
            code = UNAUTHORIZED if verdict.status == UNAUTHORIZED - 4000 else FORBIDDEN
            await self.close(code, "You may no longer be connected.")
        else:
            await self.close(_TRY_LATER, "Your permission cannot be checked.")


def socket(
    api: Any, path: str, *, allow: Allow = None, auth: Any = NOT_SET, name: str | None = None
) -> Callable[[View], View]:
    """Serve WebSockets at a path of the API by the decorated function, under ``django_matt.asgi``.

    The function has the parameters ``request`` and ``socket: Socket[In, Out]``; others are taken from the path, or from the
    query. When it returns, the connection is closed. A ``Problem`` closes it with 4000 plus its status, such as 4403.

    ``allow(request, **parameters)``, sync or async, decides whether a client may connect, and again every ``CHECK`` seconds
    whether it may stay. What the function itself checks is checked once.

    >>> @socket(api, "/chat/{room}")
    ... async def chat(request, socket: Socket[Said, Heard], room: str):
    ...     await socket.join(room)
    ...     async for message in socket:
    ...         await socket.broadcast(room, Heard(text=message.text))
    """

    def add(view: View) -> View:
        messages, model = _read_signature(view, path)
        kinds = tuple(map(TypeAdapter, messages))
        check_callable(allow, view.__name__)

        def check(scope: Any, parameters: dict[str, Any]) -> Verdict:
            verdict = check_handshake(scope)
            if verdict.is_allowed:
                try:
                    require(allow, _request_of({**scope, **verdict.found}), **parameters)
                except (PermissionDenied, DjangoPermissionDenied):
                    verdict.status = FORBIDDEN - 4000
                except Problem as problem:
                    verdict.status = problem.status_code
                except Exception:
                    logger.exception("allow of the socket %s failed", view.__name__)
                    verdict.status = 500
            return verdict

        async def consumer(scope: Any, receive: Any, send: Any) -> None:
            request = _request_of(scope)
            try:
                parameters = _parameters(request, scope, model)
                await require_async(allow, request, **parameters)
                ask = partial(check, scope, parameters)
                opened: Socket[Any, Any] = Socket(request, receive, send, kinds, ask)
                await opened.run(view, parameters)
            except DjangoPermissionDenied as error:
                await _refuse(scope, send, PermissionDenied(str(error) or None))
            except Problem as problem:
                await _refuse(scope, send, problem)

        # For the AsyncAPI document (channels.py).
        consumer.messages = messages  # type: ignore[attr-defined]
        consumer.__doc__ = inspect.getdoc(view)
        api.add_socket(path, consumer, auth=auth, name=name)
        return view

    return add


def _read_signature(view: Any, path: str) -> tuple[Any, Any]:
    """Return the types of the messages, and the model of the parameters."""
    hints, fields, kinds = get_type_hints(view, include_extras=True), {}, None
    first, *others = inspect.signature(view).parameters.values()
    for parameter in others:
        kind = hints.get(parameter.name, str)
        if kind is Socket or get_origin(kind) is Socket:
            kinds = get_args(kind) or (Any, Any)
        else:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (kind, default)
    if kinds is None or not inspect.iscoroutinefunction(view):
        raise ImproperlyConfigured(
            f"{view.__name__} must be `async def {view.__name__}({first.name}, socket: Socket[In, Out], …)` for @socket."
        )
    missing = {each.rpartition(":")[2] for each in re.findall(r"{([^}]+)}", path)} - {*fields}
    if missing:
        raise ImproperlyConfigured(
            f"{view.__name__} has no parameter {missing.pop()!r} of {path!r}."
        )
    made: Any = create_model(f"{view.__name__}_parameters", **fields)  # type: ignore[call-overload]
    return kinds, made


def _request_of(scope: Any) -> HttpRequest:
    request: Any = ASGIRequest({**scope, "type": "http", "method": "GET"}, BytesIO())
    for name in ("user", "auth", "session"):
        if name in scope:
            setattr(request, name, scope[name])
    found: HttpRequest = request
    return found


def _parameters(request: HttpRequest, scope: Any, model: Any) -> dict[str, Any]:
    try:
        query = request.GET.dict()
    except SuspiciousOperation as error:
        raise BadRequest("The query cannot be read.", code="invalid_query") from error
    given = {**query, **scope["url_route"]["kwargs"]}
    try:
        found = model.model_validate({k: v for k, v in given.items() if k in model.model_fields})
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise UnprocessableContent("The parameters are not valid.", errors=errors) from error
    return {name: getattr(found, name) for name in model.model_fields}


async def _refuse(scope: Any, send: Any, problem: Problem) -> None:
    """Answer a handshake with an error; by a close where the server cannot send a response."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4000 + problem.status_code})
        return
    body = {"detail": str(problem.detail), "code": problem.code, **problem.members}
    headers = {"Content-Type": "application/json", **problem.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    start = {"status": problem.status_code, "headers": raw}
    await send({"type": "websocket.http.response.start", **start})
    await send(
        {"type": "websocket.http.response.body", "body": json.dumps(body, default=str).encode()}
    )
