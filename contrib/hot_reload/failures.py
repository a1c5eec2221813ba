"""Failures that the overlay shows: of a process that did not start, or of a request in the background."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from traceback import FrameSummary, TracebackException

from django.http import HttpRequest
from django.template import Context, Engine
from django.template.loader import render_to_string

import django_matt
from django_matt.errors.reports import is_yours
from django_matt.errors.tracebacks.explanations import versions
from django_matt.errors.tracebacks.frames import Trace, as_text, capture, in_reading_order
from django_matt.errors.tracebacks.hints import find_hint

__all__ = ["Failure", "as_printed", "describe", "render"]

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
    trace = capture(exc, request)
    return Failure(
        where=f"{request.method} {request.path}" if request else "",
        trace=trace,
        hint=find_hint(exc, request),
        text=as_text(trace),
    )


def as_printed(exc: BaseException, *, whole: bool = False) -> str:
    """Return an exception as Python prints it, without the frames of libraries that lead to the project's code.

    With ``whole``, and if no frame is of the project, all frames are in it.
    """
    shown = TracebackException.from_exception(exc)
    left_out = 0
    for link in () if whole else _links(shown):
        # Code that was never compiled has no frame: its place is in the message of the SyntaxError.
        place = getattr(link, "filename", None)
        only_yours = place is not None and is_yours(place, "")
        frames = _worth_showing(link.stack, only_yours=only_yours)
        left_out += len(link.stack) - len(frames)
        link.stack[:] = frames
    text = "".join(shown.format())
    if left_out:
        text += (
            f"\n{left_out} frames of libraries are not shown. runserver --traceback shows them.\n"
        )
    return text


def _links(shown: TracebackException) -> Iterator[TracebackException]:
    yield shown
    for link in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if link is not None:
            yield from _links(link)


def _worth_showing(frames: list[FrameSummary], *, only_yours: bool) -> list[FrameSummary]:
    """Return the frames of the project, and unless ``only_yours``, those of the library that its last frame calls."""
    yours = [frame for frame in frames if is_yours(frame.filename, "")]
    if only_yours:
        return yours
    if not yours:
        return frames
    last = next(number for number, frame in enumerate(frames) if frame is yours[-1])
    after = frames[last + 1 :]
    return [*yours, *(frame for frame in after if not _imports(frame))]


def _imports(frame: FrameSummary) -> bool:
    return frame.filename.startswith("<frozen importlib") or frame.filename == importlib.__file__


def render(failure: Failure, *, folder: str, version: str, standing: bool) -> bytes:
    """Return the HTML page of a failure.

    ``standing`` means that the server cannot start: the page then has a script that reloads it when the failure is
    fixed. If the templates of the project can be loaded, its own ``matt/hot_reload/failure.html`` is used.
    """
    values = {
        "failure": failure,
        "chain": in_reading_order(_without_colours(failure.trace)),
        "assets": folder,
        "version": version,
        "standing": standing,
        "versions": list(versions().items()),
    }
    name = "matt/hot_reload/failure.html"
    try:
        return render_to_string(name, values).encode()
    except Exception:  # noqa: BLE001 - the page must also work if the project is broken
        engine = Engine(dirs=[str(path) for path in _TEMPLATES])
        return engine.get_template(name).render(Context(values, use_l10n=False)).encode()


def _without_colours(trace: Trace) -> Trace:
    cause = trace["cause"]
    return {
        **trace,
        "message": _COLOUR.sub("", trace["message"]),
        "cause": None if cause is None else _without_colours(cause),
        "exceptions": [_without_colours(member) for member in trace["exceptions"]],
    }
