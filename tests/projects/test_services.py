"""What a project uses besides its database: storages, mail, Sentry, pages of other sites, translations."""

import re
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from tests.projects.conftest import environment
from tests.projects.rendering import COMBINATIONS, render
from tests.projects.running import PRODUCTION, borrow, run, serve_production
from tests.waiting import wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(400)]

SAVE = """
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
names = [default_storage.save("lamp.txt", ContentFile(b"A lamp.")) for _ in range(2)]
print(*names, default_storage.open(names[0]).read().decode(), default_storage.url(names[0]), sep="|")
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, everything: Path) -> Path:
    """A project on SQLite, with the libraries of all options."""
    options = {**COMBINATIONS[0], "media": "s3"}
    project = render(tmp_path_factory.mktemp("services"), project_name="Shop", **options)
    borrow(project, everything)
    return project


def python(project: Path, code: str, **variables: str) -> str:
    return run(
        project,
        *(".venv/bin/python", "-c", code),
        DJANGO_SETTINGS_MODULE="config.settings",
        **variables,
    )


@pytest.fixture
def bucket() -> Iterator[str]:
    """The URL of an empty bucket of a server that is compatible with S3."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def answers() -> bool:
        try:
            return httpx.get(address).status_code < 500
        except httpx.TransportError:
            return False

    try:
        wait_until(answers)
        httpx.put(f"{address}/media").raise_for_status()
        yield f"s3://key:se%2Fcret@media/uploads?endpoint_url={address}&region_name=us-east-1"
    finally:
        server.terminate()
        server.wait()


def test_uploads_go_to_a_folder_by_default(shop: Path):
    first, second, text, url = python(shop, SAVE).strip().split("|")
    assert first == "lamp.txt"
    assert second != first
    assert text == "A lamp."
    assert url == "/media/lamp.txt"
    assert (shop / "media/lamp.txt").read_text() == "A lamp."


def test_uploads_go_to_a_bucket_that_a_variable_names(shop: Path, bucket: str):
    first, second, text, url = python(shop, SAVE, STORAGE_URL=bucket).strip().split("|")
    assert first == "lamp.txt"
    assert second != first
    assert text == "A lamp."
    # The bucket is private: the URL is signed, and works for a while.
    assert "Signature=" in url
    assert httpx.get(url).text == "A lamp."


def test_a_bucket_without_its_library_is_refused_at_the_start(tmp_path: Path, everything: Path):
    project = render(tmp_path, project_name="Shop")
    borrow(project, everything)
    hide = "import sys; sys.modules['storages'] = None\n"
    with pytest.raises(
        AssertionError, match=r"STORAGE_URL .*needs a package .*django-storages\[s3\]"
    ):
        python(project, hide + SAVE, STORAGE_URL="s3://media")


def test_mail_is_printed_in_development_and_sent_by_url(shop: Path, tmp_path: Path):
    send = (".venv/bin/python", "manage.py", "sendtestemail", "ada@example.com")
    said = run(shop, *send)
    assert "To: ada@example.com" in said
    assert "From: webmaster@localhost" in said
    variables = {"EMAIL_URL": f"filemail:///{tmp_path}", "DEFAULT_FROM_EMAIL": "shop@example.com"}
    run(shop, *send, **variables)
    (mail,) = tmp_path.iterdir()
    assert "From: shop@example.com" in mail.read_text()


def test_errors_go_to_sentry_if_a_variable_names_it(shop: Path):
    received: list[bytes] = []

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gzipped = self.headers.get("Content-Encoding") == "gzip"
            received.append(zlib.decompress(body, 31) if gzipped else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sentry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fail = """
import django, logging, sys
django.setup()
logging.getLogger("shop").error("The lamp is broken.")
if "sentry_sdk" in sys.modules:
    sys.modules["sentry_sdk"].flush()
print("sentry_sdk" in sys.modules)
"""
    try:
        assert python(shop, fail).splitlines()[-1] == "False"
        dsn = f"http://key@127.0.0.1:{server.server_port}/1"
        assert python(shop, fail, SENTRY_DSN=dsn).splitlines()[-1] == "True"
    finally:
        server.shutdown()
        server.server_close()
    assert any(b"The lamp is broken." in body for body in received)


def test_pages_of_named_sites_may_call_the_api(shop: Path):
    sites = {"CORS_ALLOWED_ORIGINS": "https://app.example.com"}
    with serve_production(shop, **sites) as (client, _):
        client.headers["X-Forwarded-Proto"] = "https"
        for origin, allowed in (("https://app.example.com", True), ("https://x.example", False)):
            headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            for answer in (
                client.get("/api/items", headers=headers),
                client.options("/api/items", headers=headers),
            ):
                found = answer.headers.get("Access-Control-Allow-Origin")
                assert (found == origin) is allowed
        answer = client.get("/admin/login/", headers={"Origin": "https://app.example.com"})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="no GNU gettext")
def test_texts_are_translated_as_locale_says(tmp_path: Path, everything: Path):
    project = render(tmp_path, project_name="Shop")
    borrow(project, everything)
    commands = re.findall(r"^\$ (.*)$", (project / "locale/README.md").read_text(), re.M)
    settings = project / "config/settings.py"
    english = '("en", _("English"))'
    assert english in settings.read_text()
    settings.write_text(settings.read_text().replace(english, f'{english}, ("de", _("German"))'))
    run(project, *commands[0].split())
    messages = project / "locale/de/LC_MESSAGES/django.po"
    before = 'msgid "Page not found"\nmsgstr ""'
    assert messages.read_text().count(before) == 1
    translated = 'msgid "Page not found"\nmsgstr "Seite nicht gefunden"'
    messages.write_text(messages.read_text().replace(before, translated))
    run(project, *commands[1].split())
    ask = """
import django
django.setup()
from django.test import Client
headers = {"Accept": "text/html", "Accept-Language": "de"}
print(Client().get("/nowhere", headers=headers, HTTP_HOST="localhost").content.decode())
"""
    variables = {**PRODUCTION, "ALLOWED_HOSTS": "localhost", "HTTPS": "false"}
    run(project, ".venv/bin/python", "manage.py", "collectstatic", "--no-input", **variables)
    page = python(project, ask, **variables)
    assert "Seite nicht gefunden" in page
    assert '<html lang="de">' in page
