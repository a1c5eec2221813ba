"""examples/pages in a real Chromium under a strict policy, with htmx 4 and 2."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.ports import free_port
from tests.e2e.servers import ROOT, run_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = ROOT / "examples" / "pages"
START = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core.management import execute_from_command_line as run
run(["manage.py", "check", "--fail-level", "WARNING"])
run(["manage.py", "makemigrations", "--check", "--dry-run"])
run(["manage.py", "migrate", "-v", "0"])
run(["manage.py", "fill"])
run(["manage.py", "runserver", "127.0.0.1:{port}", "--noreload"])
"""


class Visitor:
    """A browser at the example, and what went wrong there."""

    def __init__(self, browser: Any, url: str, known: list[Any]) -> None:
        self.known = known
        self.context = browser.new_context(base_url=url, viewport={"width": 1000, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def hear(self, message: Any) -> None:
        # The browser itself reports each 4xx that a page loads.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def sign_in(self) -> None:
        """Sign in, or come back with the cookies of the first who did: the password takes a second to check."""
        if self.known:
            self.context.add_cookies(self.known)
            self.page.goto("/books")
            self.page.get_by_role("button", name="Sign out ada").wait_for()
            return
        self.page.goto("/sign-in/?next=/books")
        self.page.get_by_label("Username").fill("ada")
        self.page.get_by_label("Password").fill("demo-demo")
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out ada").wait_for()
        self.known += self.context.cookies()

    def rows(self) -> int:
        return int(self.page.locator("#rows tr").count())

    def toasts(self, text: str) -> None:
        self.page.locator(".matt-toast", has_text=text).first.wait_for()


@pytest.fixture(scope="module", params=["4", "2"])
def example(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    data = tmp_path_factory.mktemp("pages")
    port = free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_"))}
    environment = {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(FOLDER)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": "",
        "PAGES_DATA": str(data),
        "HTMX": request.param,
    }
    with run_server(
        ["-c", START.format(port=port)], FOLDER, environment, port, data / "server.log"
    ):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def known(example: str) -> list[Any]:
    """The cookies of who has signed in."""
    return []


@pytest.fixture
def visitor(chromium: Any, example: str, known: list[Any]) -> Iterator[Visitor]:
    made = Visitor(chromium, example, known)
    yield made
    made.context.close()
    assert made.complaints == []


def test_a_search_as_you_type_changes_the_list_and_the_address(visitor: Visitor):
    page = visitor.page
    page.goto("/books")
    assert visitor.rows() == 100
    page.get_by_label("Search in titles and authors").press_sequentially("Book 01", delay=20)
    wait_until(lambda: visitor.rows() == 10)
    assert page.url.endswith("/books?search=Book+01") or page.url.endswith(
        "/books?search=Book%2001"
    )
    page.get_by_role("link", name="Price").click()
    page.wait_for_url("**ordering=price*")
    assert visitor.rows() == 10
    page.go_back()
    wait_until(lambda: "ordering" not in page.url)
    page.go_back()
    wait_until(lambda: visitor.rows() == 100)
    assert page.locator("h1").count() == 1


def test_a_refused_form_says_why_and_an_accepted_one_changes_three_places(visitor: Visitor):
    page = visitor.page
    visitor.sign_in()
    before = page.locator("#count").inner_text()
    page.get_by_role("button", name="Add a book").click()
    dialog = page.get_by_role("dialog", name="Add a book")
    dialog.get_by_label("Title").fill("Invisible <Cities>")
    dialog.get_by_label("Author").select_option(label="Italo Calvino")
    dialog.get_by_label("Price").fill("-1")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_text("The value of price is not allowed.").wait_for()
    # What was typed is still there.
    assert dialog.get_by_label("Title").input_value() == "Invisible <Cities>"
    dialog.get_by_label("Price").fill("9.5")
    dialog.get_by_role("button", name="Save").click()
    page.locator("#rows tr", has_text="Invisible <Cities>").wait_for()
    visitor.toasts("Invisible <Cities> was added.")
    dialog.wait_for(state="hidden")
    assert page.locator("#count").inner_text() == f"{int(before.split()[0]) + 1} books"

    page.get_by_role("button", name="Delete Invisible <Cities>").click()
    page.locator("#rows tr", has_text="Invisible <Cities>").wait_for(state="detached")
    visitor.toasts("The book was deleted.")
    wait_until(lambda: page.locator("#count").inner_text() == before)


def test_a_change_replaces_the_card_and_nothing_else(visitor: Visitor):
    page = visitor.page
    visitor.sign_in()
    page.get_by_role("link", name="Book 000").click()
    page.get_by_label("Title").fill("Book 000, revised")
    page.get_by_label("In stock").uncheck()
    page.get_by_role("button", name="Save").click()
    visitor.toasts("Book 000, revised was changed.")
    card = page.locator("#card")
    assert "Book 000, revised, by" in card.inner_text()
    assert "in stock" not in card.inner_text()
    page.get_by_label("Title").fill("Book 000")
    page.get_by_label("In stock").check()
    page.get_by_role("button", name="Save").click()
    card.get_by_text("in stock").wait_for()


def test_who_has_signed_out_in_another_tab_is_led_to_the_sign_in(visitor: Visitor):
    page = visitor.page
    visitor.sign_in()
    visitor.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Delete Book 001").click()
    page.wait_for_url("**/sign-in/?next=%2Fbooks")


def test_a_page_that_is_out_of_date_says_so(visitor: Visitor):
    page = visitor.page
    visitor.sign_in()
    visitor.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Delete Book 001").click()
    visitor.toasts("CSRF check Failed")
    assert page.locator("#rows tr", has_text="Book 001").count() == 1


def test_an_object_that_is_gone_is_told_in_a_toast(visitor: Visitor, example: str):
    page = visitor.page
    visitor.sign_in()
    book = page.locator("#rows tr", has_text="Book 002")
    cookies = {each["name"]: each["value"] for each in visitor.context.cookies()}
    address = f"{example}/books/{(book.get_attribute('id') or '').removeprefix('book-')}"
    headers = {"X-CSRFToken": cookies["csrftoken"], "Origin": example}
    assert httpx.delete(address, cookies=cookies, headers=headers).status_code == 204
    page.get_by_role("button", name="Delete Book 002").click()
    visitor.toasts("No Book matches the given query.")
    assert book.count() == 1


def violations(page: Any, axe: str, scheme: str) -> list[str]:
    """Return what axe-core finds on a page, with the elements; of the dark scheme only the colours are looked at again."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    # The policy is the browser's for the page, and not for what a debugger evaluates.
    page.evaluate(axe)
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    found = page.evaluate(
        "(options) => axe.run(options).then((found) => found.violations)", options
    )
    return [
        f"{scheme}: {each['id']}: {node['html'][:150]}: {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"]
    ]


# The pages do not differ between the versions of htmx.
@pytest.mark.parametrize("example", ["4"], indirect=True)
def test_axe_finds_nothing(visitor: Visitor, node_tools: Path):
    axe = (node_tools / "node_modules" / "axe-core" / "axe.min.js").read_text()
    page = visitor.page
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = [
            each for scheme in ("light", "dark") for each in violations(page, axe, scheme)
        ]

    page.goto("/books")
    look("list, signed out")
    page.goto("/sign-in/")
    look("sign-in")
    page.goto("/books/0")
    look("error")
    visitor.sign_in()
    look("list")
    page.get_by_role("button", name="Add a book").click()
    dialog = page.get_by_role("dialog", name="Add a book")
    dialog.get_by_label("Title").fill("A")
    look("dialog")
    dialog.get_by_label("Author").select_option(label="Italo Calvino")
    dialog.get_by_label("Price").fill("-1")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_text("The value of price is not allowed.").wait_for()
    look("refused form")
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Book 003").click()
    page.get_by_role("heading", name="Edit").wait_for()
    look("book")
    page.get_by_role("button", name="Save").click()
    visitor.toasts("Book 003 was changed.")
    look("toast")
    assert {name: each for name, each in found.items() if each} == {}

    # It would find something.
    page.evaluate("document.querySelectorAll('label').forEach((each) => each.remove())")
    page.evaluate("document.querySelector('h1').style.color = '#333'")
    look("spoiled")
    assert any(each.startswith("light: label") for each in found["spoiled"])
    assert any(each.startswith("dark: color-contrast") for each in found["spoiled"])


def test_programs_get_json_from_the_same_addresses(example: str):
    found = httpx.get(f"{example}/books?limit=1").json()
    assert found["items"][0]["title"] == "Book 000"
    assert httpx.post(f"{example}/books", json={}).status_code == 403
    assert httpx.get(f"{example}/books/0").json()["detail"].startswith("Not Found")


def test_the_admin_begins_with_a_dashboard(visitor: Visitor, example: str):
    visitor.sign_in()
    page = visitor.page
    page.goto("/admin/")
    for title in ("Books", "Average price", "Books by author", "The dearest"):
        page.get_by_role("heading", name=title, exact=True).first.wait_for()
    count = httpx.get(f"{example}/books?limit=1").json()["count"]
    page.get_by_text(str(count), exact=True).first.wait_for()
    page.get_by_text("Ursula K. Le Guin").first.wait_for()
    page.get_by_role("link", name="Book 149").first.click()
    page.get_by_label("Title").wait_for()
    assert page.get_by_label("Title").input_value() == "Book 149"
