"""The metrics of real servers: two processes of gunicorn, and an ASGI server whose clients leave."""

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import Server, run_server
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[3]
PROJECT = """
    import asyncio
    from django.conf import settings
    settings.configure(SECRET_KEY="x" * 50, DEBUG=False, ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF="observed", LOGGING_CONFIG=None,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "ninja_extra", "django_matt",
            "django_matt.contrib.observability"],
        MATT_OBSERVABILITY={"METRICS_NETWORKS": ["127.0.0.0/8"]})
    import django
    django.setup()
    from django.urls import include, path
    from django_matt import MattAPI
    from django_matt.asgi import get_asgi_application
    from django_matt.wsgi import get_wsgi_application
    api = MattAPI()
    @api.get("/hello")
    def hello(request):
        return {}
    @api.get("/wait")
    async def wait(request):
        await asyncio.sleep(60)
    urlpatterns = [path("api/", api.urls), path("", include("django_matt.contrib.observability.urls"))]
    wsgi, asgi = get_wsgi_application(), get_asgi_application()
"""


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "observed.py").write_text(textwrap.dedent(PROJECT))
    shared = tmp_path / "shared"
    shared.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    port = free_port()
    if request.param == "gunicorn":
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
        line = f"-m gunicorn --workers 2 --no-control-socket --bind 127.0.0.1:{port} observed:wsgi"
    else:
        line = f"-m uvicorn --host 127.0.0.1 --port {port} observed:asgi"
    command = line.split()
    with run_server(command, tmp_path, environment, port, tmp_path / "log") as made:
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    # A connection for each request, so that both processes get some.
    with httpx.Client(
        base_url=server.url, headers={"Connection": "close"}, timeout=SECONDS
    ) as made:
        yield made


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"], indirect=True)
def test_all_requests_of_all_processes_are_counted(client: httpx.Client):
    for _ in range(60):
        assert client.get("/api/hello").status_code == 200
    text = client.get("/metrics").text
    (line,) = [
        each
        for each in text.splitlines()
        if each.startswith("http_server_request_duration_seconds_count") and "/api/hello" in each
    ]
    assert float(line.rpartition(" ")[2]) == 60


@pytest.mark.parametrize("server", ["uvicorn"], indirect=True)
def test_clients_that_leave_are_counted(client: httpx.Client):
    with pytest.raises(httpx.ReadTimeout):
        client.get("/api/wait", timeout=1)

    def cancelled() -> bool:
        # Each answer makes garbage, which lets Python collect it.
        for _ in range(50):
            client.get("/api/hello")
        text = client.get("/metrics").text
        return (
            'matt_cancelled_requests_total{http_request_method="GET",http_route="/api/wait"} 1'
            in text
        )

    wait_until(cancelled)
    assert "http_server_active_requests 0" in client.get("/metrics").text
