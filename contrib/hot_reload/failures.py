"""Failures that the overlay shows: of a process that did not start, or of a request in the background."""

import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.template import Context, Engine
from django.template.loader import render_to_string

import django_matt
from django_matt.errors.tracebacks.explanations import versions
from django_matt.errors.tracebacks.frames import Trace, capture
from django_matt.errors.tracebacks.hints import find_hint

__all__ = ["Failure", "describe", "render"]

_COLOUR = re.compile(r"(?:\x1b|\\x1b)\[[0-9;]*m")
_TEMPLATES = [
    Path(__file__).parent / "templates",
    Path(django_matt.__file__).parent / "templates",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception as data, which is kept until a page asks for it."""

    where: str
    """The method and path of the request; empty for a process that did not start."""
    trace: Trace
    hint: str | None
    text: str


def describe(exc: BaseException, request: HttpRequest | None = None) -> Failure:
    """Return an exception as data: its message, traceback and hint."""
    return Failure(
        where=f"{request.method} {request.path}" if request else "",
        trace=capture(exc, request),
        hint=find_hint(exc, request),
        text="".join(traceback.format_exception(exc, limit=-50))[:50_000],
    )


def render(failure: Failure, *, folder: str, version: str, standing: bool) -> bytes:
    """Return the HTML page of a failure.

    ``standing`` means that the server cannot start: the page then has a script that reloads it when the failure is
    fixed. If the templates of the project can be loaded, its own ``matt/hot_reload/failure.html`` is used.
    """
    values = {
        "failure": failure,
        "chain": _chain(failure.trace),
        "assets": folder,
        "version": version,
        "standing": standing,
        "versions": versions(),
    }
    name = "matt/hot_reload/failure.html"
    try:
        return render_to_string(name, values).encode()
    except Exception:  # noqa: BLE001 - the page must also work if the project is broken
        engine = Engine(dirs=[str(path) for path in _TEMPLATES])
        return engine.get_template(name).render(Context(values, use_l10n=False)).encode()


def _chain(trace: Trace) -> list[dict[str, Any]]:
    headline, _, rest = _COLOUR.sub("", trace["message"]).strip().partition("\n")
    found: list[dict[str, Any]] = [
        {
            **trace,
            "headline": headline,
            "rest": rest.strip("\n"),
            "has_yours": any(frame["yours"] for frame in trace["frames"]),
            "frames": trace["frames"][::-1],
        }
    ]
    for link in [trace["cause"], *trace["exceptions"]]:
        found += _chain(link) if link is not None else []
    return found
