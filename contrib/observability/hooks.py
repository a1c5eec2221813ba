"""The hook that observes each request to an API."""

import json
from functools import cached_property
from time import perf_counter, time
from typing import Any, Self

from django.conf import settings
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.observability.metrics import METHODS, Series, series_of
from django_matt.contrib.observability.observations import (
    Detail,
    Observation,
    current,
    keeping,
    requests,
)
from django_matt.contrib.observability.queries import place_of
from django_matt.contrib.observability.settings import get_settings
from django_matt.contrib.observability.streams import StreamedObservation
from django_matt.errors.reports import safe_path
from django_matt.hooks import Call, OperationHook
from django_matt.operations import find_operation
from django_matt.settings import get_settings as matt_settings
from django_matt.signatures import innermost
from django_matt.watched_streams import watch_stream

__all__ = ["UNMATCHED", "ObserveRequests"]

UNMATCHED = "unmatched"
"""The route of unknown URLs and wrong methods, however many there are."""

_LONGEST_PARSED = 5_000_000
_KEPT_BY_CLIENTS = ("ETag", "Last-Modified", "Expires", "Cache-Control")


class ObserveRequests(OperationHook):
    """Observes the requests to one operation, or those that no operation handles."""

    order = -10_000
    never_blocks = True

    def __init__(self, api: Any, operation: Operation | None) -> None:
        """Bind nothing yet: the whole path is not known before the first request."""
        self._api = api
        self._operation = operation
        self._series: dict[str | None, Series] = {}
        self._tracer: Any = None
        keeping.start()
        options = get_settings()
        if options.TRACES is not None:
            from django_matt.contrib.observability.traces import Tracer

            self._tracer = Tracer(options.TRACES, options.SLOW_MS, obeys=options.TRUST_TRACEPARENT)

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self:
        return cls(api, operation)

    @classmethod
    def bind_unmatched(cls, api: Any) -> Self:
        return cls(api, None)

    @cached_property
    def route(self) -> str:
        """The template of the path: ``/api/books/{book_id}``."""
        if self._operation is None:
            return UNMATCHED
        try:
            return find_operation(self._api, self._operation).path
        except LookupError:
            # A route that was added by other means than the API's own.
            return f"/{self._operation.path.lstrip('/')}"

    def received(self, call: Call) -> HttpResponseBase | None:
        method = call.request.method
        series = self._series.get(method)
        if series is None:
            series = series_of(method or "", self.route)
            if method in METHODS:
                self._series[method] = series
        series.open.append(None)
        observation = call.state[self] = Observation(series)
        if keeping.on:
            observation.detail = self._describe(call)
            if settings.DEBUG and "__profile=" in call.request.META.get("QUERY_STRING", ""):
                observation.profile = self._profile(call)
        if self._tracer is not None:
            observation.trace = self._tracer.begin(call.request, self.route)
        current.set(observation)
        return None

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        observation: Observation = call.state[self]
        seconds = perf_counter() - observation.started
        observation.answered = True
        current.set(None)
        status = response.status_code
        if observation.trace is not None:
            observation.trace.end(status)
        detail = observation.detail
        if detail is not None:
            _complete(detail, call, response, seconds)
        size = 0
        if isinstance(response, HttpResponse):
            size = len(_body_of(response))
        elif isinstance(response, FileResponse):
            # The server may send the file itself, without reading the response.
            length = response.headers.get("Content-Length", "")
            size = int(length) if length.isdecimal() else 0
        else:
            observation.series.answer(status, seconds)
            watch_stream(response, StreamedObservation(observation))
            return None
        observation.series.answer(
            status, seconds, observation.queries, observation.query_seconds, size
        )
        if detail is not None:
            detail.size = size
            if observation.profile is not None:
                shown: HttpResponse | None = observation.profile.end(call.request, response)
                return shown
        return None

    def _profile(self, call: Call) -> Any:
        # Here, as the extra is needed only for this.
        from django_matt.contrib.observability.profiles import begin

        return begin(call.request, is_async=getattr(self._operation, "is_async", False))

    def _describe(self, call: Call) -> Detail:
        request, operation = call.request, self._operation
        function = None if operation is None else innermost(operation.view_func)
        return Detail(
            number=0,
            method=(request.method or "")[:16],
            path=safe_path(request),
            route=self.route,
            operation=operation,
            api=self._api,
            place=place_of(function),
            at=time(),
            asked=hash(request.get_full_path()),
        )


_numbers = iter(range(1, 2**62))


def _complete(detail: Detail, call: Call, response: HttpResponseBase, seconds: float) -> None:
    """Add what the response shows, and keep the details."""
    detail.number = next(_numbers)
    detail.seconds = seconds
    detail.status = response.status_code
    detail.tier = response.headers.get("X-Matt-Tier", "")
    detail.cacheable = any(name in response.headers for name in _KEPT_BY_CLIENTS)
    if isinstance(response, HttpResponse):
        body = _body_of(response)
        detail.answer = hash(body)
        is_json = "json" in response.headers.get("Content-Type", "")
        if is_json and response.status_code == 200 and len(body) <= _LONGEST_PARSED:
            detail.items, detail.paginated = _count_items(body)
    elif getattr(detail.operation, "stream_format", None) is None and not isinstance(
        response, FileResponse
    ):
        # The core streams a list that is longer than this, and no other.
        detail.items = (matt_settings().STREAM_ROWS or 0) + 1 if detail.tier else 0
    requests.append(detail)


def _body_of(response: HttpResponse) -> bytes:
    """Return the body; nothing of a ``TemplateResponse``, which Django renders later."""
    return response.content if getattr(response, "is_rendered", True) else b""


def _count_items(body: bytes) -> tuple[int, bool]:
    """Return how many items a list has, and whether it is a list in a page."""
    try:
        data = json.loads(body)
    except ValueError:
        return 0, False
    if isinstance(data, list):
        return len(data), False
    values = data.values() if isinstance(data, dict) else ()
    return max((len(each) for each in values if isinstance(each, list)), default=0), True
