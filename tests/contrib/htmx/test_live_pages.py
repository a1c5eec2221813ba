"""Streams as HTML from a real server: what a client gets, and rows of others that appear in Chromium with htmx 4 and 2."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]

COMMAND = "-m uvicorn --no-access-log --host 127.0.0.1 --port {port} tests.contrib.realtime.served:application"
HTMX = {"accept": "text/html, text/event-stream", "hx-request": "true"}
EVENT_SOURCE = {"accept": "text/event-stream"}


@pytest.fixture(scope="module", params=["4", "2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def url(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("live"), free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_TEST_"))},
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.contrib.htmx.live.settings",
        "BOARD_DATABASE": str(folder / "board.sqlite3"),
        "BOARD_HTMX": version,
    }
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=120,
    )
    command = COMMAND.format(port=port).split()
    with run_server(command, ROOT, environment, port, folder / "log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def another(url: str) -> Iterator[httpx.Client]:
    """A client that writes."""
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        yield client
        for order in client.get("/api/rows").json():
            client.delete(f"/api/orders/{order['id']}")


class Stream:
    """A stream, read event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> tuple[str, str]:
        """Return the name and the text of the next event that has data."""
        name, data = "", []
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif not line and data:
                return name, "\n".join(data)
        raise AssertionError("The stream has ended.")


@contextmanager
def stream(url: str, path: str, headers: dict[str, str]) -> Iterator[Stream]:
    with (
        httpx.Client(base_url=url, timeout=SECONDS) as client,
        client.stream("GET", path, headers=headers) as response,
    ):
        assert response.headers["content-type"] == "text/event-stream", response.read()
        yield Stream(response)


def test_a_live_list_is_sent_again_as_its_fragment(url: str, another: httpx.Client):
    for path, headers in (("", HTMX), ("?format=html", EVENT_SOURCE)):
        with stream(url, f"/api/orders/live{path}", headers) as found:
            assert "None." in found.next()[1]
            made = another.post("/api/orders", params={"status": "open <b>"}).json()["id"]
            assert found.next() == ("", f"\n    <li>{made} open &lt;b&gt;</li>\n    \n  ")
            # What is in no list changes nothing that is shown.
            other = another.post("/api/orders", params={"status": "paid"}).json()["id"]
            another.delete(f"/api/orders/{made}")
            assert "None." in found.next()[1]
            another.delete(f"/api/orders/{other}")


def test_who_asks_for_no_html_gets_json(url: str, another: httpx.Client):
    with stream(url, "/api/orders/live", EVENT_SOURCE) as found:
        assert found.next() == ("list", "[]")
        made = another.post("/api/orders", params={"status": "open"}).json()["id"]
        assert found.next()[0] == "upsert"
        another.delete(f"/api/orders/{made}")
        assert found.next() == ("remove", f'{{"key":{made}}}')


def test_rows_are_sent_alone_where_there_are_partials_for_them(url: str, another: httpx.Client):
    with stream(url, "/api/rows/live", HTMX) as found:
        assert found.next() == ("", "")
        made = another.post("/api/orders", params={"status": "<i>"}).json()["id"]
        assert found.next() == ("", f'<li id="order-{made}">&lt;i&gt;</li>')
        another.delete(f"/api/orders/{made}")
        assert found.next() == ("", f'<li id="order-{made}" hx-swap-oob="delete"></li>')


def test_events_of_topics_are_fragments_for_htmx_alone(url: str, another: httpx.Client):
    with stream(url, "/api/said", HTMX) as html, stream(url, "/api/said", EVENT_SOURCE) as json:
        another.post("/api/said", json={"text": "a & b"})
        assert html.next() == ("", "<li>\nsaid: a &amp; b</li>")
        assert json.next() == ("said", '{"text":"a & b"}')


def test_a_refused_stream_is_told_in_a_corner(another: httpx.Client):
    answer = another.get("/api/said?forbidden=1", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (403, "#matt-toasts")
    assert answer.text.startswith("<div")
    wrong = another.get("/api/said", headers={**HTMX, "last-event-id": "soon"})
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#matt-toasts")


@pytest.fixture
def page(chromium: Any, url: str) -> Iterator[Any]:
    context = chromium.new_context(base_url=url)
    made = context.new_page()
    made.set_default_timeout(1_000 * SECONDS)
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    yield made
    context.close()
    assert complaints == []


@pytest.mark.browser
def test_a_row_of_another_client_appears_and_disappears(page: Any, another: httpx.Client):
    page.goto("/api/orders")
    made = another.post("/api/orders", params={"status": "open <b>x</b>"}).json()["id"]
    row = page.locator("#orders li", has_text=f"{made} open <b>x</b>")
    row.wait_for()
    another.delete(f"/api/orders/{made}")
    row.wait_for(state="detached")
    another.post("/api/said", json={"text": "nobody hears it"})
    page.goto("/said")
    wait_until(lambda: _is_heard(page, another))
    assert page.locator("#said li").last.inner_text() == "said: hello"


def _is_heard(page: Any, another: httpx.Client) -> bool:
    """Say something until it is heard: the stream of the page begins at some time."""
    another.post("/api/said", json={"text": "hello"})
    page.wait_for_timeout(50)
    return bool(page.locator("#said li").count())


@pytest.mark.browser
def test_an_extension_that_arrives_late_is_used(page: Any, another: httpx.Client):
    def wait(route: Any) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/ext/*", wait)
    page.goto("/api/orders")
    made = another.post("/api/orders", params={"status": "open"}).json()["id"]
    page.locator("#orders li", has_text=f"{made} open").wait_for()


@pytest.mark.browser
def test_a_row_is_replaced_in_its_place(page: Any, another: httpx.Client, version: str):
    if version == "2":
        pytest.skip("The extension `upsert` is one of htmx 4.")
    first, second = (
        another.post("/api/orders", params={"status": each}).json()["id"] for each in "ab"
    )
    page.goto("/api/rows")
    third = another.post("/api/orders", params={"status": "c"}).json()["id"]
    page.locator(f"#order-{third}").wait_for()
    another.put(f"/api/orders/{first}", params={"status": "changed"})
    page.locator(f"#order-{first}", has_text="changed").wait_for()
    another.delete(f"/api/orders/{second}")
    page.locator(f"#order-{second}").wait_for(state="detached")
    assert page.locator("#rows li").all_inner_texts() == ["changed", "c"]
