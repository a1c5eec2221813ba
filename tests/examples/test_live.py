"""examples/live in a real Chromium: what one browser orders appears in the other, also after a restart of the server."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from django_matt.contrib.webhooks.signatures import decode_secret, is_signed, sign
from tests.contrib.webhooks.receivers import receive
from tests.e2e.servers import ROOT, STOP_SECONDS, Server, run_server
from tests.waiting import SECONDS, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SECRET = decode_secret("whsec_" + base64.b64encode(b"the-secret-of-the-payment-service").decode())

FOLDER = ROOT / "examples" / "live"
PREPARE = """
from django.core.management import execute_from_command_line as run
run(["manage.py", "makemigrations", "--check", "--dry-run"])
run(["manage.py", "migrate", "-v", "0"])
run(["manage.py", "check", "--fail-level", "WARNING"])
# A consumer gets what is published after its first start.
run(["manage.py", "matt_events", "work", "--drain"])
"""


class Board:
    """The example: its folder of data, and its processes."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_"))}
        self.environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(FOLDER)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "",
            "DEBUG": "1",
            "LIVE_DATA": str(data),
            "MANAGER_TOKEN": "of-the-manager",
            "PAYMENTS_SECRET": base64.b64encode(SECRET).decode(),
        }
        self.run("-c", PREPARE)

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=FOLDER,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def serve(self) -> Iterator[Server]:
        command = f"-m uvicorn --host 127.0.0.1 --port {self.port} config.asgi:application".split()
        with run_server(command, FOLDER, self.environment, self.port, self.data / "log") as server:
            yield server

    @contextmanager
    def work(self, *command: str) -> Iterator[None]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=FOLDER,
            env=self.environment,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0


class Window:
    """One of the browsers, and what went wrong there."""

    def __init__(self, browser: Any, url: str) -> None:
        self.context = browser.new_context(base_url=url, viewport={"width": 700, "height": 500})
        self.page = self.context.new_page()
        self.page.set_default_timeout(1_000 * SECONDS)
        self.complaints: list[str] = []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto("/")
        self.page.get_by_text("Live", exact=True).wait_for()
        self.page.evaluate("window.isTheSame = true")

    def hear(self, message: Any) -> None:
        # The browser itself reports that the server is away, and has no icon.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def order(self, drink: str, customer: str) -> None:
        self.page.get_by_label("Drink").fill(drink)
        self.page.get_by_label("Name").fill(customer)
        self.page.get_by_role("button", name="Order").click()

    def shows(self, text: str, status: str) -> None:
        row = self.page.locator("#orders li", has_text=text)
        row.locator(".status", has_text=status).wait_for()

    @property
    def was_never_reloaded(self) -> bool:
        return bool(self.page.evaluate("window.isTheSame"))


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_what_one_browser_orders_appears_in_the_other_also_after_a_restart(
    board: Board, chromium: Any
):
    with board.serve():
        ada, bob = Window(chromium, board.url), Window(chromium, board.url)
        ada.page.get_by_text("Nobody is waiting.").wait_for()
        ada.order("Espresso", "<Ada>")
        bob.shows("Espresso for <Ada>", "ordered")
        with board.work("matt_events", "work"):
            # The consumer, in a third process.
            bob.shows("Espresso for <Ada>", "is being made")
            ada.shows("Espresso for <Ada>", "is being made")
        bob.page.get_by_role("button", name="Ready: Espresso").click()
        ada.shows("Espresso for <Ada>", "ready")
        metrics = httpx.get(f"{board.url}/metrics", timeout=SECONDS).text
        assert 'http_request_method="POST",http_route="/api/orders"' in metrics
        assert httpx.get(f"{board.url}/api/docs", timeout=SECONDS).status_code == 200
        answer = httpx.post(f"{board.url}/api/orders", json={"drink": " ", "customer": ""})
        assert answer.status_code == 422
    for each in (ada, bob):
        each.page.get_by_text("Connecting again …").wait_for()
    sent: list[Any] = []

    def hear(request: Any) -> None:
        sent.append(request)

    bob.page.on("request", hear)
    with board.serve():
        # Before the other browser is back.
        answer = httpx.post(
            f"{board.url}/api/orders",
            json={"drink": "Tea", "customer": "Eve"},
            timeout=SECONDS,
        )
        assert answer.status_code == 201
        for each in (ada, bob):
            each.shows("Tea for Eve", "ordered")
            each.shows("Espresso for <Ada>", "ready")
        ada.page.get_by_role("button", name="Collected: Espresso").click()
        bob.page.locator("#orders li", has_text="Espresso").wait_for(state="detached")
        streams = [each for each in sent if each.url.endswith("/live")]
        assert int(streams[-1].header_value("last-event-id")) > 0
        if folder := os.environ.get("MATT_PICTURES"):
            bob.page.screenshot(path=f"{folder}/live.png")
    for each in (ada, bob):
        assert each.was_never_reloaded
        assert each.complaints == []
        each.context.close()


def test_others_are_told_of_a_ready_drink_and_tell_of_a_payment(board: Board):
    with board.serve(), receive() as receiver, httpx.Client(base_url=board.url) as client:
        client.timeout = httpx.Timeout(SECONDS)
        endpoint = {"url": receiver.url, "topics": ["order.ready"]}
        assert client.post("/api/webhooks", json=endpoint).status_code == 401
        headers = {"Authorization": "Bearer of-the-manager"}
        made = client.post("/api/webhooks", json=endpoint, headers=headers)
        assert made.status_code == 201, made.text
        order = client.post("/api/orders", json={"drink": "Tea", "customer": "Eve"}).json()
        client.patch(f"/api/orders/{order['id']}", json={"status": "ready"})
        with board.work("matt_webhooks", "send"):
            wait_until(lambda: receiver.got)
        (got,) = receiver.got
        assert json.loads(got.body)["data"] == {"order": order["id"], "customer": "Eve"}
        names = ("webhook-signature", "webhook-id", "webhook-timestamp")
        signature, message, timestamp = (got.headers[name] for name in names)
        key = decode_secret(made.json()["secret"])
        assert is_signed([key], signature, message, int(timestamp), got.body)

        paid = {"type": "payment.succeeded", "data": {"order": order["id"]}}
        assert pay(client, paid, b"another secret, of 24 bytes").status_code == 401
        assert [pay(client, paid, SECRET).status_code for _ in range(2)] == [204, 204]
        assert client.get("/api/orders").json()[0]["paid"] is True
    for _ in range(2):
        board.run("manage.py", "db_worker", "--batch", "--no-startup-delay")
    printed = (board.data / "receipts.txt").read_text()
    assert printed == f"Order {order['id']}: Tea for Eve, paid\n"


def pay(client: httpx.Client, event: Any, key: bytes) -> httpx.Response:
    body, now = json.dumps(event).encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "payment-1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(key, "payment-1", now, body),
    }
    return client.post("/api/payments", content=body, headers=headers)
