"""The pages of the last requests, one request, and the advice about them; only with ``DEBUG``."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe

from django_matt.contrib.observability.advice.explaining import Database, Refused
from django_matt.contrib.observability.advice.rules import REPEATED, advise
from django_matt.contrib.observability.observations import Detail, requests
from django_matt.pages import render_page

__all__ = ["show_advice", "show_request", "show_requests"]

_WIDTH, _HEIGHT = 1_000, 120

View = Callable[..., HttpResponse]


def _only_in_debug(view: View) -> View:
    @login_not_required
    @transaction.non_atomic_requests
    @wraps(view)
    def show(request: HttpRequest, **path: Any) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404
        response = require_safe(view)(request, **path)
        add_never_cache_headers(response)
        return response

    return show


@_only_in_debug
def show_requests(request: HttpRequest) -> HttpResponse:
    """Show the last 200 requests of this process, the newest first; ``?route=`` shows those of one route."""
    route = request.GET.get("route", "")
    found = [each for each in list(requests) if not route or each.route == route]
    shown = [
        {"detail": each, "ms": each.seconds * 1_000, "repeated": _most_repeated(each)}
        for each in reversed(found)
    ]
    context = {
        "rows": shown,
        "route": route,
        "width": _WIDTH,
        "height": _HEIGHT,
        "bars": _bars(found),
    }
    context["slowest"] = max((each.seconds * 1_000 for each in found), default=0)
    return render_page(request, "matt_observability/requests.html", context)


@_only_in_debug
def show_request(request: HttpRequest, number: int) -> HttpResponse:
    """Show one request and its queries; ``?explain=`` with the number of a query shows its plan."""
    detail = next((each for each in list(requests) if each.number == number), None)
    if detail is None:
        raise Http404("This request is no longer kept.")
    times = Counter(each.text for each in detail.queries)
    queries = [
        {"at": at, "query": each, "ms": each.seconds * 1_000, "times": times[each.text]}
        for at, each in enumerate(detail.queries, 1)
    ]
    asked, plan, problem = request.GET.get("explain", ""), "", ""
    # A number with more digits would be slow to read.
    chosen = int(asked) if asked.isdecimal() and asked.isascii() and len(asked) < 6 else 0
    if 0 < chosen <= len(queries):
        query = detail.queries[chosen - 1]
        try:
            plan = Database(query.alias).explain(query.text).text
        except Refused as refused:
            problem = str(refused)
    context = {
        "detail": detail,
        "ms": detail.seconds * 1_000,
        "queries": queries,
        "explained": chosen,
        "plan": plan,
    }
    context |= {
        "problem": problem,
        "query_ms": detail.query_seconds * 1_000,
        "times": times.most_common(1),
    }
    return render_page(request, "matt_observability/request.html", context)


@_only_in_debug
def show_advice(request: HttpRequest) -> HttpResponse:
    """Show the advice about the last requests of this process."""
    found = list(requests)
    context = {"advice": advise(found), "count": len(found)}
    return render_page(request, "matt_observability/advice.html", context)


def _most_repeated(detail: Detail) -> int:
    times = Counter(each.text for each in detail.queries)
    most = max(times.values(), default=0)
    return most if most >= REPEATED else 0


def _bars(found: list[Detail]) -> list[dict[str, Any]]:
    """Return the bars of the plot, the oldest first: the whole time, and in it the time of the queries."""
    slowest = max((each.seconds for each in found), default=0) or 1
    step = _WIDTH / max(len(found), 40)
    bars = []
    for at, each in enumerate(found):
        height = max(each.seconds / slowest * _HEIGHT, 1)
        inner = min(each.query_seconds / slowest * _HEIGHT, height)
        bars.append(
            {
                "x": f"{at * step:.2f}",
                "width": f"{step * 0.8:.2f}",
                "y": f"{_HEIGHT - height:.2f}",
                "height": f"{height:.2f}",
                "inner_y": f"{_HEIGHT - inner:.2f}",
                "inner": f"{inner:.2f}",
                "detail": each,
                "ms": each.seconds * 1_000,
            }
        )
    return bars
