"""A traceback as data: its frames, their source and redacted locals, causes, contexts and groups; always bounded."""

import copy
import linecache
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TypedDict
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter, get_exception_reporter_filter

from django_matt.errors.reports import is_yours
from django_matt.errors.tracebacks.safe_repr import Values, printable
from django_matt.settings import get_settings

__all__ = ["Frame", "SourceLine", "Trace", "active_filter", "capture", "locate"]

MAX_FRAMES = 50
MAX_EXCEPTIONS = 20
_MAX_LOCALS = 40
_CONTEXT = 5


class SourceLine(TypedDict):
    """One line of the source around a frame."""

    number: int
    text: str
    current: bool


class Frame(TypedDict):
    """One frame; ``yours`` is false for Python's, the libraries' and our own."""

    file: str
    name: str
    line: int
    function: str
    module: str
    yours: bool
    source: list[SourceLine]
    locals: dict[str, str]
    editor: str


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


def capture(exc: BaseException, request: HttpRequest | None = None) -> Trace:
    """Return an exception as data; never raises for what the exception or a local holds."""
    return _Capture(request).trace(exc, "")


class _Capture:
    def __init__(self, request: HttpRequest | None) -> None:
        self.request = request
        self.filter = active_filter(request)
        self.values = Values(self.filter)
        self.seen: set[int] = set()

    def trace(self, exc: BaseException, relation: str) -> Trace:
        self.seen.add(id(exc))
        frames, left_out = self.frames(exc.__traceback__)
        if isinstance(exc, SyntaxError) and exc.filename:
            # Code that was never compiled has no frame, and is the place to look at.
            frames.append(_uncompiled(exc.filename, exc.lineno or 0))
        cause, cause_relation = exc.__cause__, "caused by"
        if cause is None and not exc.__suppress_context__:
            cause, cause_relation = exc.__context__, "raised while handling"
        known = cause is None or id(cause) in self.seen or len(self.seen) >= MAX_EXCEPTIONS
        shown: Trace = {
            "type": type(exc).__qualname__,
            "message": printable(self.values.message(exc)),
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
        module = str(names.get("__name__", ""))
        file = locate(frame.f_code.co_filename, names)
        path = str(file or frame.f_code.co_filename)
        return {
            "file": path,
            "name": _short(path),
            "line": line,
            "function": frame.f_code.co_qualname,
            "module": module,
            "yours": is_yours(path, module),
            "source": _source(path, line, names),
            "locals": self.locals(frame),
            "editor": _editor(path, line) if file else "",
        }

    def locals(self, frame: FrameType) -> dict[str, str]:
        try:
            found = list(self.filter.get_traceback_frame_variables(self.request, frame))
        except Exception as error:  # noqa: BLE001 - a lazy local may raise while the filter looks at it
            return {"…": f"the exception filter raised {type(error).__name__}"}
        shown = {str(name): self.values.named(name, value) for name, value in found[:_MAX_LOCALS]}
        if len(found) > _MAX_LOCALS:
            shown["…"] = f"{len(found) - _MAX_LOCALS} more"
        return shown


def _uncompiled(filename: str, line: int) -> Frame:
    path = str(locate(filename, {}) or filename)
    return {
        "file": path,
        "name": _short(path),
        "line": line,
        "function": "<module>",
        "module": "",
        "yours": is_yours(path, ""),
        "source": _source(path, line, {}),
        "locals": {},
        "editor": _editor(path, line) if not path.startswith("<") else "",
    }


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


def _source(path: str, line: int, names: dict[str, Any]) -> list[SourceLine]:
    try:
        linecache.checkcache(path)
        lines = linecache.getlines(path, names)
    except Exception:  # noqa: BLE001 - a loader that cannot give its source leaves the frame without
        return []
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
