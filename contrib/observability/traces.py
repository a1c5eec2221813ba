"""Traces by OpenTelemetry: one span for each sampled request, one for each slow query in it, and ``traceparent`` in and out.

Whether a request is sampled is decided before anything is made. Extra: ``otel``.
"""

import random
import re
from collections.abc import Mapping
from contextvars import ContextVar
from threading import Lock
from time import perf_counter, time_ns
from typing import Any

from django.core.signals import request_finished
from django.http import HttpRequest

from django_matt.errors.exceptions import MissingExtra
from django_matt.errors.reports import safe_path

try:
    from opentelemetry import context as contexts
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        SpanKind,
        StatusCode,
        TraceFlags,
        TraceState,
        set_span_in_context,
    )
except ImportError as error:
    raise MissingExtra("opentelemetry-sdk", "otel") from error

__all__ = ["Trace", "Tracer", "current_trace", "trace_headers"]

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_STATE = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}", re.ASCII)
_METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"]
)
_LONGEST_STATE = 512
_MOST_QUERIES = 100
_SYSTEMS = {"postgresql": "postgresql", "sqlite": "sqlite", "mysql": "mysql", "oracle": "oracle.db"}
_FLAGS = {False: TraceFlags(0), True: TraceFlags(TraceFlags.SAMPLED)}
_NO_STATE = TraceState()
_EMPTY = contexts.Context()

current_trace: ContextVar["Trace | None"] = ContextVar("matt_trace", default=None)
"""The trace of the request that is being answered."""


class Trace:
    """The trace of one request; its ids exist even if it is not sampled."""

    __slots__ = ("_before", "_count", "_slow", "_span", "_tracer", "span_context")

    def __init__(self, tracer: Any, span: Any, slow: float, before: Any) -> None:
        """Take the span, and from how many seconds on a query has one."""
        self._tracer, self._span, self._slow, self._before = tracer, span, slow, before
        self._count = 0
        self.span_context: SpanContext = span.get_span_context()

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return f"{self.span_context.trace_id:032x}"

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits."""
        return f"{self.span_context.span_id:016x}"

    def wants(self, seconds: float) -> bool:
        """Return whether a query that took so long gets a span; one request has 100 of them at most."""
        return self._tracer is not None and seconds >= self._slow and self._count < _MOST_QUERIES

    def add_query(self, text: str, connection: Any, started: float, seconds: float) -> None:
        """Add the span of a query that has ended; ``text`` has no values."""
        self._count += 1
        name, _, _ = text.partition(" ")
        end = time_ns() - int((perf_counter() - started - seconds) * 1e9)
        span = self._tracer.start_span(
            name.upper()[:30],
            context=set_span_in_context(self._span, _EMPTY),
            kind=SpanKind.CLIENT,
            start_time=end - int(seconds * 1e9),
            attributes={
                "db.system.name": _SYSTEMS.get(connection.vendor, "other_sql"),
                "db.namespace": str(connection.settings_dict.get("NAME", "")),
                "db.operation.name": name.upper()[:30],
                "db.query.text": text,
            },
        )
        span.end(end)

    def end(self, status: int) -> None:
        """End the span with the status of the response."""
        span = self._span
        if self._tracer is not None:
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_attribute("error.type", str(status))
                span.set_status(StatusCode.ERROR)
            span.end()
        contexts.attach(self._before)


class Tracer:
    """Begins the traces of one route."""

    def __init__(self, share: float, slow_ms: float, *, obeys: bool) -> None:
        """Take the share of requests that are sampled, from how many milliseconds on a query has a span, and whether a
        ``traceparent`` decides if its request is sampled.
        """
        self._share = share
        self._obeys = obeys
        self._slow = slow_ms / 1_000
        self._tracer: Any = None

    def begin(self, request: HttpRequest, route: str) -> Trace:
        """Begin the trace of a request, and make it the current one; a valid ``traceparent`` is continued."""
        meta = request.META
        parent = _read_parent(meta.get("HTTP_TRACEPARENT"))
        before = contexts.get_current()
        # No secret depends on these random numbers.
        if self._obeys and parent is not None:
            sampled = bool(parent[2])
        else:
            sampled = random.random() < self._share  # noqa: S311
        if not sampled:
            trace_id = random.getrandbits(128) or 1 if parent is None else parent[0]
            context = SpanContext(trace_id, random.getrandbits(64) or 1, False, _FLAGS[False])
            begun = Trace(None, NonRecordingSpan(context), self._slow, before)
        else:
            begun = self._begin_sampled(request, route, parent, before)
        contexts.attach(set_span_in_context(begun._span, before))
        current_trace.set(begun)
        return begun

    def _begin_sampled(self, request: HttpRequest, route: str, parent: Any, before: Any) -> Trace:
        meta = request.META
        tracer = self._tracer
        if tracer is None:
            # At the first request: a server may fork after it has loaded the project.
            tracer = self._tracer = _provider().get_tracer("django_matt.contrib.observability")
        context = _EMPTY
        if parent is not None:
            state = _read_state(meta.get("HTTP_TRACESTATE"))
            remote = SpanContext(parent[0], parent[1], True, _FLAGS[True], state)
            context = set_span_in_context(NonRecordingSpan(remote), context)
        method = request.method if request.method in _METHODS else "_OTHER"
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "http.route": route,
            "url.path": safe_path(request),
            "url.scheme": request.scheme or "http",
            "server.address": meta.get("SERVER_NAME", ""),
            "user_agent.original": meta.get("HTTP_USER_AGENT", "")[:300],
        }
        span = tracer.start_span(
            f"{method} {route}", context=context, kind=SpanKind.SERVER, attributes=attributes
        )
        # Who sends a sampled traceparent wants to see everything.
        slow = 0.0 if self._obeys and parent is not None else self._slow
        return Trace(tracer if span.is_recording() else None, span, slow, before)


def trace_headers() -> dict[str, str]:
    """Return ``traceparent`` and ``tracestate`` for a request that your code sends to another service; empty outside of traces.

    The instrumentations of HTTP clients by OpenTelemetry add them by themselves.
    """
    begun = current_trace.get()
    if begun is None:
        return {}
    context = begun.span_context
    headers = {"traceparent": f"00-{begun.trace_id}-{begun.span_id}-{int(context.trace_flags):02x}"}
    if context.trace_state:
        headers["tracestate"] = context.trace_state.to_header()
    return headers


def _read_parent(header: Any) -> tuple[int, int, int] | None:
    """Return the trace id, the span id and whether it is sampled; None for a header that is not valid (W3C Trace Context)."""
    if not header or len(header) < 55 or len(header) > 200:
        return None
    match = _PARENT.fullmatch(header)
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    trace_id, span_id = int(match[2], 16), int(match[3], 16)
    return (trace_id, span_id, int(match[4], 16) & 1) if trace_id and span_id else None


def _read_state(header: Any) -> TraceState:
    """Return the entries of a ``tracestate``; none if one of them is not valid, or if there are too many."""
    if not header or len(header) > _LONGEST_STATE:
        return _NO_STATE
    entries = [each.strip() for each in header.split(",") if each.strip()]
    if len(entries) > 32 or not all(map(_STATE.fullmatch, entries)):
        return _NO_STATE
    pairs: Mapping[str, str] = dict(each.split("=", 1) for each in entries)
    return TraceState(list(pairs.items())) if len(pairs) == len(entries) else _NO_STATE


_made: list[Any] = []
_lock = Lock()


def _provider() -> Any:
    """Return the project's provider of tracers, or one that sends to ``OTEL_EXPORTER_OTLP_ENDPOINT``.

    Its queue is bounded and emptied by a thread, so a collector that is down delays no request.
    """
    if _made:
        return _made[0]
    with _lock:
        if not _made:
            found = trace.get_tracer_provider()
            if not isinstance(found, TracerProvider):
                found = _make_provider()
            _made.append(found)
        return _made[0]


def _make_provider() -> TracerProvider:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise MissingExtra("opentelemetry-exporter-otlp-proto-http", "otel") from error
    made = TracerProvider(sampler=ALWAYS_ON)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def _forget(**_: Any) -> None:
    # Not at the end of the route: the log line of the request comes later.
    current_trace.set(None)


request_finished.connect(_forget, dispatch_uid="matt_observability_traces")
