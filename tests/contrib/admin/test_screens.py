"""Chromium under the strict policy: no page of the admin complains, in light, in dark and on a phone.

``MATT_PICTURES=/tmp/pictures`` keeps the screenshots.
"""

import datetime
import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.project.models import Author, Book, Everything, Stamped
from tests.waiting import SECONDS, wait_until

pytestmark = [
    # The panels are requested at the same time, and the server's threads share the connection of a database in memory.
    pytest.mark.skipif(connection.vendor == "sqlite", reason="needs a connection for each thread"),
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(280),
    pytest.mark.django_db(transaction=True),
]
LOOKS = {
    "light": ("light", {"width": 1280, "height": 900}),
    "dark": ("dark", {"width": 1280, "height": 900}),
    "phone": ("light", {"width": 390, "height": 844}),
}
TITLES = ("Dune", "Emma", "Ulysses", "Middlemarch", "Persuasion", "Beloved", "Walden")


@pytest.fixture(scope="module", autouse=True)
def _database_beside_the_browser():
    # While the browser is open, an event loop runs in this thread, which Django refuses to block.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def shop():
    User.objects.create_superuser("ada", password="secret")
    User.objects.create_user("bob")
    author = Author.objects.create(name="Ada")
    for number, title in enumerate(TITLES):
        Book.objects.create(title=title, price=7 * number + 5, author=author)
        Everything.objects.create(colour="red" if number % 3 else "blue")
    for number in range(60):
        made = Stamped.objects.create(title="x")
        then = timezone.now() - datetime.timedelta(days=number * number % 13)
        Stamped.objects.filter(pk=made.pk).update(made=then)


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_complains(shop, live_server, chromium, look):
    scheme, size = LOOKS[look]
    context = chromium.new_context(color_scheme=scheme, viewport=size)
    page = context.new_page()
    page.set_default_timeout(1_000 * SECONDS)
    complaints: list[str] = []
    page.on(
        "console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def keep(name: str) -> None:
        # Nothing is wider than the window.
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        if folder := os.environ.get("MATT_PICTURES"):
            page.wait_for_timeout(400)
            page.screenshot(path=Path(folder) / f"{name}-{look}.png")

    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "secret")
    keep("sign-in")
    page.press("[name=password]", "Enter")
    page.locator(".matt-table a").first.wait_for()
    page.locator(".matt-trend").wait_for()
    page.locator(".matt-bars").wait_for()
    page.wait_for_load_state("networkidle")
    keep("dashboard")
    page.goto(f"{live_server.url}/admin/project/book/")
    keep("list")
    page.locator("a:has-text('Filters')").first.click()
    page.locator("[name=cheaper_than]").wait_for()
    keep("filters")
    page.fill("[name=cheaper_than]", "20")
    page.press("[name=cheaper_than]", "Enter")
    page.wait_for_url("**cheaper_than=20**")
    assert page.locator("#result_list tbody tr").count() == 3
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("discount")
    page.get_by_role("button", name="Run").click()
    page.fill("[name=data-percent]", "200")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("less than or equal to 90").wait_for()
    keep("action")
    page.fill("[name=data-percent]", "10")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("1 books are 10 % cheaper.").wait_for()
    page.goto(f"{live_server.url}/admin/project/book/import/")
    page.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"title,price,author\r\na,x,\r\n"}
    )
    page.get_by_role("button", name="Import").click()
    page.get_by_text("Row 1, price: Enter a number.").wait_for()
    keep("import")
    page.goto(f"{live_server.url}/admin/project/book/add/")
    keep("form")
    page.goto(f"{live_server.url}/admin/reports/")
    page.get_by_text("7 books").wait_for()
    keep("page")
    wait_until(lambda: page.evaluate("document.readyState") == "complete")
    assert complaints == []
    context.close()


def test_the_banner_of_who_signs_in_as_a_user(shop, live_server, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(1_000 * SECONDS)
    complaints: list[str] = []
    page.on(
        "console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None
    )
    staff = Client()
    staff.force_login(User.objects.get(username="ada"))
    name, value = "sessionid", staff.cookies["sessionid"].value
    context.add_cookies([{"name": name, "value": value, "url": live_server.url}])

    def keep(name: str) -> None:
        if folder := os.environ.get("MATT_PICTURES"):
            page.wait_for_timeout(400)
            page.screenshot(path=Path(folder) / f"{name}.png")

    bob = User.objects.get(username="bob")
    page.goto(f"{live_server.url}/admin/auth/user/{bob.pk}/change/")
    button = page.get_by_role("button", name="Sign in as bob")
    button.wait_for()
    keep("user")
    button.click()
    page.wait_for_url(f"{live_server.url}/")
    page.goto(f"{live_server.url}/who")
    page.get_by_text("ada, you are signed in as bob").wait_for()
    keep("acting")
    page.goto(f"{live_server.url}/admin/")
    page.locator(".matt-trend").wait_for()
    page.wait_for_load_state("networkidle")
    keep("acting-admin")
    page.get_by_role("button", name="Be yourself again").click()
    page.get_by_text("you are signed in as").wait_for(state="detached")
    assert complaints == []
    context.close()
