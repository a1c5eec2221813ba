"""The generated client in Node and in Chromium, against real servers."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.contrib.typescript.client.samples import requests_for
from tests.e2e.conftest import DEEP
from tests.e2e.servers import ROOT, Server, can_connect, fill_shop, run_server, serve_shop
from tests.waiting import SECONDS, wait_until

from .conftest import matt_types

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "client"
MODULE = "tests.contrib.typescript.client.site"
MAKE = """
from django.contrib.auth.models import Group, User
User.objects.create_user("ada", password="correct horse")
Group.objects.bulk_create(Group(name=f"page {number}") for number in range(1, 11))
"""
SCENARIOS = re.findall(r"^  async (\w+)\(\)", (HERE / "behaviour.ts").read_text(), re.M)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of the site, with its tables and rows."""
    folder = tmp_path_factory.mktemp("site")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        "PYTHONPATH": str(ROOT),
        "SITE_FOLDER": str(folder),
    }
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "shell", "-v0", "-c", MAKE)
    return environment


def manage(environment: dict[str, str], *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        check=False,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def scripts(
    site: dict[str, str], bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Write the site's client, and return the folder with the compiled scenarios."""
    folder = tmp_path_factory.mktemp("scripts")
    manage(site, "matt_types", "write", "--output", folder)
    bundle(folder, HERE / "behaviour.ts", "--platform=node")
    bundle(folder, HERE / "pages.ts", "--platform=node")
    bundle(folder, HERE / "browser.ts", "--platform=browser", "--format=iife")
    return folder


def start(environment: dict[str, str], port: int) -> Any:
    command = f"-m uvicorn --lifespan off --host 127.0.0.1 --port {port} {MODULE}:application"
    log = Path(environment["SITE_FOLDER"]) / f"server-{port}.log"
    return run_server(command.split(), ROOT, environment, port, log)


@pytest.fixture(scope="module")
def server(site: dict[str, str]) -> Iterator[Server]:
    with start(site, free_port()) as running:
        yield running


def node(script: Path, *arguments: object) -> str:
    done = subprocess.run(
        ["node", str(script), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [each for each in SCENARIOS if each != "reconnects"])
def test_the_client_does_what_its_page_says(scripts: Path, server: Server, name: str):
    closed = f"http://127.0.0.1:{free_port()}"
    assert node(scripts / "behaviour.built.mjs", name, server.url, closed).endswith("passed\n")


def test_a_stream_goes_on_after_the_server_was_killed(scripts: Path, site: dict[str, str]):
    port = free_port()
    with start(site, port) as first:
        process = subprocess.Popen(
            ["node", str(scripts / "behaviour.built.mjs"), "reconnects", first.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        try:
            for expected in ("1\n", "2\n", "3\n"):
                assert process.stdout.readline() == expected
            os.kill(first.pid, signal.SIGKILL)
            wait_until(lambda: not can_connect(port))
            with start(site, port):
                said = process.stdout.read()
                assert process.wait(SECONDS) == 0, said
                assert said.endswith("passed\n")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_a_server_of_pages_shows_each_visitor_their_own(scripts: Path, server: Server):
    """What Next, Astro, React Router and SvelteKit do in their loaders, in plain Node."""
    port = free_port()
    process = subprocess.Popen(
        ["node", str(scripts / "pages.built.mjs"), str(port), server.url],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: can_connect(port))
        page = f"http://127.0.0.1:{port}/"
        with httpx.Client(base_url=server.url, timeout=SECONDS) as browser:
            body = {"username": "ada", "password": "correct horse"}
            assert browser.post("/api/session", json=body).status_code < 300
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        headers = {"Cookie": cookies, "X-Request-ID": "from-the-page"}
        found = [httpx.get(page, headers=each, timeout=SECONDS) for each in (headers, {}, headers)]
        assert [each.status_code for each in found] == [200, 401, 200]
        assert found[0].text.endswith('<p data-cache="no-store">ada</p>')
        assert "ada" not in found[1].text
        assert {each.headers["Cache-Control"] for each in found} == {"private, no-store"}
        assert httpx.post(page, headers=headers, timeout=SECONDS).status_code == 201
        without_token = {"Cookie": re.sub(r"csrftoken=[^;]*", "", cookies)}
        assert httpx.post(page, headers=without_token, timeout=SECONDS).status_code == 403
        seen = httpx.get(f"{server.url}/api/seen", timeout=SECONDS).json()
        assert seen["id from-the-page"] == 4
    finally:
        process.kill()
        process.wait()


def test_a_browser_renews_its_csrf_token_and_shows_the_progress_of_an_upload(
    scripts: Path, site: dict[str, str], server: Server, chromium: Any
):
    (Path(site["SITE_FOLDER"]) / "browser.js").write_bytes(
        (scripts / "browser.built.js").read_bytes()
    )
    page = chromium.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(server.url)
    # Chromium tells of an upload every 50 ms; without a limit, a fast machine has sent it all by then.
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": 40_000_000,
        },
    )
    found = page.evaluate("run()")
    page.close()
    assert (found["before"], found["without"]) == ("", "")
    assert (found["signedIn"], found["note"], found["notes"]) == (200, 201, 1)
    assert found["size"] == 20_000_000
    sent = [step[0] for step in found["steps"]]
    assert len(sent) > 1
    assert sent == sorted(sent)
    assert found["steps"][-1][0] == found["steps"][-1][1] > 20_000_000
    assert found["aborted"] == "aborted"
    assert found["refused"] == 201
    assert found["invalid"] == [422, 2]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("shop")
    fill_shop(data)
    with serve_shop("granian-asgi", data) as running:
        yield running


def test_every_answer_of_the_shop_has_the_type_of_its_status(
    shop: Server, bundle: Callable[..., Path], tmp_path: Path
):
    done = matt_types("write", "--output", tmp_path, "--zod")
    assert done.returncode == 0, done.stderr
    bundle(tmp_path, HERE / "shop.ts", "--platform=node")
    with shop.client() as client:
        openapi = client.get("/api/openapi.json").json()
    random = Random(13)
    cases = []
    found = calls_of(tmp_path / "api.ts")
    each_method = [
        (path, method, details, item.get("parameters", []))
        for path, item in openapi["paths"].items()
        for method, details in item.items()
        if method != "parameters"
    ]
    assert {(method.upper(), path) for path, method, _, _ in each_method} == set(found)
    for path, method, details, shared in each_method:
        name, stream = found[method.upper(), path]
        count = 3 if stream else 200 if DEEP else 30
        cases += [
            {
                "name": name,
                "stream": stream,
                "who": random.choice(["", "ada", "staff", "staff"]),
                "options": options,
            }
            for options in requests_for(openapi, details, shared, random, count)
        ]
    random.shuffle(cases)
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    report = json.loads(node(tmp_path / "shop.built.mjs", shop.url, tmp_path / "cases.json"))
    assert report["wrong"] == []
    assert report["failures"] == 0
    assert set(report["counts"]) == {name for name, _ in found.values()}
    assert sum(sum(each.values()) for each in report["counts"].values()) == len(cases)
    # Not refusals alone: each operation was carried out at least once. One fails on purpose, and two need a row that nothing uses.
    carried_out = {
        name for name, each in report["counts"].items() if any(key.startswith("2") for key in each)
    }
    refused = set(report["counts"]) - carried_out
    assert "mistakeOops" in refused
    assert refused <= {"mistakeOops", "categoriesDelete", "productsDelete"}
    assert report["counts"]["mistakeOops"].keys() <= {"500", "422"}


def calls_of(api: Path) -> dict[tuple[str, str], tuple[str, bool]]:
    """Return the export of each method and path, and whether it is a stream."""
    calls = re.findall(
        r'export const (\w+) = /\* @__PURE__ \*/ \$(call|stream)<.*?>\("(\w+)", "([^"]+)"',
        api.read_text(),
    )
    return {(method, path): (name, made == "stream") for name, made, method, path in calls}
