"""Tokens between two processes, and in the cookies of a real browser."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, Server, run_server
from tests.waiting import SECONDS, wait_until

ADD = "from django.contrib.auth.models import User; User.objects.create_user('ada')"
DEACTIVATE = "from django.contrib.auth.models import User; User.objects.update(is_active=False)"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("MATT_")},
        "DJANGO_SETTINGS_MODULE": "tests.e2e.tokens.settings",
        "PYTHONPATH": str(ROOT),
        "SITE_FOLDER": str(tmp_path_factory.mktemp("site")),
    }


def manage(environment: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=120,
        capture_output=True,
        text=True,
    ).stdout


def run(environment: dict[str, str], code: str) -> None:
    manage(environment, "shell", "-v0", "-c", code)


@pytest.fixture(scope="module")
def server(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    manage(environment, "migrate", "-v0")
    run(environment, ADD)
    port, log = free_port(), tmp_path_factory.mktemp("log") / "log"
    application = "django_matt.wsgi:get_wsgi_application()"
    serve = f"-m gunicorn --workers 2 --no-control-socket --bind 127.0.0.1:{port} {application}"
    with run_server(serve.split(), ROOT, environment, port, log) as started:
        yield started


def tokens_of(server: Server) -> dict[str, Any]:
    with server.client() as client:
        client.base_url = server.url.replace("127.0.0.1", "localhost")
        client.get("/")
        token = {"X-CSRFToken": client.cookies["csrftoken"]}
        client.post("/api/login").raise_for_status()
        token = {"X-CSRFToken": client.cookies["csrftoken"]}
        found: dict[str, Any] = (
            client.post("/api/tokens/exchange", json={}, headers=token).raise_for_status().json()
        )
        return found


def ask_each_process(server: Server, token: str) -> dict[int, int]:
    """Return the status of the latest answer of each process; a refusal does not name its process, and is that of 0."""
    found: dict[int, int] = {}
    for _ in range(20):
        # A connection for each request, so that both processes get some.
        connection = HTTPConnection("localhost", urlsplit(server.url).port, timeout=SECONDS)
        connection.request("GET", "/api/me", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        found[json.loads(answer.read()).get("process", 0)] = answer.status
        connection.close()
    return found


def test_rotated_keys_are_known_to_every_process(server: Server, environment: dict[str, str]):
    before = tokens_of(server)["access_token"]
    wait_until(lambda: len(ask_each_process(server, before)) == 2)
    manage(environment, "matt_keys", "rotate", "--no-input")
    after = tokens_of(server)["access_token"]
    for token in (before, after):
        wait_until(lambda: set(ask_each_process(server, token).values()) == {200})  # noqa: B023


FETCH = """async ([method, path, body]) => {
    const csrf = document.cookie.match(/csrftoken=([^;]+)/)[1];
    const headers = {"Content-Type": "application/json", ...(body ? {"X-CSRFToken": csrf} : {})};
    const response = await fetch("/api" + path, {method, headers, body});
    return [response.status, document.cookie];
}"""


@pytest.mark.browser
def test_a_browser_keeps_the_tokens_in_cookies_that_scripts_cannot_read(
    chromium: Any, server: Server
):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url.replace("127.0.0.1", "localhost"))

    def fetch(method: str, path: str, body: str | None = None) -> Any:
        return page.evaluate(FETCH, [method, path, body])

    assert fetch("POST", "/login", "{}")[0] == 200
    status, cookies = fetch("POST", "/tokens/exchange", '{"transport": "cookie"}')
    assert status == 200
    assert "access" not in cookies
    context.clear_cookies(name="sessionid")
    names = {cookie["name"]: cookie for cookie in context.cookies()}
    assert names.keys() == {"csrftoken", "__Host-access", "__Host-refresh"}
    assert all(names[f"__Host-{name}"]["httpOnly"] for name in ("access", "refresh"))

    assert fetch("GET", "/me")[0] == 200
    assert fetch("POST", "/notes")[0] == 403
    assert fetch("POST", "/notes", "{}")[0] == 200
    context.clear_cookies(name="__Host-access")
    assert fetch("GET", "/me")[0] == 401
    assert fetch("POST", "/tokens/refresh")[0] == 403
    assert fetch("POST", "/tokens/refresh", "{}")[0] == 200
    assert fetch("GET", "/me")[0] == 200
    assert fetch("POST", "/tokens/revoke", "{}")[0] == 204
    assert fetch("GET", "/me")[0] == 401
    assert {cookie["name"] for cookie in context.cookies()} == {"csrftoken"}
    context.close()


def test_a_token_is_accepted_and_stopped_by_every_process(
    server: Server, environment: dict[str, str]
):
    """Property 13: also in the processes that have verified the token before. No later test can use the user."""
    tokens = tokens_of(server)
    wait_until(lambda: len(ask_each_process(server, tokens["access_token"])) == 2)
    run(environment, DEACTIVATE)
    wait_until(lambda: ask_each_process(server, tokens["access_token"]) == {0: 401})
    with server.client() as client:
        client.base_url = server.url.replace("127.0.0.1", "localhost")
        body = {"refresh_token": tokens["refresh_token"]}
        assert client.post("/api/tokens/refresh", json=body).status_code == 401
