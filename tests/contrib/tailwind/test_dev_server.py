"""``runserver`` of the hot reload app: an edit of a template is in the page's stylesheet, and the page swaps it."""

import time
from contextlib import suppress

import pytest
from playwright.sync_api import Error

from tests.contrib.hot_reload import projects
from tests.contrib.hot_reload.conftest import visit  # noqa: F401 - a fixture
from tests.waiting import wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

PADDING = "getComputedStyle(document.querySelector('h1')).paddingTop"
COLOR = "getComputedStyle(document.querySelector('h1')).color"


def wait_for(page, expression):
    # `wait_for_function` evaluates a string in the page, which the policy forbids.
    def is_true() -> bool:
        # The page may be loading again.
        with suppress(Error):
            return bool(page.evaluate(expression))
        return False

    wait_until(is_true, lambda: page.complaints, pause=0.01)


def test_an_edit_of_a_template_and_of_the_theme_reaches_the_open_page(project, visit):  # noqa: F811
    assert project.manage("matt_tailwind", "build").returncode == 0
    with projects.run(project.folder) as running:
        page = visit(running.url)
        wait_for(page, "window.mattHotReload === 'listens'")
        assert page.evaluate(PADDING) == "16px"
        began = time.perf_counter()
        running.replace("shop/templates/shop/home.html", '"p-4"', '"p-[77px]"')
        wait_for(page, f"{PADDING} === '77px'")
        print(f"edit of a template to the page: {1000 * (time.perf_counter() - began):.0f} ms")  # noqa: T201 - shown by -s
        before = page.evaluate(COLOR)
        page.evaluate("window.isSame = true")
        began = time.perf_counter()
        running.replace(
            "tailwind.css", "--color-brand-500: oklch(62%", "--color-brand-500: oklch(40%"
        )
        wait_for(page, f"{COLOR} !== {before!r}")
        print(f"edit of the theme to the page: {1000 * (time.perf_counter() - began):.0f} ms")  # noqa: T201 - shown by -s
        # The stylesheet was swapped, and the page not loaded again.
        assert page.evaluate("window.isSame") is True
        assert page.complaints == []


def test_an_invalid_theme_is_logged_and_its_correction_builds(project):
    project.manage("matt_tailwind", "build")
    with projects.run(project.folder) as running:
        running.wait_for("Hello first")
        running.replace("tailwind.css", "@theme {", "@theme {{")
        wait_until(lambda: "tailwind.css is not valid" in running.printed(), running.printed)
        running.replace("tailwind.css", "@theme {{", "@theme {\n--color-pen: #123456;")
        running.replace("shop/templates/shop/home.html", '"p-4"', '"bg-pen"')
        wait_until(lambda: "#123456" in project.stylesheet, running.printed)
