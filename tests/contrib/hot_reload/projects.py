"""A small project on disk, served by ``manage.py runserver`` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT
from tests.waiting import SECONDS, wait_until

FILES = {
    "manage.py": """
        import os, sys
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        if __name__ == "__main__":
            from django.core.management import execute_from_command_line
            execute_from_command_line(sys.argv)
    """,
    "config/__init__.py": "",
    "config/settings.py": """
        import os
        from pathlib import Path
        BASE_DIR = Path(__file__).resolve().parent.parent
        SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789-01"
        DEBUG = os.environ.get("DEBUG", "1") == "1"
        ALLOWED_HOSTS = ["127.0.0.1", "localhost"] if not DEBUG else []
        FORCE_SCRIPT_NAME = os.environ.get("SCRIPT_NAME") or None
        ROOT_URLCONF = "config.urls"
        ASGI_APPLICATION = "config.asgi.application"
        WSGI_APPLICATION = "config.wsgi.application"
        INSTALLED_APPS = [
            "django_matt.contrib.hot_reload", "django.contrib.contenttypes",
            "django.contrib.staticfiles", "ninja_extra", "django_matt", "shop",
        ]
        MIDDLEWARE = [
            "django_matt.contrib.hot_reload.middleware.HotReloadMiddleware",
            "config.policy.Policy",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
        ]
        TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
        STATIC_URL = "static/"
        MATT_HOT_RELOAD = {"IN_PROCESS": os.environ.get("IN_PROCESS") == "1"}
    """,
    "config/policy.py": """
        class Policy:
            def __init__(self, get_response):
                self.get_response = get_response

            def __call__(self, request):
                response = self.get_response(request)
                response.setdefault(
                    "Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"
                    if request.path != "/api/fails" else "default-src 'none'"
                )
                return response
    """,
    "config/asgi.py": """
        from pathlib import Path
        from django.core.asgi import get_asgi_application
        django = get_asgi_application()
        LOG = Path(__file__).with_name("lifespan.log")

        async def echo(receive, send):
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})

        async def application(scope, receive, send):
            if scope["type"] == "websocket":
                await echo(receive, send)
            elif scope["type"] == "lifespan":
                for step in ("startup", "shutdown"):
                    await receive()
                    with LOG.open("a") as log:
                        log.write(step + " ")
                    await send({"type": f"lifespan.{step}.complete"})
            else:
                await django(scope, receive, send)
    """,
    "config/wsgi.py": """
        from django.core.wsgi import get_wsgi_application
        application = get_wsgi_application()
    """,
    "config/urls.py": """
        from django.urls import path
        from shop import views
        from shop.api import api
        urlpatterns = [
            path("", views.home), path("fails", views.fails), path("slow", views.slow), path("api/", api.urls),
        ]
    """,
    "shop/__init__.py": "",
    "shop/apps.py": """
        from pathlib import Path
        from django.apps import AppConfig

        class ShopConfig(AppConfig):
            name = "shop"

            def file_changed(self, change):
                from shop.words import WORD
                log = Path(__file__).resolve().parent.parent / "heard.log"
                log.open("a").write(f"{change.kind} {change.path.name} {WORD}\\n")
    """,
    "shop/models.py": "",
    "shop/words.py": 'WORD = "first"\n',
    "shop/views.py": """
        import time
        from pathlib import Path
        from django.http import HttpResponse
        from django.shortcuts import render
        from shop.words import WORD

        def home(request):
            return render(request, "shop/home.html", {"word": WORD})

        def fails(request):
            raise LookupError("nothing to see")

        def slow(request):
            Path("slow.log").write_text("asked")
            time.sleep(300)
            return HttpResponse("late")
    """,
    "shop/api.py": """
        from django_matt import MattAPI, Schema

        api = MattAPI()

        class Pen(Schema):
            name: str

        @api.get("/pen", response=Pen)
        def pen(request):
            return {"name": "red", "size": 7}

        @api.get("/fails")
        def fails(request):
            raise LookupError("no pen")
    """,
    "shop/templates/shop/home.html": """
        {% load static %}<!doctype html>
        <html><head><title>Shop</title><link rel="stylesheet" href="{% static 'shop/site.css' %}"></head>
        <body><h1>Hello {{ word }}</h1><p id="tall"></p><script src="{% static 'shop/page.js' %}"></script></body></html>
    """,
    "shop/static/shop/site.css": "h1 { color: rgb(1, 2, 3) }\n#tall { height: 5000px }\n",
    "shop/static/shop/page.js": "document.title = 'one';\n",
}


@dataclass
class Project:
    """The folder of a project, its server's address and what it printed."""

    folder: Path
    port: int
    log: Path
    scheme: str = "http"
    process: "subprocess.Popen[bytes] | None" = None
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def write(self, name: str, text: str) -> None:
        """Write at once: a watcher that comes between the emptying and the writing of a file sees two edits."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        content = textwrap.dedent(text).lstrip("\n").encode()
        if file.exists() and file.stat().st_size <= len(content):
            with file.open("r+b", buffering=0) as there:
                there.write(content)
            return
        # A hidden file is told of to nobody.
        beside = file.with_name(f".{file.name}.new")
        beside.write_bytes(content)
        beside.replace(file)

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def get(self, path: str = "/", **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(self.url + path, headers=given, timeout=SECONDS)

    def listen(self, path: str = "/__matt__/reload", **options: Any) -> ClientConnection:
        """Open the socket as a page would; its first message is still to be read."""
        options.setdefault("origin", self.url)
        address = f"ws://127.0.0.1:{self.port}{path}"
        socket: ClientConnection = connect(
            address, proxy=None, open_timeout=SECONDS, close_timeout=2, **options
        )
        self.stack.enter_context(socket)
        return socket

    def wait_for(self, text: str, path: str = "/") -> httpx.Response:
        answer: httpx.Response | None = None

        def has_come() -> bool:
            nonlocal answer
            assert self.process is None or self.process.poll() is None, self.printed()[-3000:]
            # A browser, too, asks again where a connection ends before its answer begins.
            with suppress(httpx.ReadError, httpx.RemoteProtocolError):
                answer = self.get(path)
            return answer is not None and text in answer.text

        wait_until(
            has_come,
            lambda: f"no {text!r} in {answer and answer.text[:500]}\n{self.printed()[-3000:]}",
            pause=0.02,
        )
        assert answer is not None
        return answer

    def printed(self) -> str:
        return self.log.read_text(errors="replace")


def event(socket: ClientConnection, seconds: float = SECONDS) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(socket.recv(timeout=seconds))
    return found


def create(folder: Path, **files: str) -> Path:
    project = Project(folder, 0, folder / "log")
    for name, text in {**FILES, **files}.items():
        project.write(name, text)
    return folder


@contextmanager
def run(
    folder: Path, *arguments: str, wait: bool = True, scheme: str = "http", **environment: str
) -> Iterator[Project]:
    """Serve a project until the block ends; everything it started ends with it."""
    port = free_port()
    project = Project(folder, port, folder.with_name(f"{folder.name}-{port}.log"), scheme)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_", "PYTHON"))}
    with project.log.open("wb") as out:
        process = project.process = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", str(port), *arguments],
            cwd=folder,
            env={
                **kept,
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if wait:
            wait_until(
                lambda: process.poll() is not None or f":{port}/" in project.printed(),
                project.printed,
            )
            assert process.poll() is None, project.printed()
        yield project
    finally:
        project.stack.close()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
