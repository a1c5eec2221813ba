"""Bodies that break HTTP, or end before their time, on real servers: a 400, and never a fault of ours."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

APPLICATION = """
import logging
from django.conf import settings

settings.configure(
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="broken_bodies",
    INSTALLED_APPS=["ninja_extra", "django_matt"],
    LOGGING_CONFIG=None,
)
logging.basicConfig(format="%(levelname)s %(message)s")

import django

django.setup()

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.urls import path
from ninja import File, Form, Schema, UploadedFile

from django_matt import MattAPI

api = MattAPI()


class Basket(Schema):
    size: int


@api.post("/json")
def by_json(request, basket: Basket):
    return basket


@api.post("/form")
def by_form(request, size: Form[int], file: File[UploadedFile] = None):
    return {"size": size}


urlpatterns = [path("api/", api.urls)]
asgi = get_asgi_application()
wsgi = get_wsgi_application()
"""
COMMANDS = {
    "gunicorn": "-m gunicorn --workers 1 --no-control-socket --bind 127.0.0.1:{port} broken_bodies:wsgi",
    "uvicorn": "-m uvicorn --lifespan off --host 127.0.0.1 --port {port} broken_bodies:asgi",
}
KINDS = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
}


@pytest.fixture(scope="module", params=COMMANDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "broken_bodies.py").write_text(APPLICATION)
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")
    } | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), "PYTHONDONTWRITEBYTECODE": "1"}
    command = COMMANDS[request.param].format(port=port).split()
    with run_server(command, folder, environment, port, folder / f"{request.param}.log") as made:
        yield made


def send(server: Server, head: str, body: bytes, *, hangs_up: bool = False) -> bytes:
    """Send a request as it is written; return the whole answer, nothing where the client hangs up first."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(
            f"POST {head}\r\nHost: localhost\r\nConnection: close\r\n".encode() + body
        )
        if hangs_up:
            return b""
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


def log(server: Server) -> str:
    return server.log.read_text(errors="replace")


@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nabcdefgh\r\n", b"-1\r\n"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_chunk_is_the_clients_mistake(server, kind, broken):
    place = "json" if kind == "json" else "form"
    head = f"/api/{place} HTTP/1.1\r\nContent-Type: {KINDS[kind]}\r\nTransfer-Encoding: chunked"
    answer = send(server, head, b"\r\n" + b'4\r\n{"si\r\n' + broken + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:300]
    assert "ERROR Internal Server Error" not in log(server)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_leaves_in_the_middle_is_no_fault_of_ours(server, kind):
    place = "json" if kind == "json" else "form"
    head = f"/api/{place} HTTP/1.1\r\nContent-Type: {KINDS[kind]}\r\n"
    for more in (
        b'Content-Length: 1000\r\n\r\n{"si',
        b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"si\r\n',
    ):
        send(server, head.removesuffix("\r\n"), more, hangs_up=True)
    good = b'Content-Length: 11\r\nContent-Type: application/json\r\n\r\n{"size": 3}'
    # One worker answers one after the other: what came before has been read when this is answered.
    wait_until(
        lambda: b'{"size":3}' in send(server, "/api/json HTTP/1.1", good).replace(b": ", b":"),
        lambda: log(server),
    )
    assert "ERROR Internal Server Error" not in log(server)
