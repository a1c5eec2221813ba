"""What is logged of a request: one record, when its response is complete."""

import logging
import time
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject, empty

from django_matt.contrib.request_logs.configurations import LOGGER
from django_matt.contrib.request_logs.queries import Count, current_count
from django_matt.errors.reports import get_request_id, safe_path
from django_matt.extensions import current_request_id
from django_matt.upstream import lost
from django_matt.watched_streams import StreamEnd

__all__ = ["Entry", "logger"]

logger = logging.getLogger(LOGGER)


class Entry:
    """The log entry of one request, from its arrival to the last byte of its response."""

    __slots__ = ("_before", "_count", "_id", "_request", "_started", "_status")

    def __init__(self, request: HttpRequest, *, trusted: bool, counts: bool) -> None:
        """Take the id that the request came with if it is ``trusted``, and a new one otherwise."""
        self._started = time.perf_counter()
        self._request: HttpRequest | None = request
        self._id = get_request_id(request, trusted=trusted)
        self._count = Count() if counts else None
        self._status: int | None = None

    def enter(self) -> tuple[str, Count | None]:
        """Make the id and the count those of the code that runs now; return the ones before, for ``leave``."""
        before = current_request_id.get(), current_count.get()
        current_request_id.set(self._id)
        current_count.set(self._count)
        return before

    @staticmethod
    def leave(before: tuple[str, Count | None]) -> None:
        """Restore what ``enter`` has returned."""
        current_request_id.set(before[0])
        current_count.set(before[1])

    def answer(self, response: HttpResponseBase) -> None:
        """Add the id to the response."""
        self._status = response.status_code
        response.headers["X-Request-ID"] = self._id

    def end(self, size: int | None = None, ended: StreamEnd | None = None) -> None:
        """Write the record; the first call counts."""
        request, self._request = self._request, None
        if request is None:
            return
        status = self._status
        level = logging.WARNING if status is not None and status >= 400 else logging.INFO
        if not logger.isEnabledFor(level):
            return
        method, path = _one_word(request.method), safe_path(request)
        match = request.resolver_match
        extra = {
            "request_id": self._id,
            "method": method,
            "path": path,
            "route": None if match is None else f"/{match.route}",
            "status": status,
            "ms": round((time.perf_counter() - self._started) * 1_000, 1),
            "queries": None if self._count is None else self._count.number,
            "user": _user_id(request),
            "bytes": size,
            "ended": ended,
        }
        arguments = (method, path, "-" if status is None else status)
        # Not by logger.log(), which walks the stack to find the caller, always the same.
        record = logger.makeRecord(
            logger.name, level, __file__, 0, "%s %s %s", arguments, None, "log", extra
        )
        logger.handle(record)


def _one_word(method: str | None) -> str:
    return (method or "-")[:32].encode("unicode_escape").decode("ascii").replace(" ", "\\x20")


def _user_id(request: HttpRequest) -> Any:
    """Return the primary key of the signed-in user, if the request has loaded it. Loading it here would be a query."""
    user: Any = getattr(request, "user", None)
    if isinstance(user, LazyObject) and (lost("users") or user._wrapped is empty):
        return None
    return getattr(user, "pk", None)
