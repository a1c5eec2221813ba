"""The guide "Beside other apps": all of them in one project, each tried over HTTP."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.docs.snippets import TREE, Block, blocks_of, exchanges_of
from tests.projects.conftest import environment
from tests.projects.running import serve
from tests.projects.walking import Walk
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(300)]

BLOCKS = blocks_of((TREE / "docs" / "guides" / "other-apps.md").read_text())
PASSWORD = "only-for-this-page"
# What the page leaves to the reader: a broker that needs no server, and mails as files.
OF_THE_TEST = """
CELERY_BROKER_TRANSPORT_OPTIONS = {
    name: str(BASE_DIR / "queue") for name in ("data_folder_in", "data_folder_out", "control_folder")
}
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = BASE_DIR / "mails"
"""
PRODUCTION = """
from lamps.settings import *
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
"""


class Reader(Walk):
    """Somebody who types everything but what installs: the environment of this run has all of it."""

    def type(self, block: Block) -> None:
        steps = re.split(r"^(?=\$ )", block.text, flags=re.M)[1:]
        typed = "".join(step for step in steps if not step.startswith("$ pip install "))
        super().type(replace(block, text=typed))


@dataclass
class Project:
    """The page's project, served, with what its Sentry was sent."""

    folder: Path
    reader: Reader
    client: httpx.Client
    variables: dict[str, str]
    reports: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    reports: list[bytes] = []

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            # Sentry's client sends "br" where an installed package brought brotli.
            if encoding := self.headers.get("Content-Encoding"):
                module = import_module({"br": "brotli"}.get(encoding, encoding))
                body = module.decompress(body)
            reports.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ExitStack() as until_the_end:
        sentry = ThreadingHTTPServer(("127.0.0.1", 0), Sentry)
        threading.Thread(target=sentry.serve_forever, daemon=True).start()
        until_the_end.callback(sentry.server_close)
        until_the_end.callback(sentry.shutdown)
        reader = Reader(tmp_path_factory.mktemp("apps"), until_the_end)
        reader.variables = {
            "CELERY_BROKER_URL": "filesystem://",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "SENTRY_DSN": f"http://key@127.0.0.1:{sentry.server_port}/1",
        }
        for block in BLOCKS:
            if block.language != "http":
                reader.take(block)
        with (reader.folder / "lamps" / "settings.py").open("a") as settings:
            settings.write(OF_THE_TEST)
        (reader.folder / "lamps" / "production.py").write_text(PRODUCTION)
        (reader.folder / "queue").mkdir()
        reader.run("python manage.py createsuperuser --no-input --username ada --email a@b.example")
        port = free_port()
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        served = serve(reader.folder, command, port, reader.variables, "/api/users")
        client, _ = until_the_end.enter_context(served)
        reader.browser = client
        yield Project(reader.folder, reader, client, reader.variables, reports)


def test_every_exchange_of_the_page_is_answered_as_it_says(project):
    exchanges = [
        each for block in BLOCKS if block.language == "http" for each in exchanges_of(block)
    ]
    assert len(exchanges) == 7
    for exchange in exchanges:
        project.reader.send(exchange)


def test_another_origin_gets_no_header_and_a_preflight_is_answered(project):
    foreign = project.client.get("/api/users", headers={"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = project.client.options("/api/welcome", headers=asked)
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]


def test_a_token_signs_in_on_sync_and_async_routes_by_one_scheme(project):
    body = {"username": "ada", "password": PASSWORD}
    token = project.client.post("/api/token/pair", json=body).json()["access"]
    for path in ("/api/me", "/api/me/async"):
        answer = project.client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"username": "ada"}
    document = project.client.get("/api/openapi.json").json()
    assert list(document["components"]["securitySchemes"]) == ["JWTAuth"]


def test_sentry_gets_the_exception_of_a_route_and_no_error_of_a_client(project):
    project.client.get("/api/no-such-route")
    project.client.get("/api/broken", headers={"Accept": "application/json"})
    wait_until(lambda: any(b"ZeroDivisionError" in each for each in project.reports))
    assert not any(b'"Http404"' in each for each in project.reports)


def test_silk_records_requests_by_their_path(project):
    project.client.get("/api/users")
    page = project.client.get("/silk/requests/")
    assert page.status_code == 200
    assert "/api/users" in page.text


def test_a_worker_runs_the_task_that_a_route_sends(project):
    mails = project.folder / "mails"
    with (project.folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "lamps", "worker", "--pool", "solo"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            cwd=project.folder,
            env=environment(**project.variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        answer = project.client.post("/api/welcome?address=grace@example.com")
        assert answer.status_code == 202

        def is_sent() -> bool:
            assert worker.poll() is None, (project.folder / "worker.log").read_text()
            return any("grace@example.com" in mail.read_text() for mail in mails.glob("*"))

        wait_until(is_sent, (project.folder / "worker.log").read_text)
    finally:
        worker.terminate()
        try:
            worker.wait(SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_in_production_whitenoise_serves_files_and_the_toolbar_is_gone(project, server):
    port = free_port()
    start = {
        "wsgi": ["gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}", "lamps.wsgi"],
        "asgi": ["uvicorn", "--lifespan", "off", "--port", str(port), "lamps.asgi:application"],
    }[server]
    variables = {**project.variables, "DJANGO_SETTINGS_MODULE": "lamps.production"}
    command = [sys.executable, "-m", *start]
    with serve(project.folder, command, port, variables, "/api/users") as (client, _):
        style = client.get("/static/admin/css/base.css")
        assert (style.status_code, style.headers["Content-Type"]) == (
            200,
            'text/css; charset="utf-8"',
        )
        docs = client.get("/api/docs", headers={"Accept": "text/html"})
        assert docs.status_code == 200
        assert "djDebug" not in docs.text


@pytest.mark.browser
@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["/api/docs", "/api/broken"])
def test_the_handle_of_the_toolbar_covers_no_button(chromium, project, path, width):
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.set_default_timeout(1_000 * SECONDS)
    page.goto(f"{str(project.client.base_url).rstrip('/')}{path}")
    page.locator("#djShowToolBarButton").wait_for()
    page.locator(".frame" if "broken" in path else ".opblock").first.wait_for()
    covered = """() => {
        const handle = document.getElementById("djDebugRoot").shadowRoot.getElementById("djShowToolBarButton").getBoundingClientRect();
        const buttons = [...document.querySelectorAll(".bar .button, #docs .authorize, #docs .opblock button")];
        return [buttons.length > 1, ...buttons.filter((each) => {
            const place = each.getBoundingClientRect();
            return place.width && place.right > handle.left;
        }).map((each) => each.textContent)];
    }"""
    assert page.evaluate(covered) == [True]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
