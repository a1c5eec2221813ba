"""The Ninja Extra project before and after the swap: both served, both asked the same, equal answers."""

import difflib
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server, shop_environment
from tests.waiting import SECONDS

FOLDER = ROOT / "examples" / "migration"
AUTH = {"Authorization": "Bearer demo"}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/api/notes", {}),
    ("GET", "/api/notes?page=2&page_size=2", {}),
    ("GET", "/api/notes/1", {}),
    ("GET", "/api/notes/99", {}),
    ("GET", "/api/hello?name=Ada", {}),
    ("POST", "/api/notes", {"json": {"title": "new"}}),
    ("POST", "/api/notes", {"json": {"title": "new"}, "headers": AUTH}),
    ("POST", "/api/notes", {"json": {"pinned": "perhaps"}, "headers": AUTH}),
    (
        "POST",
        "/api/notes",
        {"content": b"{", "headers": {**AUTH, "Content-Type": "application/json"}},
    ),
    ("PATCH", "/api/notes/2", {"json": {"pinned": True}, "headers": AUTH}),
    ("DELETE", "/api/notes/3", {"headers": AUTH}),
    ("GET", "/api/notes/3", {}),
    ("GET", "/api/notes?page=many", {}),
]


def test_the_diff_is_true():
    before, after = (
        (FOLDER / name).read_text().splitlines(keepends=True)
        for name in ("before/notes.py", "after/notes.py")
    )
    diff = "".join(difflib.unified_diff(before, after, "before/notes.py", "after/notes.py"))
    assert (FOLDER / "swap.diff").read_text() == diff


@pytest.mark.slow
def test_both_answer_the_same(tmp_path):
    with ExitStack() as stack:
        clients = []
        for name in ("before", "after"):
            port = free_port()
            environment = shop_environment(tmp_path)
            environment.pop("DJANGO_SETTINGS_MODULE")
            arguments = ["notes.py", f"127.0.0.1:{port}"]
            log = tmp_path / f"{name}.log"
            server = stack.enter_context(
                run_server(arguments, FOLDER / name, environment, port, log)
            )
            # The links of a page name the host: one name for both.
            client = httpx.Client(
                base_url=server.url, headers={"Host": "localhost"}, timeout=SECONDS
            )
            clients.append(stack.enter_context(client))
        for method, path, options in CALLS:
            before, after = (client.request(method, path, **options) for client in clients)
            assert before.status_code == after.status_code, (method, path, after.text)
            assert before.status_code < 500
            if before.content:
                assert before.json() == after.json(), (method, path)
            else:
                assert after.content == b""
