"""What is observed of one request, from its arrival to the last byte of its response."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from django_matt.contrib.observability.metrics import Series, lost

__all__ = ["Detail", "Observation", "Query", "current", "keeping", "requests"]

_MOST_QUERIES = 1_000


@dataclass(slots=True)
class Query:
    """One statement of a request. Its values are not kept."""

    text: str
    """The statement, with ``%s`` for each value."""
    seconds: float
    """Until the database sent the first rows."""
    place: str
    """The file and line of your code that caused it; empty if none of your code was running."""
    alias: str
    same: int
    """Equal for the same statement with the same values: a hash with a key that exists only in this process."""
    started: float


@dataclass(slots=True)
class Detail:
    """What is kept of a request in ``DEBUG``, and by ``matt_advise``."""

    number: int
    method: str
    path: str
    """Without the query string, which may contain secrets."""
    route: str
    operation: Any
    """Ninja's operation; None for an unknown URL."""
    api: Any
    place: str
    """The file and line of the view."""
    at: float
    """Seconds since the epoch."""
    seconds: float = 0.0
    status: int = 0
    tier: str = ""
    """The tier that wrote the response, and why no faster one did."""
    size: int | None = None
    """Bytes of the body; None while a stream is open."""
    ended: str = ""
    """``disconnected`` or ``failed``, if the response is not complete."""
    items: int = 0
    """How many items the list in the body has."""
    paginated: bool = False
    answer: int = 0
    """Equal for the same body to the same request."""
    asked: int = 0
    """Equal for the same path and query string."""
    cacheable: bool = False
    """Whether the response has a header that lets clients or proxies keep it."""
    queries: list[Query] = field(default_factory=list)
    count: int = 0
    """How many queries there were; not more than 1,000 of them are kept."""
    query_seconds: float = 0.0


requests: deque[Detail] = deque(maxlen=200)
"""The last requests, the newest last; of this process alone."""


class _Keeping:
    """Whether details are kept: with ``DEBUG``, and while something wants them."""

    def __init__(self) -> None:
        self._wanted = 0
        self.on = False
        setting_changed.connect(self._decide)

    def _decide(self, **_: Any) -> None:
        # Decided here, as settings.DEBUG takes half a microsecond.
        self.on = bool(settings.DEBUG or self._wanted)

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Keep details, although ``DEBUG`` is off."""
        self._wanted += 1
        self._decide()
        try:
            yield
        finally:
            self._wanted -= 1
            self._decide()

    def start(self) -> None:
        """Decide by the settings of the project."""
        self._decide()


keeping = _Keeping()
current: ContextVar["Observation | None"] = ContextVar("matt_observation", default=None)


class Observation:
    """The observation of one request."""

    answered = False
    detail: Detail | None = None
    trace: Any = None
    profile: Any = None
    queries = 0
    query_seconds = 0.0

    def __init__(self, series: Series) -> None:
        """Begin; ``series`` are the metrics of the route and the method."""
        self.series = series
        self.started = perf_counter()

    def __del__(self) -> None:
        # No hook is called for a request that was cancelled. This may run anywhere, so it takes no lock.
        if not self.answered:
            lost.append(self.series)

    def add_query(self, query: Query) -> None:
        """Keep a statement, if details are kept."""
        detail = self.detail
        if detail is not None:
            detail.count += 1
            detail.query_seconds += query.seconds
            if len(detail.queries) < _MOST_QUERIES:
                detail.queries.append(query)
