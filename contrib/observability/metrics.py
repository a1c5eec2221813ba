"""The metrics of the routes, and their text for Prometheus.

Each route and method has its own counters and the text of its labels, made once. Prometheus' own client takes 50 to 100
milliseconds to write 500 histograms, and this one to five. If ``PROMETHEUS_MULTIPROC_DIR`` is set, the counters are those
of the client, which adds up those of all processes.
"""

import logging
import os
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from threading import Lock
from typing import Any

from django.apps import apps

from django_matt.metrics import ReportsMetrics

__all__ = ["METHODS", "Series", "lost", "series_of", "write"]

logger = logging.getLogger(__name__)

METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"]
)
"""Each other method is counted as ``_OTHER``, as OpenTelemetry's conventions have it."""

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_DURATION = "http_server_request_duration_seconds"
_ACTIVE = "http_server_active_requests"
_COUNTERS = {
    "matt_queries_total": "Database queries of the requests.",
    "matt_query_seconds_total": "Seconds until the database answered these queries.",
    "matt_response_bytes_total": "Bytes of the bodies of responses, without what middleware changes.",
    "matt_cancelled_requests_total": "Requests whose client left before there was a response.",
}
_HELP = {
    _DURATION: "Seconds from the arrival of a request at its route to its response.",
    _ACTIVE: "Requests that are being answered.",
}

lost: deque["Series"] = deque()
"""The series of requests that ended without a response; an entry is added without a lock."""


class Series:
    """The counters of one route and method."""

    __slots__ = ("_durations", "_labels", "_lock", "_totals", "open")

    def __init__(self, method: str, route: str) -> None:
        """Begin at zero, and write the labels."""
        self._labels = f'http_request_method="{method}",http_route="{_escape(route)}"'
        self._lock = Lock()
        self.open: deque[None] = deque()
        """Has an entry for each request that is being answered: it is changed without a lock."""
        # By status: the text before each count, the counts by bucket, the sum of the seconds.
        self._durations: dict[int, tuple[list[str], list[int], list[float]]] = {}
        self._totals: list[Any] = [0, 0.0, 0, 0]

    def answer(
        self,
        status: int,
        seconds: float,
        queries: int = 0,
        query_seconds: float = 0.0,
        size: int = 0,
    ) -> None:
        """Count a response, and what it has needed if it is complete."""
        if lost:
            count_lost()
        with self._lock:
            self.open.pop()
            found = self._durations.get(status) or self._add_status(status)
            found[1][bisect_left(_BOUNDS, seconds)] += 1
            found[2][0] += seconds
            totals = self._totals
            totals[2] += size
            if queries:
                totals[0] += queries
                totals[1] += query_seconds

    def add(self, queries: int, query_seconds: float, size: int) -> None:
        """Count what a stream has needed, when it ends."""
        with self._lock:
            totals = self._totals
            totals[0] += queries
            totals[1] += query_seconds
            totals[2] += size

    def cancel(self) -> None:
        """Count a request that has no response."""
        with self._lock:
            self.open.pop()
            self._totals[3] += 1

    def _add_status(self, status: int) -> tuple[list[str], list[int], list[float]]:
        labels = f'{self._labels},http_response_status_code="{int(status)}"'
        bounds = [*map(str, _BOUNDS), "+Inf"]
        texts = [f'{_DURATION}_bucket{{{labels},le="{bound}"}} ' for bound in bounds]
        texts += [f"{_DURATION}_count{{{labels}}} ", f"{_DURATION}_sum{{{labels}}} "]
        made = self._durations[status] = (texts, [0] * len(bounds), [0.0])
        return made

    def lines(self) -> Iterator[str]:
        """Yield the lines of the durations."""
        for texts, counts, total in list(self._durations.values()):
            count = 0
            for text, more in zip(texts, counts, strict=False):
                count += more
                yield f"{text}{count}"
            yield f"{texts[-2]}{count}"
            yield f"{texts[-1]}{total[0]!r}"

    def total(self, name: str, at: int) -> str:
        """Return the line of a counter."""
        return f"{name}{{{self._labels}}} {self._totals[at]!r}"


class _SharedOpen:
    """Counts the requests of all processes that are being answered."""

    def __init__(self, gauge: Any) -> None:
        self._gauge = gauge

    def append(self, _: None) -> None:
        self._gauge.inc()

    def pop(self) -> None:
        self._gauge.dec()


class SharedSeries(Series):
    """The same, in the files that the processes share."""

    __slots__ = ("_children", "_names")

    def __init__(self, method: str, route: str) -> None:
        """Bind the client's children."""
        super().__init__(method, route)
        families = _shared_families()
        self._names = (method, route)
        self._children: dict[int, Any] = {}
        self._totals = [families[name].labels(method, route) for name in _COUNTERS]
        self.open = _SharedOpen(families[_ACTIVE])  # type: ignore[assignment]

    def answer(
        self,
        status: int,
        seconds: float,
        queries: int = 0,
        query_seconds: float = 0.0,
        size: int = 0,
    ) -> None:
        if lost:
            count_lost()
        self.open.pop()
        child = self._children.get(status)
        if child is None:
            child = _families[_DURATION].labels(*self._names, str(int(status)))
            self._children[status] = child
        child.observe(seconds)
        self.add(queries, query_seconds, size)

    def add(self, queries: int, query_seconds: float, size: int) -> None:
        if queries:
            self._totals[0].inc(queries)
            self._totals[1].inc(query_seconds)
        if size:
            self._totals[2].inc(size)

    def cancel(self) -> None:
        self.open.pop()
        self._totals[3].inc()


_all: dict[tuple[str, str], Series] = {}
_families: dict[str, Any] = {}
_lock = Lock()


def _shared_families() -> dict[str, Any]:
    if not _families:
        from prometheus_client import Counter, Gauge, Histogram

        labels = ["http_request_method", "http_route"]
        options: Any = {"registry": None}
        for name, text in _COUNTERS.items():
            _families[name] = Counter(name, text, labels, **options)
        _families[_ACTIVE] = Gauge(
            _ACTIVE, _HELP[_ACTIVE], multiprocess_mode="livesum", registry=None
        )
        _families[_DURATION] = Histogram(
            _DURATION,
            _HELP[_DURATION],
            [*labels, "http_response_status_code"],
            buckets=_BOUNDS,
            **options,
        )
    return _families


def series_of(method: str, route: str) -> Series:
    """Return the counters of a method and the template of a route; the same ones each time."""
    key = (method if method in METHODS else "_OTHER", route)
    with _lock:
        found = _all.get(key)
        if found is None:
            kind = SharedSeries if "PROMETHEUS_MULTIPROC_DIR" in os.environ else Series
            found = _all[key] = kind(*key)
        return found


def count_lost() -> None:
    """Count the requests that ended without a response since this was last called."""
    while True:
        try:
            series = lost.popleft()
        except IndexError:
            return
        series.cancel()


def write() -> bytes:
    """Return the metrics of this process, or of all processes that share a folder, with those of the apps and of your own code.

    Those of the apps (``ReportsMetrics``) are of the process that is asked, also with a shared folder.

    The text is in version 0.0.4 of Prometheus' format.
    """
    from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

    count_lost()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + _write_apps()
    with _lock:
        found = list(_all.values())
    lines = [f"# HELP {_DURATION} {_HELP[_DURATION]}", f"# TYPE {_DURATION} histogram"]
    for series in found:
        lines += series.lines()
    for at, (name, text) in enumerate(_COUNTERS.items()):
        lines += [f"# HELP {name} {text}", f"# TYPE {name} counter"]
        lines += [series.total(name, at) for series in found]
    active = sum(len(series.open) for series in found)
    lines += [
        f"# HELP {_ACTIVE} {_HELP[_ACTIVE]}",
        f"# TYPE {_ACTIVE} gauge",
        f"{_ACTIVE} {active}",
    ]
    return "\n".join([*lines, ""]).encode() + generate_latest(REGISTRY) + _write_apps()


def _write_apps() -> bytes:
    """Return what the installed apps report. An app that fails is logged, and the others are shown."""
    lines: list[str] = []
    for app in apps.get_app_configs():
        if not isinstance(app, ReportsMetrics):
            continue
        try:
            found = [*app.metrics()]
        except Exception:
            logger.exception("The app %s could not report its metrics.", app.label)
            continue
        for each in found:
            lines += [f"# HELP {each.name} {_escape(each.help)}", f"# TYPE {each.name} {each.kind}"]
            for labels, value in each.samples:
                pairs = ",".join(f'{name}="{_escape(text)}"' for name, text in labels.items())
                lines.append(f"{each.name}{{{pairs}}} {value!r}")
    return "\n".join([*lines, ""]).encode() if lines else b""


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
