"""A generated project as its owner meets it: installed, tested, served, by its own make."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from benchmarks.ports import free_port
from tests.projects.conftest import environment
from tests.waiting import SECONDS, wait_until

__all__ = [
    "add_staff",
    "borrow",
    "find_python",
    "install",
    "run",
    "serve",
    "serve_development",
    "serve_production",
    "sign_in",
]

PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "of-the-tests-0123456789-0123456789-0123456789-0123456789",
    "ALLOWED_HOSTS": "shop.example",
    "SITE_URL": "https://shop.example",
    "BEHIND_PROXY": "true",
}
# Each as `manage.py` does it, in one process: starting Django is most of the time.
DEPLOY = """
import django
from django.core.management import call_command
django.setup()
call_command("check", deploy=True, fail_level="WARNING")
call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
"""


def run(project: Path, *command: str, **variables: str) -> str:
    """Run a command in the project and return what it said; fail with all of it."""
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{project.name}: {' '.join(command)}\n{done.stdout[-6_000:]}"
    return done.stdout


@contextmanager
def serve(
    project: Path, command: list[str], port: int, variables: Mapping[str, str], ready: str
) -> Iterator[tuple[httpx.Client, Path]]:
    """Start a server, wait until ``ready`` answers, yield a client and the log, and end it as Ctrl-C does."""
    log = project / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS)

    def said() -> str:
        return log.read_text()[-4_000:]

    def answers() -> bool:
        assert process.poll() is None, said()
        with suppress(httpx.TransportError):
            client.get(ready)
            return True
        return False

    try:
        wait_until(answers, said)
        yield client, log
    finally:
        client.close()
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def serve_development(project: Path, **variables: str) -> Iterator[tuple[httpx.Client, Path]]:
    """``make dev``."""
    port = free_port()
    command = ["make", "dev", f"PORT={port}"]
    with serve(project, command, port, variables, "/api/health/live") as served:
        yield served


@contextmanager
def serve_production(project: Path, **variables: str) -> Iterator[tuple[httpx.Client, Path]]:
    """What a deployment runs: checks, migrations, static files and the Dockerfile's CMD, here on a free port."""
    port = free_port()
    dockerfile = (project / "Dockerfile").read_text()
    # The last is the image's; the one before is of the stage for development.
    command = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile, re.M)[-1])
    command[command.index("8000")] = str(port)
    command[command.index("0.0.0.0")] = "127.0.0.1"
    command[0] = str(project / ".venv/bin" / command[0])
    production = {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "config.settings", **variables}
    command[command.index("2")] = "1"
    run(project, ".venv/bin/python", "-c", DEPLOY, **production)
    with serve(project, command, port, production, "/api/health/live") as served:
        yield served


def add_staff(project: Path, name: str, **variables: str) -> None:
    """Add somebody who may use the admin, with the password ``desk-lamps``."""
    field = "email" if "@" in name else "username"
    command = (".venv/bin/python", "manage.py", "createsuperuser", "--no-input", f"--{field}", name)
    more = {} if "@" in name else {"DJANGO_SUPERUSER_EMAIL": "ada@example.com"}
    run(project, *command, DJANGO_SUPERUSER_PASSWORD="desk-lamps", **more, **variables)


def sign_in(client: httpx.Client, name: str, password: str) -> None:
    """Sign in as the form of the admin does, and send the token against forgery from now on, as the pages do."""
    client.get("/admin/login/")
    form = {
        "username": name,
        "password": password,
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
        "next": "/admin/",
    }
    answer = client.post("/admin/login/", data=form, headers={"Referer": str(client.base_url)})
    assert answer.status_code == 302, answer.text
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]


def install(project: Path, wheel: Path) -> None:
    """``make install`` with this Python."""
    run(project, "make", "install", f"PYTHON={sys.executable}", DJANGO_MATT_SOURCE=str(wheel))


def borrow(project: Path, other: Path) -> None:
    """Let the project use the environment of another, as it is."""
    (project / ".venv").symlink_to(other / ".venv")
    # make would install what is older than the project's requirements.
    (project / ".venv" / ".installed").touch()


def find_python(version: str) -> str | None:
    """Return a Python of this version that starts; pyenv's stand-ins do not all."""
    candidates = [f"python{version}", *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for candidate in map(str, candidates):
        with suppress(OSError):
            if (
                subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode
                == 0
            ):
                return candidate
    return None
