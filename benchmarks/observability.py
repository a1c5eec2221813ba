"""``python -m benchmarks.observability``: what metrics and traces cost a hello, and what a scrape of 500 operations takes.

Every line takes turns with the others; the least CPU time of each counts, and ratios are printed.
"""

import gc
import random
import sys
import time
from types import ModuleType
from typing import Any

import django
from django.conf import settings

__all__ = ["main"]

_PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_TIMES = 50


def main() -> None:
    """Measure, and print the ratios."""
    settings.configure(
        SECRET_KEY="only-for-measuring",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="benchmarks.observability",
        LOGGING_CONFIG=None,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.observability",
        ],
    )
    django.setup()
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory
    from django.urls import path, set_urlconf
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    from django_matt import MattAPI
    from django_matt.contrib.observability import traces
    from django_matt.contrib.observability.metrics import series_of, write

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    traces._made.append(provider)

    def urlconf(name: str, extensions: list[str], share: float | None) -> ModuleType:
        settings.MATT_OBSERVABILITY = {"TRACES": share, "TRUST_TRACEPARENT": True}
        from django_matt.settings import _read

        _read.cache_clear()
        api = MattAPI(urls_namespace=name, extensions=extensions)

        @api.get("/hello")
        def hello(request: Any) -> dict[str, str]:
            return {"hello": "world"}

        made = ModuleType(name)
        made.urlpatterns = [path("api/", api.urls)]  # type: ignore[attr-defined]
        return made

    ours = ["matt_observability"]
    lines: dict[str, tuple[Any, Any]] = {
        "without": (urlconf("without", [], None), {}),
        "metrics": (urlconf("metrics", ours, None), {}),
        "traces, 1 %": (urlconf("one", ours, 0.01), {}),
        "traces, sampled": (urlconf("all", ours, 1.0), {}),
        "traces, traceparent": (urlconf("parent", ours, 0.0), {"HTTP_TRACEPARENT": _PARENT}),
    }
    handler: Any = WSGIHandler()
    factory = RequestFactory()

    def ask(name: str) -> float:
        module, headers = lines[name]
        settings.ROOT_URLCONF = module
        set_urlconf(module)
        environs = [factory.get("/api/hello", **headers).environ for _ in range(_TIMES)]
        gc.collect()
        begun = time.thread_time_ns()
        for environ in environs:
            response = handler(environ, lambda *_: None)
            response.close()
        assert response.status_code == 200
        return (time.thread_time_ns() - begun) / _TIMES / 1_000

    best = dict.fromkeys(lines, float("inf"))
    order = list(lines)
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 200):
        random.shuffle(order)
        for name in order:
            best[name] = min(best[name], ask(name))
    for name, least in best.items():
        print(f"{name:22} {least:7.1f} µs  {least / best['without']:.2f} times")
    for number in range(500):
        series = series_of("GET", f"/api/things{number}/{{thing_id}}")
        series.open.append(None)
        series.answer(200, 0.03, 2, 0.01, 100)
    scrapes = []
    for _ in range(30):
        begun = time.thread_time_ns()
        size = len(write())
        scrapes.append((time.thread_time_ns() - begun) / 1e6)
    print(f"scrape of 500 operations: {min(scrapes):.1f} ms for {size:,} bytes")


if __name__ == "__main__":
    main()
