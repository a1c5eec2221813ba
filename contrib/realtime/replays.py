"""Whether an open stream would still be answered: its request is handled again, without opening another stream."""

import random
import time
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.urls import ResolverMatch, set_script_prefix

from django_matt.sockets import HANDSHAKE, Handshake
from django_matt.throttling import REPEATED
from django_matt.urls import shakes_hands

__all__ = ["Verdict", "check_again", "check_handshake", "expiry_in", "verdict_of"]

_VERDICT = "_matt_realtime_verdict"
_handlers: list[BaseHandler] = []


@dataclass(slots=True)
class Verdict:
    """The result of a repeated request."""

    request: HttpRequest
    status: int = 0
    found: dict[str, Any] = field(default_factory=dict)
    """What the hook of the stream found: its topics, or its queryset; and of a handshake, what it adds to the scope."""

    @property
    def is_allowed(self) -> bool:
        """Whether the stream may go on."""
        return 100 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        """Whether the client has lost its permission; otherwise the server failed, or limits the client."""
        return self.status in (401, 403, 404, 410)


def verdict_of(request: HttpRequest) -> Verdict | None:
    """Return where to note the result, if a request is such a repetition."""
    found: Verdict | None = getattr(request, _VERDICT, None)
    return found


def check_again(request: HttpRequest) -> Verdict:
    """Handle a request again, with the project's middleware and everything that the route checks."""
    scope: Any = getattr(request, "scope")  # noqa: B009 - of an ASGIRequest
    return _handle(ASGIRequest(scope, BytesIO()), scope.get("root_path", ""))


def check_handshake(scope: Any) -> Verdict:
    """Do the same for the handshake of a WebSocket."""
    scheme = {"wss": "https"}.get(scope.get("scheme", "ws"), "http")
    handshake = Handshake()
    asked = {**scope, "type": "http", "method": "GET", "scheme": scheme, HANDSHAKE: handshake}
    token = shakes_hands.set(True)
    try:
        verdict = _handle(ASGIRequest(asked, BytesIO()), scope.get("root_path", ""))
        verdict.found |= handshake.added
        return verdict
    finally:
        shakes_hands.reset(token)


class _Handler(BaseHandler):
    """Django's handler, which leaves the session as it is stored: a client that only listens does not make it last longer."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Find the view; the middleware has put the session there before."""
        session: Any = getattr(request, "session", None)
        if session is not None:
            session.save = _save_nothing
        match: ResolverMatch = super().resolve_request(request)
        return match


def _save_nothing(must_create: bool = False) -> None:
    pass


def _handle(again: HttpRequest, prefix: str) -> Verdict:
    if not _handlers:
        handler = _Handler()
        handler.load_middleware()
        _handlers.append(handler)
    verdict = Verdict(again)
    setattr(again, _VERDICT, verdict)
    setattr(again, REPEATED, True)
    set_script_prefix(prefix or "/")
    # Not closed: that would tell Django that a request has ended, which closes the connection of all streams.
    verdict.status = _handlers[0].get_response(again).status_code
    return verdict


def expiry_in(request: HttpRequest, most: float) -> float:
    """Return after how many seconds the permission of a request is checked again: when its credentials expire, or ``most``.

    It is up to a fifth sooner, at random: streams that began together are not all checked at once.

    The expiry is the attribute or claim ``expires_at`` or ``exp`` of ``request.auth``: seconds since 1970, or a datetime.
    """
    most *= 1 - random.random() / 5  # noqa: S311 - no secret
    expiry = _expiry_of(getattr(request, "auth", None))
    # A little later: at the very instant, the credentials are still valid.
    return most if expiry is None else min(most, max(0.0, expiry - time.time()) + 0.01)


def _expiry_of(auth: Any) -> float | None:
    for name in ("expires_at", "exp"):
        found = auth.get(name) if isinstance(auth, dict) else getattr(auth, name, None)
        if found is not None and hasattr(found, "timestamp"):
            return float(found.timestamp())
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
    return None
