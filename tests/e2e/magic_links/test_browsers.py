"""The page of the link in Chromium: the browser that asked is signed in, another one that clicks everything is not."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

ADD = (
    "from tests.e2e.magic_links.site.models import Person; Person(mailbox='ada@example.com').save()"
)


@dataclass
class Site:
    """A server, the folder of its mails, and its log."""

    url: str
    mails: Path
    log: Path

    def newest_mail(self) -> tuple[str, str]:
        """Wait for a mail, remove it; return the link and the code."""
        wait_until(lambda: list(self.mails.glob("*")))
        (file,) = self.mails.glob("*")
        message = message_from_string(file.read_text())
        file.unlink()
        part: Any = next(p for p in message.walk() if p.get_content_type() == "text/plain")
        text = part.get_payload(decode=True).decode()
        link, code = re.search(r"http\S+", text), re.search(r"^\w{3}-\w{3}$", text, re.M)
        assert link
        assert code
        return link[0], code[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "mails").mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MATT_")},
        "DJANGO_SETTINGS_MODULE": "tests.e2e.magic_links.site.settings",
        "PYTHONPATH": str(ROOT),
        "SITE_FOLDER": str(folder),
    }
    for arguments in (["migrate", "--run-syncdb", "-v0"], ["shell", "-v0", "-c", ADD]):
        subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            timeout=120,
        )
    port, log = free_port(), folder / "log"
    serve = ["-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with run_server(serve, ROOT, environment, port, log) as server:
        yield Site(server.url, folder / "mails", log)


@pytest.fixture
def open_browser(chromium: Any) -> Iterator[Any]:
    """Return a function that opens a page in a browser without cookies."""
    contexts = []

    def open_page(**options: Any) -> Any:
        contexts.append(chromium.new_context(**options))
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


def ask(page: Any, site: Site) -> tuple[str, str]:
    page.goto(f"{site.url}/sign-in/email")
    page.get_by_label("E-mail address").fill("Ada@example.com")
    page.get_by_role("button", name="Send me a link").click()
    page.get_by_label("Code").wait_for()
    return site.newest_mail()


def who(page: Any, site: Site) -> str:
    page.goto(f"{site.url}/home")
    return str(page.locator("h1").inner_text())


def test_the_browser_that_asked_is_signed_in_by_opening_the_link(open_browser: Any, site: Site):
    page = open_browser()
    link, _ = ask(page, site)
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_url("**/home")
    assert who(page, site) == "ada@example.com"
    # Neither the log of the server nor the history has the token.
    token = link.partition("#")[2]
    assert token not in site.log.read_text()
    page.go_back()
    assert token not in page.url


def test_another_browser_that_runs_scripts_and_clicks_everything_uses_nothing_up(
    open_browser: Any, site: Site
):
    asked = open_browser()
    link, _ = ask(asked, site)
    scanner = open_browser()
    referrers: list[str | None] = []
    scanner.on("request", lambda request: referrers.append(request.headers.get("referer")))
    for _ in range(2):
        scanner.goto("about:blank")
        scanner.goto(link)
        scanner.get_by_text("a…@example.com").wait_for()
        for role in ("button", "link"):
            scanner.get_by_role(role).first.click()
            scanner.wait_for_load_state()
    assert not [each for each in referrers if each and "#" in each]
    assert who(scanner, site) == "nobody"
    asked.goto(link)
    asked.wait_for_url("**/home")
    assert who(asked, site) == "ada@example.com"


def test_another_browser_is_signed_in_by_the_code(open_browser: Any, site: Site):
    link, code = ask(open_browser(), site)
    other = open_browser()
    other.goto(link)
    other.get_by_text("another browser").wait_for()
    other.get_by_label("Code").fill(code.lower())
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/home")
    assert who(other, site) == "ada@example.com"


def test_without_javascript_the_code_signs_in(open_browser: Any, site: Site):
    page = open_browser(java_script_enabled=False)
    link, code = ask(page, site)
    page.goto(link)
    assert who(page, site) == "nobody"
    page.goto(link)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/home")
    assert who(page, site) == "ada@example.com"
