"""The middleware that gives each request an id and writes its log line."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_matt.contrib.request_logs.entries import Entry
from django_matt.contrib.request_logs.queries import count_queries
from django_matt.contrib.request_logs.settings import get_settings
from django_matt.watched_streams import watch_stream

__all__ = ["RequestLogMiddleware"]


class RequestLogMiddleware:
    """Sends ``X-Request-ID`` with each response and logs one line, sync and async.

    While a request is answered, ``django_matt.extensions.current_request_id`` contains its id.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        """Read the settings once."""
        options = get_settings()
        self._trusted, self._counts = options.TRUST_REQUEST_ID, options.QUERIES
        if self._counts:
            count_queries()
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Return the response with the id."""
        if self._is_async:
            return self._answer(request)
        entry = Entry(request, trusted=self._trusted, counts=self._counts)
        before = entry.enter()
        try:
            return _finish(entry, cast("HttpResponseBase", self._get_response(request)))
        finally:
            entry.leave(before)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        entry = Entry(request, trusted=self._trusted, counts=self._counts)
        before = entry.enter()
        try:
            response = await cast("Awaitable[HttpResponseBase]", self._get_response(request))
            return _finish(entry, response)
        except CancelledError:
            # The handler cancels the request when the client has left.
            entry.end(ended="disconnected")
            raise
        finally:
            entry.leave(before)


def _finish(entry: Entry, response: HttpResponseBase) -> HttpResponseBase:
    """Log a complete response, and let a stream log itself at its end."""
    entry.answer(response)
    if isinstance(response, HttpResponse):
        entry.end(len(response.content))
        return response
    stream: Any = response
    if isinstance(response, FileResponse):
        # The server may send the file itself, without reading the response.
        length = response.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else None
        stream._resource_closers.append(lambda: entry.end(size))
    else:
        watch_stream(stream, entry)
    return response
