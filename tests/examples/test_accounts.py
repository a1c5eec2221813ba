"""examples/accounts in a real Chromium: every way in, on SQLite and on PostgreSQL."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, create_database, run_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = ROOT / "examples" / "accounts"
PASSWORD = "correct-horse-battery"
DEVICE = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Visitor:
    """A browser at the example, and the mails that it has sent."""

    def __init__(self, browser: Any, url: str, mails: Path) -> None:
        self.url, self.mails = url, mails
        self.context = browser.new_context(base_url=url, viewport={"width": 900, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.faults: list[str] = []
        self.page.on("response", self.see)

    def see(self, response: Any) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} {response.url}")

    def newest_mail(self, already: int = 0) -> str:
        wait_until(lambda: len(self.mail_files()) > already)
        return max(self.mail_files(), key=lambda path: path.stat().st_mtime_ns).read_text()

    def mail_files(self) -> list[Path]:
        return list(self.mails.glob("*")) if self.mails.exists() else []

    def click(self, name: str, role: str = "button") -> None:
        self.page.get_by_role(role, name=name, exact=True).first.click()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).first.fill(value)

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def sign_out(self) -> None:
        self.page.goto("/")
        self.click("Sign out", "link")
        self.click("Sign Out")
        self.sees("You are not signed in.")

    def output(self) -> str:
        output = self.page.locator("#output")
        output.wait_for(state="visible")
        return str(output.inner_text())

    def outputs(self, text: str) -> None:
        wait_until(lambda: text in self.output(), self.output)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def example(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    data = tmp_path_factory.mktemp("accounts")
    url = ""
    if request.param == "postgres":
        host = request.getfixturevalue("postgres_host")
        url = create_database(host, f"accounts_{os.getpid()}")
    port = free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_", "OIDC_"))}
    environment = {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(FOLDER)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": url,
        "ACCOUNTS_DATA": str(data),
        "PORT": str(port),
    }
    command = ["-c", START.format(port=port)]
    with run_server(command, FOLDER, environment, port, data / "server.log"):
        yield f"http://localhost:{port}", data / "mail"


START = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core.management import execute_from_command_line as run
run(["manage.py", "check", "--fail-level", "WARNING"])
run(["manage.py", "makemigrations", "--check", "--dry-run"])
run(["manage.py", "migrate", "-v", "0"])
run(["manage.py", "runserver", "127.0.0.1:{port}", "--noreload"])
"""


@pytest.fixture(scope="module")
def visitor(chromium: Any, example: tuple[str, Path]) -> Iterator[Visitor]:
    made = Visitor(chromium, *example)
    yield made
    made.context.close()
    assert made.faults == []


def test_every_way_in_leads_to_the_same_account(visitor: Visitor):
    page = visitor.page

    # A password: the address is confirmed by a code.
    page.goto("/")
    visitor.click("Sign up", "link")
    visitor.fill("Email", "ada@example.com")
    visitor.fill("Password", PASSWORD)
    visitor.click("Sign Up")
    visitor.sees("Enter Email Verification Code")
    code = re.search(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", visitor.newest_mail(), re.M)
    assert code
    visitor.fill("Code", code[0])
    visitor.click("Confirm")
    visitor.sees("You are signed in as")

    # The session of the page, tokens, and a key read the same notes.
    visitor.fill("A note", "Buy milk")
    visitor.click("Write it")
    page.locator("#notes li", has_text="Buy milk").wait_for()
    visitor.click("Get tokens, and read your notes with them")
    visitor.outputs("access_token")
    assert "Buy milk" in visitor.output()
    visitor.click("Create a key, and read your notes with it")
    visitor.outputs("notes_test_")
    assert "Buy milk" in visitor.output()

    # A passkey, created after the password is asked for once more.
    session = visitor.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    visitor.click("Create a passkey", "link")
    visitor.fill("Password", PASSWORD)
    visitor.click("Confirm")
    add_passkey(visitor)
    visitor.sign_out()
    visitor.click("Sign in with a passkey")
    visitor.sees("You are signed in as")
    page.locator("#notes li", has_text="Buy milk").wait_for()
    visitor.sign_out()

    # A link by e-mail, in the browser that asked for it. The passkey is a second factor now, so it is asked for too.
    before = len(visitor.mail_files())
    visitor.click("Send me a link", "link")
    page.locator("input[type=email]").fill("ada@example.com")
    page.locator("main button[type=submit], form button").last.click()
    link = re.search(r"http://localhost:\d+/sign-in/link#\S+", visitor.newest_mail(before))
    assert link
    page.goto("about:blank")
    page.goto(link[0])
    page.wait_for_url("**/accounts/2fa/authenticate/**")


def add_passkey(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_label("Name").first.fill("This laptop")
    page.get_by_role("button", name=re.compile("add|create", re.IGNORECASE)).first.click()
    page.wait_for_url(re.compile(r"/accounts/2fa/(?!webauthn/add)"))
