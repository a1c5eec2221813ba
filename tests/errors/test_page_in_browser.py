"""The error page in a real Chromium: light, dark, phone, keyboard, a strict policy."""

from collections.abc import Iterator

import pytest

from django_matt import MattAPI
from tests.waiting import SECONDS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(scope="module", autouse=True)
def unsafe() -> Iterator[None]:
    """Playwright's loop runs in this thread, where Django then takes the tests' own tidy-up for async code."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def page_of(serve, settings, chromium, live_server):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/fails")
    def fails(request, token: str = ""):
        basket = {"product": "pen " * 40, "api_key": "hush"}
        raise LookupError(f"a very long message {'x' * 300} about {len(basket)} things")

    serve(api)
    contexts = []

    def show(width=1200, scheme="light", javascript=True):
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            java_script_enabled=javascript,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1_000 * SECONDS)
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on(
            "request",
            lambda r: r.url.startswith(live_server.url) or page.complaints.append(r.url),
        )
        # No label changes back before it is read.
        page.clock.install()
        page.goto(f"{live_server.url}/api/fails?token=hush")
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "light"), (390, "dark"), (1200, "light"), (1200, "dark")]
)
def test_it_fits_every_width_and_breaks_no_policy(page_of, width, scheme):
    page = page_of(width, scheme)
    assert page.locator("h1").inner_text().startswith("LookupError: a very long message")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [text for text in page.complaints if "500" not in text] == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(15, 17, 21)") is (scheme == "dark")


def test_your_frames_are_open_and_the_libraries_closed(page_of):
    page = page_of()
    assert page.locator("details.frame[open] .tag.yours").count() == 1
    assert page.locator("details.run:not([open])").count() == 1
    assert "raise LookupError" in page.locator(".source .current").first.inner_text()


def test_the_keyboard_reaches_everything(page_of):
    page = page_of()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
    assert {"BUTTON", "SUMMARY", "A", "PRE"} <= reached


def test_the_error_is_copied_as_text_and_as_json(page_of):
    page = page_of()
    page.get_by_role("button", name="Copy as JSON").press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    page.clock.run_for(2_000)
    page.get_by_role("button", name="Copy as JSON").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert '"exception": "LookupError' in copied
    assert '"hush"' not in copied.replace('\\"api_key\\": \\"hush\\"', "")


def test_it_reads_well_without_scripts(page_of):
    page = page_of(javascript=False)
    assert page.locator("h1").is_visible()
    assert page.locator("[data-copy]:visible").count() == 0
