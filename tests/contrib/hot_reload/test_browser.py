"""What a developer sees, in a real Chromium, under a strict policy."""

import json
import subprocess
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error

from tests.contrib.hot_reload.projects import create, run
from tests.contrib.hot_reload.proxies import proxy
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

COLOUR = "getComputedStyle(document.querySelector('h1')).color"


def until(page: Any, expression: str) -> None:
    """Wait for an expression; playwright's own waiting evaluates in the page, which its policy forbids."""

    def holds() -> Any:
        # While the page loads again there is no context to ask.
        with suppress(Error):
            return page.evaluate(expression)
        return False

    wait_until(holds, lambda: f"never: {expression}\n{page.content()[:2_000]}", pause=0.03)


def mark(page: Any) -> None:
    """Leave something in the page that only a reload removes, once the page listens."""
    until(page, "window.mattHotReload === 'listens'")
    page.evaluate("window.marked = true")


def wait_for_heading(page: Any, text: str) -> None:
    until(page, f"document.querySelector('h1')?.textContent.includes({json.dumps(text)})")


def overlay(page: Any) -> Any:
    return page.frame_locator("matt-hot-reload iframe")


def test_a_stylesheet_is_swapped_without_a_reload(project, visit):
    page = visit(project.url)
    mark(page)
    assert page.evaluate(COLOUR) == "rgb(1, 2, 3)"
    project.replace("shop/static/shop/site.css", "1, 2, 3", "4, 5, 6")
    until(page, f"{COLOUR} === 'rgb(4, 5, 6)'")
    project.replace("shop/static/shop/site.css", "4, 5, 6", "7, 8, 9")
    until(page, f"{COLOUR} === 'rgb(7, 8, 9)'")
    assert page.evaluate("window.marked")
    until(page, "document.querySelectorAll('link[rel=stylesheet]').length === 1")
    assert page.complaints == []


def test_a_template_and_a_script_reload_every_tab_where_it_stood(project, visit):
    pages = [visit(project.url) for _ in range(2)]
    for page in pages:
        mark(page)
        page.evaluate("scrollTo(0, 1234)")
    project.replace("shop/templates/shop/home.html", "Hello", "Good day")
    for page in pages:
        wait_for_heading(page, "Good day")
        until(page, "scrollY === 1234")
    project.replace("shop/static/shop/page.js", "one", "two")
    for page in pages:
        until(page, "document.title === 'two'")
        assert page.complaints == []


def test_a_python_edit_restarts_and_the_page_comes_back_new(project, visit):
    page = visit(project.url)
    mark(page)
    page.evaluate("scrollTo(0, 777)")
    project.replace("shop/words.py", "first", "second")
    wait_for_heading(page, "second")
    until(page, "scrollY === 777")
    assert page.evaluate("window.marked") is None


ERRORS = [
    ("shop/words.py", '"first"', "(", "SyntaxError: '(' was never closed"),
    (
        "config/settings.py",
        "import os",
        "import ot",
        "ModuleNotFoundError: No module named 'ot'",
    ),
    (
        "config/urls.py",
        "views.home",
        "views.gone",
        "AttributeError: module 'shop.views' has no",
    ),
    (
        "config/settings.py",
        'STATIC_URL = "static/"',
        'STATIC_URL = "static/"; STATICFILES_DIRS = "no list"',
        "SystemCheckError: SystemCheckError: System check identified some issues",
    ),
    ("shop/models.py", "", "import json\njson.gone\n", "AttributeError: module 'json' has no"),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [ERRORS[0], *(pytest.param(*each, marks=pytest.mark.exhaustive) for each in ERRORS[1:])],
    ids=["syntax", "settings", "urls", "check", "models"],
)
def test_an_error_of_the_restart_lies_over_the_page_until_it_is_fixed(
    project, visit, name, old, new, said
):
    page = visit(project.url)
    mark(page)
    before = (project.folder / name).read_text()
    project.write(name, before.replace(old, new, 1) if old else new)
    overlay(page).get_by_role("heading", level=1).wait_for()
    assert said in overlay(page).get_by_role("heading", level=1).inner_text()
    assert page.evaluate("window.marked")
    if "Check" not in said:
        assert overlay(page).locator(".frame .tag.yours").count() >= 1
    late = visit(project.url)
    assert said in late.get_by_role("heading", level=1).inner_text()
    (project.folder / name).write_text(before)
    wait_for_heading(page, "Hello first")
    wait_for_heading(late, "Hello first")
    # The heading stood below the overlay all the time.
    page.locator("matt-hot-reload").wait_for(state="detached")


def test_an_error_of_a_background_request_lies_over_the_page_that_asked(project, visit):
    page = visit(project.url)
    other = visit(f"{project.url}/?other")
    mark(page)
    mark(other)
    for address, said in [
        ("/api/fails", "LookupError: no pen"),
        ("/fails", "LookupError: nothing to see"),
    ]:
        page.evaluate("address => fetch(address)", address)
        overlay(page).get_by_text(said).first.wait_for()
        overlay(page).get_by_text(f"GET {address}").wait_for()
        assert overlay(page).locator(".frame .tag.yours").count() == 1
        page.keyboard.press("Escape")
        page.locator("matt-hot-reload").wait_for(state="detached")
    assert other.locator("matt-hot-reload").count() == 0
    page.evaluate("fetch('/fails')")
    overlay(page).get_by_text("LookupError: nothing to see").first.wait_for()
    project.replace(
        "shop/views.py", 'raise LookupError("nothing to see")', 'return HttpResponse("fine")'
    )
    page.locator("matt-hot-reload").wait_for(state="detached")
    wait_for_heading(page, "Hello first")


@pytest.mark.parametrize("address", ["/fails", "/api/fails"])
def test_an_error_page_leaves_when_the_error_is_fixed(project, visit, address):
    page = visit(project.url + address)
    wait_for_heading(page, "LookupError")
    mark(page)
    project.replace(
        "shop/views.py",
        'raise LookupError("nothing to see")',
        'return HttpResponse("<h1>fine</h1>")',
    )
    project.replace("shop/api.py", 'raise LookupError("no pen")', 'return "fine"')
    until(page, "document.body.textContent.includes('fine')")


def test_two_projects_do_not_hear_each_other(project, start, visit, tmp_path):
    with run(create(tmp_path / "other")) as other:
        pages = [visit(project.url), visit(other.url)]
        for page in pages:
            mark(page)
        project.replace("shop/templates/shop/home.html", "Hello", "Good day")
        wait_for_heading(pages[0], "Good day")
        assert pages[1].evaluate("window.marked")
        other.replace("shop/templates/shop/home.html", "Hello", "Good night")
        wait_for_heading(pages[1], "Good night")


# The proxy of the test leaves its half-open connections to the collector; what is tested runs in other processes.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", ["setting", "header"])
def test_a_path_prefix_behind_a_proxy_works(start, visit, how):
    project = start(**({"SCRIPT_NAME": "/shop"} if how == "setting" else {}))
    with proxy(project.port, how) as port:
        page = visit(f"http://127.0.0.1:{port}/shop/")
        mark(page)
        project.replace("shop/templates/shop/home.html", "Hello", "Good day")
        wait_for_heading(page, "Good day")
        project.write("shop/words.py", "WORD = (")
        overlay(page).get_by_text("was never closed").first.wait_for()
        project.write("shop/words.py", "WORD = 'fixed'")
        wait_for_heading(page, "fixed")


def test_https_works(folder, start, visit, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    project = start("--cert-file", str(cert), "--key-file", str(key), scheme="https")
    page = visit(project.url, ignore_https_errors=True)
    mark(page)
    project.replace("shop/static/shop/site.css", "1, 2, 3", "4, 5, 6")
    until(page, f"{COLOUR} === 'rgb(4, 5, 6)'")
    project.replace("shop/words.py", "first", "second")
    wait_for_heading(page, "second")
