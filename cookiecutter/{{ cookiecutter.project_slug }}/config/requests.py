"""One id a request: the proxy's or ours, on every answer and in every log line."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django_matt.errors.reports import get_request_id, safe_path

logger = logging.getLogger(__name__)

request_id: ContextVar[str] = ContextVar("request_id", default="-")


@sync_and_async_middleware
def request_id_middleware(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], Any]:
    """Set `request_id` while a request is answered, send it as X-Request-ID, and log one line."""
    if iscoroutinefunction(get_response):
        return _async_middleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        begun = _begin(request)
        response: HttpResponseBase = get_response(request)
        return _end(request, response, begun)

    return middleware


def _async_middleware(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        begun = _begin(request)
        response = await get_response(request)
        return _end(request, response, begun)

    return middleware


def _begin(request: HttpRequest) -> float:
    request_id.set(get_request_id(request))
    return time.perf_counter()


def _end(request: HttpRequest, response: HttpResponseBase, begun: float) -> HttpResponseBase:
    response["X-Request-ID"] = request_id.get()
    milliseconds = round((time.perf_counter() - begun) * 1_000, 1)
    logger.info(
        "%s %s %s",
        request.method,
        safe_path(request),
        response.status_code,
        extra={"status": response.status_code, "milliseconds": milliseconds},
    )
    return response
