"""Profiles of single requests in ``DEBUG``: a flame graph as SVG, and JSON for Speedscope. Extra: ``profile``."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers

from django_matt.errors.exceptions import MissingExtra
from django_matt.errors.reports import is_yours, safe_path
from django_matt.pages import render_page

try:
    from pyinstrument import Profiler
    from pyinstrument.renderers import SpeedscopeRenderer
except ImportError as error:
    raise MissingExtra("pyinstrument", "profile") from error

__all__ = ["Profile", "begin"]

_WIDTH, _LINE = 1_000.0, 20
_DEEPEST = 100
_NARROWEST = 0.002
"""A frame with a smaller share of the time is not drawn."""
_CHARACTER = 6.6


class Profile:
    """The profile of one request."""

    def __init__(self, profiler: Profiler, kind: str) -> None:
        """Take the running profiler, and what is asked for: ``1`` or ``speedscope``."""
        self._profiler = profiler
        self._kind = kind

    def end(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponse | None:
        """Return the profile instead of a response; None if it cannot be ended here, as after an exception of an async view."""
        try:
            session = self._profiler.stop()
        except Exception:  # noqa: BLE001 - the request has moved to another thread
            return None
        if self._kind == "speedscope":
            body = SpeedscopeRenderer().render(session)
            shown = HttpResponse(body, content_type="application/json")
            shown["Content-Disposition"] = 'attachment; filename="profile.speedscope.json"'
        else:
            context = _draw(session) | {"status": response.status_code, "method": request.method}
            context["path"] = safe_path(request)
            shown = render_page(request, "matt_observability/profile.html", context)
        response.close()
        add_never_cache_headers(shown)
        return shown


def begin(request: HttpRequest, *, is_async: bool) -> Profile | None:
    """Profile a request whose query has ``__profile=1`` or ``__profile=speedscope``; None for other requests.

    One request at a time is profiled in each thread.
    """
    kind = request.GET.get("__profile", "")
    if kind not in ("1", "speedscope"):
        return None
    profiler = Profiler(interval=0.001, async_mode="enabled" if is_async else "disabled")
    try:
        profiler.start()
    except RuntimeError:
        return None
    return Profile(profiler, kind)


def _draw(session: Any) -> dict[str, Any]:
    """Return the boxes of the flame graph, the callers above."""
    root = session.root_frame()
    boxes: list[dict[str, Any]] = []
    deepest = 0
    waiting = [] if root is None else [(root, 0.0, 0)]
    whole = root.time if root is not None and root.time else 1.0
    while waiting:
        frame, x, depth = waiting.pop()
        width = frame.time / whole * _WIDTH
        if frame.time / whole < _NARROWEST or depth >= _DEEPEST:
            continue
        deepest = max(deepest, depth)
        boxes.append(_box(frame, x, depth, width))
        for child in frame.children:
            waiting.append((child, x, depth + 1))
            x += child.time / whole * _WIDTH
    return {
        "boxes": boxes,
        "width": int(_WIDTH),
        "height": (deepest + 1) * _LINE,
        "ms": session.duration * 1_000,
    }


def _box(frame: Any, x: float, depth: int, width: float) -> dict[str, Any]:
    path = frame.file_path or ""
    name = frame.function
    return {
        "x": f"{x:.2f}",
        "y": depth * _LINE,
        "text_x": f"{x + 3:.2f}",
        "text_y": depth * _LINE + 14,
        "width": f"{max(width - 0.5, 0.5):.2f}",
        "height": _LINE - 1,
        "label": name[: int((width - 6) / _CHARACTER)] if width > 30 else "",
        "title": f"{name} {frame.file_path_short or ''}:{frame.line_no or ''} {frame.time * 1_000:.1f} ms",
        "yours": bool(path) and is_yours(path, ""),
    }
