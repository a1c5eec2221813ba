"""From an edit to the browser's event, from a Python edit to the answer, and what waiting costs: medians.

``python -m benchmarks.reload`` prints them; it serves a small project by ``manage.py runserver`` as a developer does.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from benchmarks.ports import free_port

__all__ = ["measure"]

ROOT = Path(__file__).resolve().parent.parent
IDLE_SECONDS, SETTLE_SECONDS = 10.0, 8.0
# The next process warms up after each restart; a developer takes longer than that between two edits.
FILES = {
    "manage.py": """import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "settings.py": """from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY, DEBUG, ROOT_URLCONF, STATIC_URL = "x" * 50, True, "urls", "static/"
INSTALLED_APPS = ["django_matt.contrib.hot_reload", "django.contrib.staticfiles", "ninja_extra", "django_matt", "shop"]
MIDDLEWARE = ["django_matt.contrib.hot_reload.middleware.HotReloadMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
""",
    "urls.py": """from django.shortcuts import render
from django.urls import path
from django_matt import MattAPI
from words import WORD
api = MattAPI()
urlpatterns = [path("", lambda r: render(r, "home.html", {"word": WORD})), path("api/", api.urls)]
""",
    "words.py": 'WORD = "word-0"\n',
    "shop/__init__.py": "",
    "shop/templates/home.html": "<html><body>{{ word }}</body></html>",
    "shop/static/site.css": "h1 { color: red }",
}

SHOP_FILES = {
    "measured.py": """from config.settings import *
INSTALLED_APPS = ["django_matt.contrib.hot_reload", "listening", *INSTALLED_APPS]
MATT_TYPESCRIPT = {"OUTPUT": "web"}
""",
    "listening/__init__.py": "",
    # Apps hear of an edit in their order, so this one is called right before the types are written.
    "listening/apps.py": """import time
from pathlib import Path
from django.apps import AppConfig
class ListeningConfig(AppConfig):
    name = "listening"
    def file_changed(self, change):
        Path(".heard").write_text(str(time.time_ns()))
""",
}


def measure(rounds: int) -> Iterator[tuple[str, float, str]]:
    """Yield each measure: what, its median, its unit."""
    with tempfile.TemporaryDirectory() as name, _serve(Path(name)) as (process, port):
        folder = Path(name)
        for what, file in [
            ("CSS", "shop/static/site.css"),
            ("template", "shop/templates/home.html"),
        ]:
            yield (
                f"{what} edit to event",
                1000 * _median(_events(folder / file, port, rounds)),
                "ms",
            )
        yield "Python edit to answer", _median(_answers(folder / "words.py", port, rounds)), "s"
        time.sleep(SETTLE_SECONDS)
        spent = -_cpu(process.pid)
        time.sleep(IDLE_SECONDS)
        yield "idle", 100 * (spent + _cpu(process.pid)) / IDLE_SECONDS, "% CPU"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "shop")
        shutil.copytree(ROOT / "examples" / "shop", folder)
        with _serve(folder, SHOP_FILES, "measured"):
            times = list(_types(folder, rounds))
        yield "Python edit to types", _median(edit for edit, _ in times), "s"
        yield "restart to types", 1000 * _median(restart for _, restart in times), "ms"


def _types(folder: Path, rounds: int) -> Iterator[tuple[float, float]]:
    """Yield the seconds from an edit of a schema, and from the end of the restart, to the file with its type."""
    schemas, written = folder / "store" / "schemas.py", folder / "web" / "schema.d.ts"
    text, line = schemas.read_text(), "    category: CategoryOut\n"
    for number in range(rounds):
        time.sleep(SETTLE_SECONDS)
        started = time.time()
        schemas.write_text(text.replace(line, f"{line}    edited_{number}: int = 0\n", 1))
        end = started + 60
        while not (written.exists() and f"edited_{number}:" in written.read_text()):
            if time.time() > end:
                raise TimeoutError("The development server did not write schema.d.ts.")
            time.sleep(0.005)
        at = written.stat().st_mtime
        yield at - started, at - int((folder / ".heard").read_text()) / 1e9


def _events(file: Path, port: int, rounds: int) -> Iterator[float]:
    origin: Any = f"http://127.0.0.1:{port}"
    with connect(f"ws://127.0.0.1:{port}/__matt__/reload", origin=origin, proxy=None) as socket:
        json.loads(socket.recv(timeout=30))
        for number in range(rounds):
            # Edits come one by one; in the quiet between them nothing is left of the one before.
            time.sleep(0.3)
            started = time.perf_counter()
            file.write_text(f"{file.read_text()}<!-- {number} -->")
            socket.recv(timeout=30)
            yield time.perf_counter() - started


def _answers(file: Path, port: int, rounds: int) -> Iterator[float]:
    for number in range(1, rounds + 1):
        time.sleep(SETTLE_SECONDS)
        started = time.perf_counter()
        file.write_text(f'WORD = "word-{number}"\n')
        while f"word-{number}<" not in _ask(port):
            time.sleep(0.01)
        yield time.perf_counter() - started


def _get(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
        return str(answer.read().decode())


def _ask(port: int) -> str:
    """Ask a server that restarts: as in a browser, a connection that ends before its answer begins is no answer."""
    try:
        return _get(port)
    except ConnectionError:
        return ""


def _median(times: Iterator[float]) -> float:
    return statistics.median(times)


def _cpu(leader: int) -> float:
    """Add up the CPU seconds of a session (Linux)."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stat = path.read_text().rpartition(")")[2].split()
            total += int(stat[11]) + int(stat[12]) if int(stat[3]) == leader else 0
    return total / os.sysconf("SC_CLK_TCK")


@contextmanager
def _serve(
    folder: Path, files: Mapping[str, str] = FILES, settings: str = "settings"
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    port = free_port()
    kept = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", str(port)],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                _get(port)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    for what, median, unit in measure(parser.parse_args().rounds):
        print(f"{what:<24} {median:8.2f} {unit}", flush=True)


if __name__ == "__main__":
    main()
