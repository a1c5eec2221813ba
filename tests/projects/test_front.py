"""The React starter as its owner meets it: installed from the registry, checked, built, served and driven in Chromium."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.node_tools import missing
from tests.projects.conftest import environment
from tests.projects.rendering import FRONTS, PROJECT, TREE, Options, render
from tests.projects.running import DEPLOY, add_staff, run, serve
from tests.waiting import wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]

CHROMIUM = "/usr/bin/chromium"
BUDGET = 90_000
"""Bytes of the JavaScript of the first page, compressed (issue 18)."""
LAMPS = [{"name": f"Lamp {number:02}", "price": "39.90"} for number in range(12)]
# Of Django Matt in this tree, in the environment of the tests: nothing is installed but what npm installs.
SOURCE = {"PYTHONPATH": str(TREE), "HTTPS": "false", "BEHIND_PROXY": "false"}
PRODUCTION = {
    **SOURCE,
    "DEBUG": "false",
    "SECRET_KEY": "of-the-tests-0123456789-0123456789-0123456789-0123456789",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "SITE_URL": "https://shop.example",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "LOG_LEVEL": "WARNING",
}
SESSION = """
import json
import django
django.setup()
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.test import Client
user = get_user_model().objects.get(is_staff=True)
EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True, primary=True)
client = Client()
client.force_login(user)
print(json.dumps({"session": client.cookies["sessionid"].value, "email": user.email}))
"""


def make(folder: Path, **options: Any) -> Path:
    project = render(folder, project_name="Shop", **options)
    tools = project / ".venv/bin"
    tools.mkdir(parents=True)
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python").chmod(0o755)
    # make finds that all is installed.
    (project / ".venv/.installed").touch()
    return project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with a password, its packages installed, built by make."""
    if shutil.which("npm") is None or not Path(CHROMIUM).exists():
        missing("there is no npm, or no Chromium")
    project = make(tmp_path_factory.mktemp("front"), **FRONTS[0])
    # As an interrupted `npm ci` leaves it.
    (project / "front/node_modules/vite").mkdir(parents=True)
    try:
        run(project, "make", "front", **SOURCE)
    except AssertionError as error:
        if re.search(r"npm error code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT)", str(error)):
            missing("no registry of npm answers")
        raise
    return project


@contextmanager
def served(project: Path) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """The image's command, with somebody who may write, and who they are."""
    port = free_port()
    command = json.loads(
        re.findall(r"^CMD (\[.*\])$", (project / "Dockerfile").read_text(), re.M)[-1]
    )
    command[command.index("8000")] = str(port)
    command[command.index("0.0.0.0")] = "127.0.0.1"
    command[command.index("2")] = "1"
    command[0] = str(Path(sys.executable).parent / command[0])
    # http for the test alone: what --deploy says about it is not the question here.
    deploy = DEPLOY.replace('fail_level="WARNING"', 'fail_level="ERROR"')
    run(project, ".venv/bin/python", "-c", deploy, **PRODUCTION)
    name = (
        "ada@example.com" if "UserManager" in (project / "users/models.py").read_text() else "ada"
    )
    add_staff(project, name, **PRODUCTION)
    said = json.loads(
        run(project, ".venv/bin/python", "-c", SESSION, **PRODUCTION).splitlines()[-1]
    )
    with serve(project, command, port, PRODUCTION, "/api/health/live") as (client, _):
        yield client, said


@contextmanager
def changes_host(project: Path, django: int) -> Iterator[httpx.Client]:
    """Vite with the short form of its proxy, which sends the Host of its target."""
    port = free_port()
    config = project / "front/short.config.mjs"
    config.write_text(
        f'export default {{ server: {{ proxy: {{ "^/_allauth": "http://127.0.0.1:{django}" }} }} }};'
    )
    vite = ["node", "node_modules/vite/bin/vite.js", "--config", config.name, "--strictPort"]
    command = [*vite, "--host", "localhost", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=config.parent, env=environment(), stdout=subprocess.DEVNULL
    )
    client = httpx.Client(base_url=f"http://localhost:{port}", timeout=60)

    def answers() -> bool:
        try:
            return client.get("/_allauth/browser/v1/config").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers)
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(60)


def drive(project: Path, url: str, who: Mapping[str, str]) -> None:
    """The starter's own browser test, with the Chromium of this machine."""
    run(
        project / "front",
        *("npm", "test"),
        BASE_URL=url,
        CHROMIUM=CHROMIUM,
        SESSION=who["session"],
        EMAIL=who["email"],
        PASSWORD="desk-lamps",
    )


def test_the_react_starter_is_written_built_served_and_driven(shop: Path):
    static = shop / "static/front"
    manifest = json.loads((static / ".vite/manifest.json").read_text())
    entry = manifest["src/main.tsx"]
    first = [entry["file"], *(manifest[name]["file"] for name in entry.get("imports", ()))]
    size = sum(len(gzip.compress((static / name).read_bytes())) for name in first)
    assert 40_000 < size <= BUDGET, size
    with served(shop) as (client, who):
        browser = {"Accept": "text/html"}
        page = client.get("/items/1", headers=browser)
        assert page.status_code == 200
        assert "<title>Shop</title>" in page.text
        for url in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
            assert client.get(url).status_code == 200, url
        assert client.get("/static/front/assets/main-old.js", headers=browser).status_code == 404
        assert client.get("/api/nothing", headers=browser).status_code == 404
        meet_csrf(client, who)
        drive(shop, str(client.base_url), who)
    # After the browser test, which leaves files.
    run(shop / "front", "npm", "run", "check")


def meet_csrf(client: httpx.Client, who: Mapping[str, str]) -> None:
    """The same site may write; another one, a changed Host, and a missing token may not."""
    client.cookies.set("sessionid", who["session"])
    client.get("/", headers={"Accept": "text/html"})
    token = {"X-CSRFToken": client.cookies["csrftoken"]}
    here = str(client.base_url).rstrip("/")

    def write(item: dict[str, str], **headers: str) -> int:
        return client.post("/api/items", json=item, headers=headers).status_code

    assert write(LAMPS[0]) == 403
    assert write(LAMPS[0], Origin=here) == 403
    assert write(LAMPS[0], **token, Origin="https://evil.example") == 403
    assert write(LAMPS[0], **token, Origin="null") == 403
    # What a proxy sends that changes the Host: the origin is the proxy's, and no longer this site.
    assert write(LAMPS[0], **token, Origin="http://localhost:5173") == 403
    assert write(LAMPS[0], **token, Origin=here) == 201
    # A proxy that keeps the Host.
    kept = {"Host": "localhost:5173", "Origin": "http://localhost:5173"}
    assert write(LAMPS[1], **token, **kept) == 201
    for lamp in LAMPS[2:]:
        assert write(lamp, **token) == 201


def test_make_dev_serves_both_and_ends_both(shop: Path):
    port, front = free_port(), free_port()
    command = ["make", "dev", f"PORT={port}", f"FRONT_PORT={front}"]
    vite = httpx.Client(base_url=f"http://localhost:{front}", timeout=60)

    def vite_answers() -> bool:
        try:
            return vite.get("/src/main.tsx").status_code == 200
        except httpx.TransportError:
            return False

    with serve(shop, command, port, SOURCE, "/api/health/live") as (client, log):
        wait_until(vite_answers, log.read_text)
        browser = {"Accept": "text/html"}
        page = client.get("/sign-in", headers=browser)
        assert f'src="http://localhost:{front}/src/main.tsx"' in page.text
        assert f"http://localhost:{front}" in page.headers["Content-Security-Policy"]
        # The address of Vite works too: its proxy keeps the Host, so Django sees one site.
        assert vite.get("/sign-in", headers=browser).text == page.text
        login = "/_allauth/browser/v1/auth/login"
        body = {"email": "ada@example.com", "password": "wrong"}
        headers = {"Origin": f"http://localhost:{front}"}
        assert vite.post(login, json=body, headers=headers).status_code == 403
        headers["X-CSRFToken"] = vite.cookies["csrftoken"]
        assert vite.post(login, json=body, headers=headers).status_code == 400
        with changes_host(shop, port) as other:
            # The short form of Vite's proxy changes the Host, so the origin is another site.
            headers["Origin"] = f"http://localhost:{other.base_url.port}"
            other.cookies = vite.cookies
            assert other.post(login, json=body, headers=headers).status_code == 403
        # A second one says which port is taken, and leaves the first alone.
        done = subprocess.run(
            command,
            cwd=shop,
            env=environment(**SOURCE),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert f"Port {port} is taken" in done.stderr
        assert vite_answers()
    # `serve` has sent one interrupt.
    wait_until(lambda: not vite_answers())
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/")


def test_the_lock_file_names_no_registry_and_exact_versions():
    front = PROJECT / "front"
    lock, package = (
        json.loads((front / name).read_text()) for name in ("package-lock.json", "package.json")
    )
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
    assert all("integrity" in each for name, each in lock["packages"].items() if name)
    wanted = {**package["dependencies"], **package["devDependencies"]}
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not re.search(
        r"https?://(?!opencollective|github|tidelift|paulmillr)",
        (front / "package-lock.json").read_text(),
    )


@pytest.mark.parametrize("slug", ["stream", "fs", "node-modules", "a", "x" * 50])
def test_npm_accepts_the_name_of_any_project(tmp_path: Path, slug: str):
    """Names of Node's own modules among them, which npm refuses."""
    project = render(tmp_path, project_slug=slug, **FRONTS[0])
    names = {
        json.loads((project / "front" / name).read_text())["name"]
        for name in ("package.json", "package-lock.json")
    }
    assert names == {f"{slug}-front"}


@pytest.mark.parametrize(
    "options",
    [{"sign_in": "none"}, {"first_app": "empty"}, {"audience": "b2b"}],
    ids=str,
)
def test_what_the_starter_is_not_written_for_is_refused(tmp_path: Path, options: Options):
    from django_matt.cli.templates import conflict

    assert "Choose" in conflict({**FRONTS[0], **options})
    assert conflict(FRONTS[0]) == ""


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", FRONTS[1:], ids=lambda options: options["sign_in"])
def test_every_way_to_sign_in_builds_and_is_driven(tmp_path: Path, shop: Path, options: Options):
    project = make(tmp_path, **{**options, "database": "sqlite"})
    shutil.copytree(shop / "front/node_modules", project / "front/node_modules", symlinks=True)
    run(project, "make", "front", **SOURCE)
    run(project / "front", "npm", "run", "check")
    with served(project) as (client, who):
        meet_csrf(client, who)
        drive(project, str(client.base_url), who)
