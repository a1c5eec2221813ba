"""A logging filter that adds the ids of the request and of its trace to each record."""

import logging

from django_matt.extensions import current_request_id

__all__ = ["TraceFilter"]


class TraceFilter(logging.Filter):
    """Sets ``request_id``, ``trace_id`` and ``span_id`` on records; the latter two are empty outside of traced requests.

    With the app ``request_logs``, the ids are in the JSON lines if a handler has this filter.
    """

    def __init__(self, name: str = "") -> None:
        """Take the name as every filter does."""
        super().__init__(name)
        # Here, as LOGGING is configured before the extra is needed.
        from django_matt.contrib.observability.traces import current_trace

        self._trace = current_trace

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep all records."""
        found = self._trace.get()
        # Outside of requests too, so that a format can name them.
        record.trace_id = "" if found is None else found.trace_id
        record.span_id = "" if found is None else found.span_id
        known = current_request_id.get()
        if known and not getattr(record, "request_id", None):
            record.request_id = known
        return True
