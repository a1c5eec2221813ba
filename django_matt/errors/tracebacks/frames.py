"""A traceback as data: its frames, their source and redacted locals, causes, contexts and groups; always bounded."""

import copy
import linecache
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, TypedDict
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter, get_exception_reporter_filter

from django_matt.errors.reports import is_yours
from django_matt.errors.tracebacks.literals import hide_literals
from django_matt.errors.tracebacks.safe_repr import Values, printable
from django_matt.settings import get_settings

__all__ = [
    "Frame",
    "SourceLine",
    "Trace",
    "active_filter",
    "as_text",
    "capture",
    "in_reading_order",
    "locate",
]

MAX_FRAMES = 50
MAX_EXCEPTIONS = 20
_MAX_LOCALS = 40
_CONTEXT = 5
_DEFINITION = re.compile(r"\s*(async\s+)?def\s")


class SourceLine(TypedDict):
    """One line of the source around a frame."""

    number: int
    text: str
    current: bool


class Frame(TypedDict):
    """One frame; ``yours`` is false for Python's, the libraries' and our own.

    A frame with a ``note`` was not active when the exception was raised: the note says why it is shown.
    """

    file: str
    name: str
    line: int
    function: str
    module: str
    yours: bool
    source: list[SourceLine]
    locals: dict[str, str]
    editor: str
    note: str


class Trace(TypedDict):
    """One exception, its frames from the outermost in, what caused it, and the members of a group."""

    type: str
    message: str
    notes: list[str]
    frames: list[Frame]
    frames_left_out: int
    cause: "Trace | None"
    relation: str
    exceptions: list["Trace"]
    exceptions_left_out: int


def active_filter(request: HttpRequest | None) -> SafeExceptionReporterFilter:
    """Return the project's exception filter, at work in DEBUG too, where Django's own page does not ask it."""
    found: SafeExceptionReporterFilter = copy.copy(get_exception_reporter_filter(request))
    found.__dict__["is_active"] = lambda request: True
    return found


def capture(
    exc: BaseException, request: HttpRequest | None = None, view: Callable[..., Any] | None = None
) -> Trace:
    """Return an exception as data; never raises, even if the exception or a local cannot be shown.

    If no frame is of the project's own code, the definition of ``view`` is shown as the last frame.
    """
    capturing = _Capture(request)
    trace = capturing.trace(exc, "")
    code = getattr(view, "__code__", None)
    if code is not None and not any(frame["yours"] for frame in _all_frames(trace)):
        frame = capturing.definition(code, getattr(view, "__globals__", {}))
        if frame["yours"]:
            trace["frames"].append(frame)
    return trace


def _all_frames(trace: Trace) -> list[Frame]:
    causes = [trace["cause"], *trace["exceptions"]]
    return sum((_all_frames(each) for each in causes if each is not None), [*trace["frames"]])


def in_reading_order(trace: Trace) -> list[dict[str, Any]]:
    """List an exception, its causes and the members of its groups for a template, last call first.

    Locals are pairs: in a template ``locals.items`` is the local that is called ``items``.
    """
    headline, _, rest = trace["message"].strip().partition("\n")
    found: list[dict[str, Any]] = [
        {
            **trace,
            "headline": headline,
            "rest": rest.strip("\n"),
            "has_yours": any(frame["yours"] for frame in trace["frames"]),
            "frames": [
                {**frame, "locals": list(frame["locals"].items())}
                for frame in reversed(trace["frames"])
            ],
        }
    ]
    for link in [trace["cause"], *trace["exceptions"]]:
        found += [] if link is None else in_reading_order(link)
    return found


_RELATIONS = {
    "caused by": "The above exception was the direct cause of the following exception:",
    "raised while handling": "During handling of the above exception, another exception occurred:",
}


def as_text(trace: Trace) -> str:
    """Return an exception as Python prints it, without the secrets of source lines."""
    parts: list[str] = []
    if trace["cause"] is not None:
        parts += [as_text(trace["cause"]), "", _RELATIONS[trace["cause"]["relation"]], ""]
    for member in trace["exceptions"]:
        parts += [as_text(member), "", "The above exception is in the following group:", ""]
    parts += ["Traceback (most recent call last):"] if trace["frames"] else []
    for frame in trace["frames"]:
        note = f" ({frame['note']})" if frame["note"] else ""
        parts.append(
            f'  File "{frame["file"]}", line {frame["line"]}, in {frame["function"]}{note}'
        )
        parts += [f"    {line['text'].strip()}" for line in frame["source"] if line["current"]]
    said = f"{trace['type']}: {trace['message']}" if trace["message"] else trace["type"]
    return "\n".join([*parts, said, *trace["notes"]])[:50_000]


class _Capture:
    def __init__(self, request: HttpRequest | None) -> None:
        self.request = request
        self.filter = active_filter(request)
        self.values = Values(self.filter)
        self.seen: set[int] = set()
        self.lines: dict[str, list[str]] = {}

    def trace(self, exc: BaseException, relation: str) -> Trace:
        self.seen.add(id(exc))
        # Before the values of the frames, which may use up the time.
        message = printable(self.values.message(exc))
        frames, left_out = self.frames(exc.__traceback__)
        if isinstance(exc, SyntaxError) and exc.filename:
            # Code that was never compiled has no frame, and is the place to look at.
            frames.append(self.uncompiled(exc.filename, exc.lineno or 0))
        cause, cause_relation = exc.__cause__, "caused by"
        if cause is None and not exc.__suppress_context__:
            cause, cause_relation = exc.__context__, "raised while handling"
        known = cause is None or id(cause) in self.seen or len(self.seen) >= MAX_EXCEPTIONS
        shown: Trace = {
            "type": type(exc).__qualname__,
            "message": message,
            "notes": [printable(str(note)[:1_000]) for note in self._notes(exc)],
            "frames": frames,
            "frames_left_out": left_out,
            "cause": None if known or cause is None else self.trace(cause, cause_relation),
            "relation": relation,
            "exceptions": [],
            "exceptions_left_out": 0,
        }
        if isinstance(exc, BaseExceptionGroup):
            for member in exc.exceptions:
                if id(member) in self.seen or len(self.seen) >= MAX_EXCEPTIONS:
                    shown["exceptions_left_out"] += 1
                else:
                    shown["exceptions"].append(self.trace(member, "in the group"))
        return shown

    @staticmethod
    def _notes(exc: BaseException) -> list[Any]:
        notes = getattr(exc, "__notes__", [])
        return list(notes)[:10] if isinstance(notes, list | tuple) else []

    def frames(self, traceback: TracebackType | None) -> tuple[list[Frame], int]:
        steps: list[TracebackType] = []
        while traceback is not None:
            steps.append(traceback)
            traceback = traceback.tb_next
        left_out = max(0, len(steps) - MAX_FRAMES)
        if left_out:
            # The way in and the place itself tell most; in an endless recursion the middle is one line.
            steps = steps[:15] + steps[15 + left_out :]
        return [self.frame(step.tb_frame, step.tb_lineno or 0) for step in steps], left_out

    def frame(self, frame: FrameType, line: int) -> Frame:
        names = frame.f_globals
        shown = self.place(frame.f_code.co_filename, line, names)
        return {**shown, "function": frame.f_code.co_qualname, "locals": self.locals(frame)}

    def definition(self, code: CodeType, names: dict[str, Any]) -> Frame:
        """Return the definition of a function, which did not run when the exception was raised."""
        lines = linecache.getlines(code.co_filename, names)[code.co_firstlineno - 1 :][:50]
        below = next((n for n, line in enumerate(lines) if _DEFINITION.match(line)), 0)
        shown = self.place(code.co_filename, code.co_firstlineno + below, names)
        return {**shown, "function": code.co_qualname, "note": "the view of this route"}

    def uncompiled(self, filename: str, line: int) -> Frame:
        return {**self.place(filename, line, {}), "function": "<module>"}

    def place(self, filename: str, line: int, names: dict[str, Any]) -> Frame:
        """Return a frame with what a file and a line say."""
        file = locate(filename, names)
        path = str(file or filename)
        module = str(names.get("__name__", ""))
        yours = is_yours(path, module)
        return {
            "file": path,
            "name": _short(path),
            "line": line,
            "function": "",
            "module": module,
            "yours": yours,
            "source": _around(line, self.source(path, names, yours=yours)),
            "locals": {},
            "editor": _editor(path, line) if file else "",
            "note": "",
        }

    def source(self, path: str, names: dict[str, Any], *, yours: bool) -> list[str]:
        """Return the lines of a file; those of the project without its secrets."""
        if path not in self.lines:
            try:
                linecache.checkcache(path)
                lines = linecache.getlines(path, names)
            except Exception:  # noqa: BLE001 - a loader that cannot give its source leaves the frame without
                lines = []
            self.lines[path] = hide_literals(lines, self.values.is_hidden) if yours else lines
        return self.lines[path]

    def locals(self, frame: FrameType) -> dict[str, str]:
        try:
            found = list(self.filter.get_traceback_frame_variables(self.request, frame))
        except Exception as error:  # noqa: BLE001 - a lazy local may raise while the filter looks at it
            return {"…": f"the exception filter raised {type(error).__name__}"}
        shown = {str(name): self.values.named(name, value) for name, value in found[:_MAX_LOCALS]}
        if len(found) > _MAX_LOCALS:
            shown["…"] = f"{len(found) - _MAX_LOCALS} more"
        return shown


def locate(filename: str, names: dict[str, Any]) -> Path | None:
    """Return the source file of a frame; for a compiled one, whose name is relative, the ``.py`` beside its module."""
    if filename.startswith("<"):
        return None
    path = Path(filename)
    candidates = [path] if path.is_absolute() else []
    home = names.get("__file__")
    if isinstance(home, str):
        candidates.append(Path(home).parent / path.name)
    if not path.is_absolute():
        candidates += [Path(root or ".") / path for root in sys.path[:50]]
    for candidate in candidates:
        try:
            if candidate.is_file():
                return candidate.absolute()
        except (OSError, ValueError):
            continue
    return None


def _short(path: str) -> str:
    for marker in ("/site-packages/", "/dist-packages/"):
        if marker in path:
            return path.rpartition(marker)[2]
    base = getattr(settings, "BASE_DIR", None) or Path.cwd()
    return path.removeprefix(f"{base}/")


def _around(line: int, lines: list[str]) -> list[SourceLine]:
    first = max(1, line - _CONTEXT)
    return [
        {
            "number": number,
            "text": printable(text.rstrip("\n").expandtabs(4))[:300],
            "current": number == line,
        }
        for number, text in enumerate(lines[first - 1 : line + _CONTEXT], first)
    ]


def _editor(path: str, line: int) -> str:
    link = get_settings().EDITOR
    if path.startswith("/"):
        link = link.replace("/{path}", "{path}")
    return link.replace("{path}", quote(path)).replace("{line}", str(line))
