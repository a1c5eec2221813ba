"""Reads from replicas, and from the primary while a replica lacks what the client itself has written."""

import logging
import random
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_matt.contrib.postgres.settings import get_settings
from django_matt.errors.answering import is_on_event_loop

__all__ = ["COOKIE", "HEADER", "ReplicaMiddleware", "ReplicaRouter"]

logger = logging.getLogger(__name__)

HEADER = "X-Matt-Position"
"""Of a response: up to where in PostgreSQL's log (its LSN) the client has written. Programs send it back."""
COOKIE = "matt_position"
"""The same for browsers."""
_POSITION = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_COOKIE_SECONDS = 3_600
_FRESH = 1.0
"""For how many seconds a replica that was asked for its position needs not be asked whether it is there."""
_AWAY = 5.0
"""For how many seconds a replica that did not answer is left alone."""


@dataclass(slots=True)
class Reading:
    """What one request has written before, and whether it has written now."""

    position: int = 0
    has_written: bool = False
    alias: str | None = None
    """The database that its reads go to, once there was one."""


_current: ContextVar[Reading | None] = ContextVar("matt_postgres_reading", default=None)


@dataclass(slots=True)
class Replica:
    """What this process knows of a replica: positions only grow, so a known one is a lower bound."""

    alias: str
    position: int = -1
    asked_at: float = float("-inf")
    away_until: float = float("-inf")
    lock: Lock = field(default_factory=Lock)

    def has(self, position: int) -> bool:
        """Tell whether it can be read and has replayed everything up to a position."""
        now = monotonic()
        if now < self.away_until:
            return False
        # An event loop may not wait for a query: there, what is known decides.
        if is_on_event_loop() or (self.position >= position and now < self.asked_at + _FRESH):
            return self.position >= position
        try:
            with connections[self.alias].cursor() as cursor:
                # A server that is no replica, as in tests, has everything.
                cursor.execute(
                    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END"
                )
                found = read_position(str(cursor.fetchone()[0])) or 0
        except Error:
            logger.warning(
                "The replica %r does not answer; reads go to the primary.",
                self.alias,
                exc_info=True,
            )
            connections[self.alias].close()
            self.away_until = monotonic() + _AWAY
            return False
        with self.lock:
            self.position, self.asked_at = max(self.position, found), monotonic()
        return found >= position


_replicas: dict[str, Replica] = {}


def read_position(text: str) -> int | None:
    """Return an LSN such as ``16/B374D848`` as a number; ``None`` for another text."""
    if not _POSITION.fullmatch(text):
        return None
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


class ReplicaRouter:
    """A router of ``DATABASE_ROUTERS``: reads of requests go to one of ``MATT_POSTGRES["REPLICAS"]``.

    The primary, ``default``, is read by requests that may write (all but GET, HEAD and OPTIONS), after the first write of
    any request, in transactions, by clients that have written what no replica has yet, and outside of requests.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the alias of a replica, or ``None`` to leave it to the next router."""
        reading = _current.get()
        if reading is None or reading.has_written or connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return _home(hints)
        if reading.alias is None:
            chosen = _choose(reading.position)
            if chosen is None and is_on_event_loop():
                return _home(hints)
            reading.alias = chosen or DEFAULT_DB_ALIAS
        return _home(hints) if reading.alias == DEFAULT_DB_ALIAS else reading.alias

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        """Note that the request writes."""
        reading = _current.get()
        if reading is not None:
            reading.has_written = True
        return _home(hints)

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool | None:
        """Allow objects of a replica and of the primary: they are the same."""
        mine = {DEFAULT_DB_ALIAS, *get_settings().REPLICAS}
        return True if {first._state.db, second._state.db} <= mine else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Migrate no replica."""
        return False if db in get_settings().REPLICAS else None


def _home(hints: dict[str, Any]) -> str | None:
    """Return the primary for an object that was read from a replica: Django would go on where it is from."""
    state = getattr(hints.get("instance"), "_state", None)
    return DEFAULT_DB_ALIAS if getattr(state, "db", None) in get_settings().REPLICAS else None


def _choose(position: int) -> str | None:
    aliases = [*get_settings().REPLICAS]
    random.shuffle(aliases)
    for alias in aliases:
        if _replicas.setdefault(alias, Replica(alias)).has(position):
            return alias
    return None


class ReplicaMiddleware:
    """Tells the router what a client has written, and the client up to where it has. Put it first."""

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        """Wrap the next middleware, sync or async."""
        self._next: Callable[[HttpRequest], Any] = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer, with the position after a write."""
        if self._is_async:
            return self._answer_async(request)
        reading = _begin(request)
        token = _current.set(reading)
        try:
            response: HttpResponseBase = self._next(request)
        finally:
            _current.reset(token)
        return _finish(reading, response) if reading.has_written else response

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        reading = _begin(request)
        token = _current.set(reading)
        try:
            response: HttpResponseBase = await self._next(request)
        finally:
            _current.reset(token)
        return await sync_to_async(_finish)(reading, response) if reading.has_written else response


def _begin(request: HttpRequest) -> Reading:
    given = (request.headers.get(HEADER, ""), request.COOKIES.get(COOKIE, ""))
    positions = [read_position(text) or 0 for text in given]
    return Reading(max(positions), request.method not in ("GET", "HEAD", "OPTIONS"))


def _finish(reading: Reading, response: HttpResponseBase) -> HttpResponseBase:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn()")
            position = str(cursor.fetchone()[0])
    except Error:
        # There is a response, whatever the database does now.
        logger.warning("The position of a write is not known.", exc_info=True)
        return response
    response.headers[HEADER] = position
    response.set_cookie(
        COOKIE,
        position,
        max_age=_COOKIE_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
