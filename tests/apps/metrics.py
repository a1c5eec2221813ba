"""Metrics: how many requests each route has answered, with which status, and in how many seconds."""

from collections import Counter
from functools import cached_property
from time import perf_counter
from typing import Any, Self

from django.apps import AppConfig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt import MattAPI
from django_matt.hooks import Call, OperationHook
from django_matt.operations import find_operation

COUNTS: Counter[tuple[str, str, int]] = Counter()
SECONDS: Counter[str] = Counter()


class Measure(OperationHook):
    """Stands outside of everything, so that it sees refused requests and unknown URLs too."""

    order = -1_000
    never_blocks = True

    def __init__(self, api: MattAPI, operation: Operation | None) -> None:
        self.api, self.operation = api, operation

    @classmethod
    def bind(cls, operation: Operation, api: MattAPI) -> Self:
        return cls(api, operation)

    @classmethod
    def bind_unmatched(cls, api: MattAPI) -> Self:
        return cls(api, None)

    @cached_property
    def route(self) -> str:
        """The whole path: a controller's operation knows its own part of it alone."""
        return "none" if self.operation is None else find_operation(self.api, self.operation).path

    def received(self, call: Call) -> None:
        call.state[self] = perf_counter()

    def answered(self, call: Call, response: HttpResponseBase) -> None:
        COUNTS[str(call.request.method), self.route, response.status_code] += 1
        SECONDS[self.route] += perf_counter() - call.state[self]


def show(request: HttpRequest) -> HttpResponse:
    lines = [
        f'requests{{method="{method}",route="{route}",status="{status}"}} {count}'
        for (method, route, status), count in sorted(COUNTS.items())
    ]
    lines += [f'seconds{{route="{route}"}} {spent:.6f}' for route, spent in SECONDS.items()]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; version=0.0.4")


class MetricsConfig(AppConfig):
    name = "tests.apps.metrics"

    def extend(self, api: Any) -> None:
        api.add_hook(Measure)
        api.get("/metrics", include_in_schema=False)(show)
