"""A failure as the overlay shows it: of a process that did not start, or of a request in the background."""

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
    """An exception as data, kept until a page asks for it."""

    where: str
    """The request, as its method and path; empty for a process that did not start."""
    trace: Trace
    hint: str | None
    text: str


def describe(exc: BaseException, request: HttpRequest | None = None) -> Failure:
    """Return what an exception says and where it came from."""
    return Failure(
        where=f"{request.method} {request.path}" if request else "",
        trace=capture(exc, request),
        hint=find_hint(exc, request),
        text="".join(traceback.format_exception(exc, limit=-50))[:50_000],
    )


def render(failure: Failure, *, folder: str, version: str, standing: bool) -> bytes:
    """Return the page of a failure; ``standing`` adds the script that leaves the page once the failure is fixed.

    A project's own ``matt/hot_reload/failure.html`` is taken where its templates can be loaded.
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
    except Exception:  # noqa: BLE001 - a page that explains an error must not need a healthy project
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
