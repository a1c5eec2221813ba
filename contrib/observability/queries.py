"""The execute wrapper, which observes the queries of a request in whichever thread they run."""

import sys
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import Any

from django_matt.connection_wrappers import wrap_connections
from django_matt.contrib.observability.observations import Query, current
from django_matt.contrib.observability.statements import fingerprint
from django_matt.errors.reports import is_yours
from django_matt.hook_chains import bind_answered

__all__ = ["observe_queries", "place_of"]

_is_yours = lru_cache(maxsize=4_096)(is_yours)
_OUTERMOST = {(bind_answered.__module__, "around"), ("asgiref.sync", "thread_handler")}
"""The modules and functions between the view and what calls it."""


def observe_queries() -> None:
    """Observe the queries of every connection, those that are open and those that will be opened."""
    wrap_connections(_observe)


def _observe(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
    """Run a query; Django calls this around each one. ``executemany`` counts as one."""
    observation = current.get()
    if observation is None:
        return execute(sql, params, many, context)
    started = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = perf_counter() - started
        observation.queries += 1
        observation.query_seconds += seconds
        trace = observation.trace
        if observation.detail is not None or (trace is not None and trace.wants(seconds)):
            text = fingerprint(sql, has_parameters=params is not None)
            alias = context["connection"].alias
            if trace is not None and trace.wants(seconds):
                trace.add_query(text, context["connection"], started, seconds)
            if observation.detail is not None:
                same = hash((text, str(sql), repr(params)))
                observation.add_query(Query(text, seconds, _find_place(), alias, same, started))


def _find_place() -> str:
    """Return the innermost line of the project's own code that is running."""
    frame = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        # Beyond these are the project's middleware and what has started the server.
        if (module, frame.f_code.co_name) in _OUTERMOST:
            return ""
        if _is_yours(frame.f_code.co_filename, module):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def place_of(function: Any) -> str:
    """Return the file and line of a function."""
    code = getattr(function, "__code__", None)
    return "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
