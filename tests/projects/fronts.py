"""Starters of `matt new --front` as their owners have them: made, installed, built and served, with Node for those that it renders."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.ports import free_port
from tests.node_tools import missing
from tests.projects.conftest import environment
from tests.projects.rendering import FRONTS, TREE, render
from tests.projects.running import DEPLOY, add_staff, run, serve

__all__ = [
    "CHROMIUM",
    "EACH_RUN",
    "KINDS",
    "RENDERED",
    "SOURCE",
    "Site",
    "build",
    "drive",
    "is_rendered",
    "kind_of",
    "make",
    "manage",
    "served",
]

KINDS = json.loads((TREE / "cookiecutter/cookiecutter.json").read_text())["front"]
KINDS = [kind for kind in KINDS if kind not in {"none", "htmx"}]
"""Those that Node builds."""
RENDERED = [kind for kind in KINDS if kind != "react"]
# Of the others, each takes a minute: MATT_FRONTS=all, or EXHAUSTIVE=yes.
EACH_RUN = KINDS if os.environ.get("MATT_FRONTS") == "all" else ["react", "astro"]
CHROMIUM = "/usr/bin/chromium"
# Of Django Matt in this tree, in the environment of the tests: nothing is installed but what npm installs.
SOURCE = {"PYTHONPATH": str(TREE), "HTTPS": "false", "BEHIND_PROXY": "false"}
PRODUCTION = {
    **SOURCE,
    "DEBUG": "false",
    "SECRET_KEY": "of-the-tests-0123456789-0123456789-0123456789-0123456789",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "SITE_URL": "https://shop.example",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "LOG_LEVEL": "INFO",
}
SESSION = """
import json
import django
django.setup()
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.test import Client
users = get_user_model().objects
user = users.get(is_staff=True)
EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True, primary=True)
client = Client()
client.force_login(user)
said = {"session": client.cookies["sessionid"].value, "email": user.email}
try:
    from tests.authenticators import give_passkey
except ImportError:
    pass
else:
    # Of somebody else: beside a passkey, a password is not enough.
    named = {"username": "grace"} if getattr(user, "username", None) else {}
    owner, _ = users.get_or_create(email="grace@example.com", **named)
    EmailAddress.objects.get_or_create(user=owner, email=owner.email, verified=True, primary=True)
    said |= {"passkey": json.dumps(give_passkey(owner)), "passkey_email": owner.email}
print(json.dumps(said))
"""


@dataclass(frozen=True, slots=True)
class Site:
    """What is served at one origin, and somebody who may write."""

    client: httpx.Client
    session: str
    email: str
    log: Path
    """What Django has logged."""
    passkey: str = ""
    """A passkey as Chromium's virtual device takes it, and whose it is."""
    passkey_email: str = ""


def kind_of(project: Path) -> str:
    """Return the front end of a project."""
    return (project / ".venv/front").read_text()


def is_rendered(project: Path) -> bool:
    """Return whether Node renders the pages."""
    return (project / "front/preview.mjs").exists()


def make(folder: Path, **options: Any) -> Path:
    """Return a project in ``folder`` whose environment is that of the tests."""
    project = render(folder, **{"project_name": "Shop", **options})
    tools = project / ".venv/bin"
    tools.mkdir(parents=True)
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python").chmod(0o755)
    (project / ".venv/front").write_text(options["front"])
    # make finds that all is installed.
    (project / ".venv/.installed").touch()
    return project


def build(folder: Path, kind: str) -> Path:
    """Return a project with each way to sign in, its packages installed from the registry, built by make without a running Django."""
    if shutil.which("npm") is None or not Path(CHROMIUM).exists():
        missing("there is no npm, or no Chromium")
    project = make(folder, **{**FRONTS[0], "sign_in": "all", "front": kind})
    # As an interrupted `npm ci` leaves it.
    (project / "front/node_modules/vite").mkdir(parents=True)
    try:
        run(project, "make", "front", **SOURCE)
    except AssertionError as error:
        if re.search(r"npm error code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT)", str(error)):
            missing("no registry of npm answers")
        raise
    return project


def manage(project: Path, *command: str, **variables: str) -> str:
    """Run a command of the project's manage.py."""
    return run(project, ".venv/bin/python", "manage.py", *command, **{**SOURCE, **variables})


@contextmanager
def served_by_django(
    project: Path, port: int, **variables: str
) -> Iterator[tuple[httpx.Client, Path]]:
    """The image's command, which serves uploaded files too here, as a proxy does in production."""
    command = json.loads(
        re.findall(r"^CMD (\[.*\])$", (project / "Dockerfile").read_text(), re.M)[-1]
    )
    command[command.index("8000")] = str(port)
    command[command.index("0.0.0.0")] = "127.0.0.1"
    command[command.index("2")] = "1"
    command[0] = str(Path(sys.executable).parent / command[0])
    (project / "media").mkdir(exist_ok=True)
    routes = ["--static-path-route", "/static", "--static-path-route", "/media"]
    command[-1:-1] = [*routes, "--static-path-mount", "media"]
    with serve(project, command, port, {**PRODUCTION, **variables}, "/api/health/live") as site:
        yield site


@contextmanager
def served_by_node(project: Path, port: int, django: httpx.Client) -> Iterator[httpx.Client]:
    """The build, and Django at the same origin, by the starter's own `npm run preview`."""
    variables = {
        **environment(),
        **SOURCE,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "MATT_SPA_BACKEND": str(django.base_url).rstrip("/"),
    }
    command = [node_of(project), "preview.mjs"]
    with serve(project / "front", command, port, variables, "/") as (client, _):
        yield client


def node_of(project: Path) -> str:
    """Return the Node that the project's commands find."""
    from django_matt.contrib.spa.nodes import find_node

    return find_node(project / "front").path


@contextmanager
def served(project: Path, *, stays: bool = True) -> Iterator[Site]:
    """The project as production serves it. Without ``stays``, Django has ended, and Node is left."""
    # http for the test alone: what --deploy says about it is not the question here.
    deploy = DEPLOY.replace('fail_level="WARNING"', 'fail_level="ERROR"')
    run(project, ".venv/bin/python", "-c", deploy, **PRODUCTION)
    port = free_port()
    # Browsers use passkeys at localhost, and not at an address.
    production = {**PRODUCTION, "SITE_URL": f"http://localhost:{port}"}
    name = (
        "ada@example.com" if "UserManager" in (project / "users/models.py").read_text() else "ada"
    )
    if not (project / "staff").exists():
        add_staff(project, name, **production)
        (project / "staff").touch()
    said = json.loads(
        run(project, ".venv/bin/python", "-c", SESSION, **production).splitlines()[-1]
    )
    if not is_rendered(project):
        with served_by_django(project, port, **production) as (client, log):
            yield Site(client, log=log, **said)
        return
    django = served_by_django(project, free_port(), **{**production, "BEHIND_PROXY": "true"})
    answered, log = django.__enter__()
    is_up = True
    try:
        with served_by_node(project, port, answered) as client:
            if not stays:
                is_up = False
                django.__exit__(None, None, None)
            yield Site(client, log=log, **said)
    finally:
        if is_up:
            django.__exit__(None, None, None)


def drive(project: Path, url: str, who: Site) -> None:
    """The starter's own browser test, with the Chromium of this machine."""
    more: Mapping[str, str] = {
        "BASE_URL": url.replace("127.0.0.1", "localhost"),
        "CHROMIUM": CHROMIUM,
        "SESSION": who.session,
        "EMAIL": who.email,
        "PASSWORD": "desk-lamps",
        "PASSKEY": who.passkey,
        "PASSKEY_EMAIL": who.passkey_email,
    }
    manage(project, "matt_spa", "run", "test", **more)
