"""Traces: the spans of requests and queries, the headers of other services, and a collector that does not answer."""

import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as otel
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from benchmarks.ports import free_port
from django_matt import MattAPI
from django_matt.contrib.observability import traces
from django_matt.contrib.observability.checks import check_instrumentation
from django_matt.contrib.observability.logs import TraceFilter
from django_matt.contrib.observability.traces import trace_headers
from tests.project.models import Author

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(traces, "_made", [provider])
    yield exporter
    provider.shutdown()
    traces.current_trace.set(None)


def make_api() -> MattAPI:
    api = MattAPI()

    @api.get("/out/{number}")
    def out(request, number: int):
        Author.objects.filter(name="secret-value").count()
        current = otel.get_current_span().get_span_context()
        return {"headers": trace_headers(), "current": f"{current.trace_id:032x}"}

    @api.get("/async-out/{number}")
    async def out_async(request, number: int):
        await Author.objects.filter(name="secret-value").acount()
        current = otel.get_current_span().get_span_context()
        return {"headers": trace_headers(), "current": f"{current.trace_id:032x}"}

    @api.get("/broken")
    def broken(request):
        raise RuntimeError("broken")

    return api


@pytest.mark.parametrize("name", ["out", "async-out"])
def test_a_sampled_traceparent_is_continued_in_and_out(project: Any, spans: Any, name: str):
    asked = project(make_api(), TRACES=0.0, TRUST_TRACEPARENT=True)
    headers = {"traceparent": SAMPLED, "tracestate": "vendor=a,other=b", "User-Agent": "tests"}
    answer = asked.ask(f"/api/{name}/7", headers=headers).json()
    query, span = spans.get_finished_spans()
    assert span.name == f"GET /api/{name}/{{number}}"
    assert span.kind is otel.SpanKind.SERVER
    assert f"{span.context.trace_id:032x}" == answer["current"] == TRACE
    assert f"{span.parent.span_id:016x}" == SPAN
    assert answer["headers"]["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert answer["headers"]["tracestate"] == "vendor=a,other=b"
    attributes = dict(span.attributes)
    assert attributes["http.request.method"] == "GET"
    assert attributes["http.route"] == f"/api/{name}/{{number}}"
    assert attributes["http.response.status_code"] == 200
    assert attributes["url.path"] == f"/api/{name}/7"
    assert attributes["user_agent.original"] == "tests"
    # The caller wants to see everything: each query has a span.
    assert query.parent.span_id == span.context.span_id
    assert query.name == "SELECT"
    assert query.attributes["db.query.text"].endswith("= %s")
    assert "secret-value" not in query.to_json()
    assert span.start_time <= query.start_time <= query.end_time <= span.end_time


@pytest.mark.parametrize("name", ["out", "async-out"])
def test_what_is_not_sampled_has_ids_and_no_span(project: Any, spans: Any, name: str):
    asked = project(make_api(), TRACES=1.0, TRUST_TRACEPARENT=True)
    answer = asked.ask(f"/api/{name}/7", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"}).json()
    assert answer["headers"]["traceparent"].startswith(f"00-{TRACE}-")
    assert answer["headers"]["traceparent"].endswith("-00")
    assert answer["current"] == TRACE
    assert spans.get_finished_spans() == ()
    assert not otel.get_current_span().get_span_context().is_valid


def test_without_a_parent_the_share_decides(project: Any, spans: Any):
    asked = project(make_api(), TRACES=1.0, SLOW_MS=60_000)
    assert asked.ask("/api/out/1").status_code == 200
    (span,) = spans.get_finished_spans()
    assert span.parent is None
    spans.clear()
    asked = project(make_api_again(), TRACES=0.0)
    assert asked.ask("/api/out/1").status_code == 200
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(("share", "sampled"), [(0.0, "00"), (1.0, "01")])
def test_a_client_that_is_not_trusted_cannot_have_its_requests_traced(
    project: Any, spans: Any, share: float, sampled: str
):
    asked = project(make_api(), TRACES=share, SLOW_MS=60_000)
    flags = "01" if share == 0 else "00"
    answer = asked.ask("/api/out/1", headers={"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}).json()
    assert answer["headers"]["traceparent"].startswith(f"00-{TRACE}-")
    assert answer["headers"]["traceparent"].endswith(f"-{sampled}")
    assert len(spans.get_finished_spans()) == share


def make_api_again() -> MattAPI:
    api = MattAPI(urls_namespace="again")

    @api.get("/out/{number}")
    def out(request, number: int):
        return {}

    return api


def test_a_fault_is_an_error(project: Any, spans: Any):
    asked = project(make_api(), TRACES=1.0)
    assert asked.ask("/api/broken").status_code == 500
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is otel.StatusCode.ERROR
    assert span.attributes["error.type"] == "500"


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "garbage",
        "0" * 1_000_000,
        f"00-{TRACE}-{SPAN}-01" * 20_000,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-zz",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\xff",
    ],
    ids=range(12),
)
def test_a_malformed_traceparent_is_ignored(project: Any, spans: Any, parent: str):
    asked = project(make_api(), TRACES=1.0)
    assert asked.ask("/api/out/1", headers={"traceparent": parent}).status_code == 200
    span = spans.get_finished_spans()[-1]
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" != TRACE


@pytest.mark.parametrize(
    "state",
    [
        "=",
        "a",
        "a=b,a=c",
        "A=b",
        "a=b" * 400,
        "x" * 1_000_000,
        ",".join(f"k{n}=1" for n in range(40)),
        "a=\xff",
        "a=b\x01",
    ],
    ids=range(9),
)
def test_a_malformed_tracestate_is_ignored(project: Any, spans: Any, state: str):
    asked = project(make_api(), TRACES=1.0)
    answer = asked.ask("/api/out/1", headers={"traceparent": SAMPLED, "tracestate": state}).json()
    assert answer["headers"]["traceparent"].startswith(f"00-{TRACE}-")
    assert "tracestate" not in answer["headers"]


def test_logs_have_the_ids_of_the_request_and_the_trace(project: Any, spans: Any, caplog: Any):
    api = MattAPI()
    logger = logging.getLogger("of.the.test")

    @api.get("/log")
    def log(request):
        logger.warning("hello")
        return {}

    asked = project(api, TRACES=1.0)
    caplog.handler.addFilter(TraceFilter())
    asked.ask("/api/log", headers={"traceparent": SAMPLED})
    logger.warning("outside")
    inside, outside = [each for each in caplog.records if each.name == "of.the.test"]
    assert inside.trace_id == TRACE
    assert inside.span_id == f"{spans.get_finished_spans()[-1].context.span_id:016x}"
    assert (outside.trace_id, outside.span_id) == ("", "")


def test_a_second_instrumentation_is_a_warning(settings: Any):
    theirs = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"
    settings.MIDDLEWARE = [theirs, *settings.MIDDLEWARE]
    settings.MATT_OBSERVABILITY = {}
    assert check_instrumentation() == []
    settings.MATT_OBSERVABILITY = {"TRACES": 0.1}
    assert [each.id for each in check_instrumentation()] == ["matt_observability.W001"]


PROGRAM = """
    import sys
    from django.conf import settings
    settings.configure(SECRET_KEY="x", DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", LOGGING_CONFIG=None,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "ninja_extra", "django_matt",
            "django_matt.contrib.observability"], MATT_OBSERVABILITY={"TRACES": 1.0})
    import django
    django.setup()
    from django.urls import path
    from django_matt import MattAPI
    api = MattAPI()
    @api.get("/hello")
    def hello(request):
        return {}
    urlpatterns = [path("api/", api.urls)]
    from django.test import Client
    client = Client()
    for _ in range(int(sys.argv[1])):
        assert client.get("/api/hello").status_code == 200
    print("answered", flush=True)
"""


def run(requests: int, port: int) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_SERVICE_NAME": "the-tests",
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(requests)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=90
    ).stdout


@pytest.mark.once
def test_spans_arrive_at_a_collector():
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        run(3, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    resources = [each for request in received for each in request.resource_spans]
    spans = [span for each in resources for scope in each.scope_spans for span in scope.spans]
    assert [span.name for span in spans] == ["GET /api/hello"] * 3
    named = {each.key: each.value.string_value for each in resources[0].resource.attributes}
    assert named["service.name"] == "the-tests"


@pytest.mark.once
def test_requests_do_not_notice_a_collector_that_is_down():
    # More than the queue of the exporter takes.
    assert run(3_000, free_port()) == "answered\n"
