"""The metrics: what is counted, which labels there are, and who may read them."""

import asyncio
import gc
import os
import random
import string
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from prometheus_client.parser import text_string_to_metric_families

from django_matt import MattAPI, ModelSchema
from django_matt.contrib.observability.checks import check_settings, check_urls
from django_matt.contrib.observability.metrics import series_of, write
from tests.project.models import Tag
from tests.sampling import is_exhaustive
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__)


class TagOut(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


def make_api() -> MattAPI:
    api = MattAPI()

    @api.get("/items/{int:number}")
    def read_item(request, number: int):
        return {"number": number}

    @api.get("/async-items/{number}")
    async def read_item_async(request, number: int):
        return {"number": number}

    @api.get("/tags", response=list[TagOut])
    def list_tags(request):
        Tag.objects.count()
        return Tag.objects.order_by("id")

    @api.get("/async-tags", response=list[TagOut])
    async def list_tags_async(request):
        await Tag.objects.acount()
        return Tag.objects.order_by("id")

    @api.get("/broken")
    def broken(request):
        raise RuntimeError("broken")

    @api.get("/parts")
    def parts(request):
        def make():
            yield b"abc"
            list(Tag.objects.all())
            yield b"de"

        return StreamingHttpResponse(make())

    @api.get("/template")
    def template(request):
        return TemplateResponse(request, engines["django"].from_string("later"))

    @api.get("/file")
    def file(request):
        return FileResponse(HERE.open("rb"))

    return api


@pytest.mark.parametrize("name", ["items", "async-items"])
def test_a_request_is_counted_by_template_method_and_status(project: Any, name: str):
    asked = project(make_api())
    labels = (
        f'http_route="/api/{name}/{{number}}"',
        'http_response_status_code="200"',
        'method="GET"',
    )
    count = "http_server_request_duration_seconds_count"
    before = asked.total(count, *labels)
    for number in range(3):
        assert asked.ask(f"/api/{name}/{number}").status_code == 200
    assert asked.total(count, *labels) == before + 3
    assert (
        asked.total("http_server_request_duration_seconds_bucket", 'le="+Inf"', *labels)
        == before + 3
    )
    assert asked.total("http_server_request_duration_seconds_sum", *labels) > 0
    assert asked.total("matt_response_bytes_total", labels[0]) >= 3 * len('{"number":1}')
    assert asked.total("http_server_active_requests") == 0


@pytest.mark.parametrize("name", ["tags", "async-tags"])
def test_queries_are_counted_in_whichever_thread_they_run(project: Any, name: str):
    asked = project(make_api())
    label = f'http_route="/api/{name}"'
    before = asked.total("matt_queries_total", label)
    asked.ask(f"/api/{name}")
    assert asked.total("matt_queries_total", label) == before + 2
    assert asked.total("matt_query_seconds_total", label) > 0


def test_an_exception_is_counted_as_a_500(project: Any):
    asked = project(make_api())
    labels = 'http_route="/api/broken"', 'status_code="500"'
    count = "http_server_request_duration_seconds_count"
    before = asked.total(count, *labels)
    assert asked.ask("/api/broken").status_code == 500
    assert asked.total(count, *labels) == before + 1
    assert asked.total("http_server_active_requests") == 0


def test_a_template_that_is_rendered_later_is_counted(project: Any, settings: Any):
    settings.DEBUG = True
    asked = project(make_api())
    assert asked.ask("/api/template").content == b"later"
    labels = 'http_route="/api/template"', 'status_code="200"'
    assert asked.total("http_server_request_duration_seconds_count", *labels) > 0


def test_a_stream_counts_its_bytes_and_queries_at_its_end(project: Any):
    asked = project(make_api())
    asked.kind = "sync"
    label = 'http_route="/api/parts"'
    before = (
        asked.total("matt_response_bytes_total", label),
        asked.total("matt_queries_total", label),
    )
    response = asked.ask("/api/parts")
    assert b"".join(response) == b"abcde"
    assert asked.total("matt_response_bytes_total", label) == before[0] + 5
    assert asked.total("matt_queries_total", label) == before[1] + 1
    file = b"".join(asked.ask("/api/file"))
    assert asked.total("matt_response_bytes_total", 'http_route="/api/file"') % len(file) == 0


def test_unknown_urls_and_methods_add_no_label(project: Any):
    asked = project(make_api())
    asked.ask("/api/unknown")
    asked.ask("/api/tags", "FOO")
    before = set(asked.metrics())
    chosen = random.Random(7)
    count = 100 if asked.kind == "async" else 10_000 if is_exhaustive() else 500
    for _ in range(count):
        name = "".join(chosen.choices(string.ascii_letters + '/{}"\\é', k=12))
        asked.ask(f"/api/{name}")
    for method in ("FOO", "BAR", "get", "X" * 5_000, 'A"B', "GÉT"):
        asked.ask("/api/tags", method)
    assert set(asked.metrics()) == before
    assert (
        asked.total("http_server_request_duration_seconds_count", 'http_route="unmatched"') >= count
    )
    assert asked.total("http_server_request_duration_seconds_count", 'method="_OTHER"') >= 6


def test_it_is_the_format_of_prometheus(project: Any):
    asked = project(make_api())
    asked.ask("/api/items/1")
    families = {each.name for each in text_string_to_metric_families(write().decode())}
    assert families >= {
        "http_server_request_duration_seconds",
        "http_server_active_requests",
        "matt_queries",
        "matt_query_seconds",
        "matt_response_bytes",
        "matt_cancelled_requests",
    }


def test_metrics_of_your_own_are_shown_too(project: Any):
    from prometheus_client import REGISTRY, Counter

    asked = project(make_api())
    mine = Counter("orders_of_the_test", "Orders.")
    try:
        mine.inc(3)
        assert asked.metrics()["orders_of_the_test_total"] == 3
    finally:
        REGISTRY.unregister(mine)


def test_counts_of_many_threads_are_all_there():
    series = series_of("GET", "/threads")

    def count() -> None:
        for _ in range(2_000):
            series.open.append(None)
            series.answer(200, 0.01, 1, 0.5, 2)

    threads = [threading.Thread(target=count) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    text = write().decode()
    assert 'matt_queries_total{http_request_method="GET",http_route="/threads"} 32000' in text
    assert (
        'duration_seconds_count{http_request_method="GET",http_route="/threads",http_response_status_code="200"} 32000'
        in text
    )
    assert len(series.open) == 0


def test_a_client_that_leaves_is_counted(project: Any):
    api = MattAPI()
    entered = threading.Event()

    @api.get("/slow")
    async def slow(request):
        entered.set()
        await asyncio.sleep(60)

    asked = project(api)
    label = 'http_route="/api/slow"'

    async def leave() -> None:
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/api/slow",
            "headers": [(b"host", b"testserver")],
        }
        scope |= {"query_string": b"", "http_version": "1.1", "scheme": "http"}
        talk = ApplicationCommunicator(ASGIHandler(), scope)
        await talk.send_input({"type": "http.request", "body": b""})
        while not entered.is_set():
            await asyncio.sleep(0.01)
        await talk.send_input({"type": "http.disconnect"})
        await talk.wait(30)

    before = asked.total("matt_cancelled_requests_total", label)
    asyncio.run(leave())
    # It is counted when Python has deleted the request.
    wait_until(
        lambda: (
            gc.collect() >= 0 and asked.total("matt_cancelled_requests_total", label) == before + 1
        )
    )
    assert asked.total("http_server_active_requests") == 0


def test_a_stranger_finds_no_metrics(project: Any):
    asked = project(make_api())
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer " + "t" * 17},
        {"Authorization": "Basic " + "t" * 16},
        {"Authorization": "Bearer t\xff\xe9"},
        {"X-Forwarded-For": "10.0.0.1"},
    ):
        for method in ("GET", "POST"):
            assert asked.ask("/metrics", method, headers=headers).status_code == 404, headers
    right = {"Authorization": "Bearer " + "t" * 16}
    answer = asked.ask("/metrics", headers=right)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    assert asked.ask("/metrics", "POST", headers=right).status_code == 405


def test_without_token_and_networks_nobody_reads_them(project: Any):
    asked = project(make_api(), METRICS_TOKEN="")
    for token in ("", "None", "x"):
        assert (
            asked.ask("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 404
        )


def test_a_network_reads_them_and_debug_opens_them(project: Any, settings: Any):
    asked = project(make_api(), METRICS_TOKEN="", METRICS_NETWORKS=["10.0.0.0/8"])
    asked.kind = "sync"
    assert asked.ask("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert asked.ask("/metrics", REMOTE_ADDR="::ffff:10.1.2.3").status_code == 200
    assert asked.ask("/metrics", REMOTE_ADDR="11.1.2.3").status_code == 404
    assert asked.ask("/metrics", REMOTE_ADDR="").status_code == 404
    settings.DEBUG = True
    assert asked.ask("/metrics", REMOTE_ADDR="11.1.2.3").status_code == 200


def test_another_path_and_none(project: Any):
    asked = project(make_api(), debug=True, METRICS_PATH="/ops/numbers")
    assert asked.ask("/ops/numbers").status_code == 200
    assert asked.ask("/metrics").status_code == 404
    asked = project(MattAPI(urls_namespace="second"), debug=True, METRICS_PATH=None)
    assert asked.ask("/metrics").status_code == 404


@pytest.mark.parametrize(
    "options",
    [
        {"METRICS_TOKEN": "short"},
        {"METRICS_NETWORKS": ["10.0.0.0/99"]},
        {"METRICS_NETWORKS": "10.0.0.0/8"},
        {"SLOW_MS": -1},
        {"TRACES": 2},
        {"TRACES": "0.1"},
        {"SLOW_MS": "50"},
        {"METRICS_NETWORKS": None},
        {"METRICS_TOKEN": " " * 16},
        {"SILENCED_ADVICE": "A001"},
        {"UNKNOWN": 1},
    ],
)
def test_a_wrong_setting_is_an_error_at_the_start(settings_module: Any, options: Any):
    assert check_settings() == []
    settings_module("MATT_OBSERVABILITY", options)
    (found,) = check_settings()
    assert found.id == "matt_observability.E001"
    assert next(iter(options)) in found.msg


def test_missing_urls_are_a_warning(settings: Any, project: Any):
    before = settings.ROOT_URLCONF
    project(make_api())
    assert check_urls() == []
    settings.ROOT_URLCONF = before
    assert [each.id for each in check_urls()] == ["matt_observability.W002"]


@pytest.mark.once
def test_processes_that_share_a_folder_are_added_up(tmp_path: Path):
    program = """
        import sys
        import django
        from django.conf import settings
        settings.configure()
        django.setup()
        from django_matt.contrib.observability.metrics import series_of, write
        if sys.argv[1] == "count":
            series = series_of("GET", "/shared")
            for _ in range(5):
                series.open.append(None)
                series.answer(200, 0.02, 2, 0.5, 10)
            series.open.append(None)
            import prometheus_client
            from prometheus_client.multiprocess import mark_process_dead
            import os
            mark_process_dead(os.getpid())
        else:
            sys.stdout.write(write().decode())
    """
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def run(what: str) -> str:
        command = [sys.executable, "-c", textwrap.dedent(program), what]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    for _ in range(3):
        run("count")
    text = run("write")
    labels = 'http_request_method="GET",http_response_status_code="200",http_route="/shared"'
    assert f"http_server_request_duration_seconds_count{{{labels}}} 15.0" in text
    assert 'matt_queries_total{http_request_method="GET",http_route="/shared"} 30.0' in text
    assert "http_server_active_requests " not in text
