"""The page in a real Chromium, over a real server."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from socketserver import ThreadingMixIn
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from ninja.security import HttpBearer
from pydantic import Field, StringConstraints

from django_matt import MattAPI, Ordering, Query, Schema, ordering
from tests.openapi.shop import build
from tests.waiting import SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CREATE = "tests_openapi_shop_create_item"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Glass(Schema):
    """What the views would show random text and the smallest numbers for."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
    code: Annotated[str, StringConstraints(min_length=8, max_length=9, pattern=r"^[a-z]*$")]
    number: Annotated[str, StringConstraints(pattern=r"^\d+$")]
    shelf_id: int
    price: Decimal = Field(max_digits=10, decimal_places=2)
    weight: float | None = Field(None, gt=0)
    colour: Annotated[str, StringConstraints(pattern="^[^ ]*$")] = Field(examples=["green"])


class Key(HttpBearer):
    def authenticate(self, request, token):
        return token


class AsyncKey(HttpBearer):
    async def authenticate(self, request, token):
        return token


def build_glasses() -> MattAPI:
    api = MattAPI(title="Glasses", formats=["json"])

    @api.get("/glasses", operation_id="list_glasses", auth=Key())
    def list_glasses(request):
        return []

    @api.post("/glasses", operation_id="add_glass", response=Glass, auth=AsyncKey())
    async def add_glass(request, glass: Glass):
        return glass

    @api.get("/sorted", operation_id="sort_glasses", response=list[dict])
    @ordering(Ordering, ordering_fields=["name", "price"])
    def sort_glasses(request, most: Query[Decimal | None] = None, text: Query[str | None] = None):
        return [{"name": "tall", "price": 1}]

    return api


@pytest.fixture
def site(serve: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    serve(getattr(request, "param", build)())
    server = make_server("127.0.0.1", 0, WSGIHandler(), server_class=Server, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/docs"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visit(chromium: Any, site: str) -> Iterator[Any]:
    """Return ``visit(address, **options)``; afterwards, no page has complained or asked another host."""
    contexts, complaints = [], []
    host = site.split("/api", 1)[0]

    def open_page(address: str = "", **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1_000 * SECONDS)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((host, "data:", "blob:" + host))
                else complaints.append(r.url)
            ),
        )
        page.goto(site + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_swagger_ui_shows_an_operation(visit):
    page = visit()
    page.locator(f"#operations-shelf-{CREATE}").wait_for()
    assert page.title() == "The <Shop>"


def test_redoc_shows_an_operation(visit):
    page = visit("?view=redoc")
    page.get_by_role("heading", name="Create Item").wait_for()
    assert page.locator("#to-redoc").get_attribute("aria-current") == "page"


def test_the_switch_keeps_the_operation_in_both_directions(visit):
    page = visit(f"?view=swagger#/shelf/{CREATE}")
    page.locator(f"#operations-shelf-{CREATE}.is-open").wait_for()
    # By key, here and below: for a click Playwright waits until two frames are drawn alike, which a busy machine may not draw.
    page.locator("#to-redoc").press("Enter")
    page.wait_for_url(f"**/docs?view=redoc#tag/shelf/operation/{CREATE}")
    page.get_by_role("heading", name="Create Item").wait_for()
    page.locator("#to-swagger").press("Enter")
    page.wait_for_url(f"**/docs?view=swagger#/shelf/{CREATE}")
    page.locator(f"#operations-shelf-{CREATE}.is-open").wait_for()


def switch_from(page: Any, fragment: str) -> None:
    """Switch to Swagger UI when ReDoc has made ``fragment`` of the address, before it makes another."""
    page.evaluate(
        """(fragment) => {
            history.replaceState(null, "", location.pathname + location.search + fragment);
            document.getElementById("to-swagger").click();
        }""",
        fragment,
    )


def test_the_switch_keeps_the_operation_while_redoc_empties_the_address(visit):
    # ReDoc does so by itself while it settles, long enough on a slow machine for a reader to click meanwhile.
    page = visit(f"?view=redoc#tag/shelf/operation/{CREATE}")
    page.get_by_role("heading", name="Create Item").wait_for()
    switch_from(page, "")
    page.wait_for_url(f"**/docs?view=swagger#/shelf/{CREATE}")


def test_the_switch_follows_the_reader_who_has_moved(visit):
    page = visit(f"?view=redoc#tag/shelf/operation/{CREATE}")
    page.get_by_role("heading", name="Create Item").wait_for()
    page.keyboard.press("Shift")
    switch_from(page, "#tag/shelf")
    page.wait_for_url("**/docs?view=swagger#/shelf")


def test_a_link_that_names_its_view_in_the_fragment_opens_it(visit):
    page = visit(f"#redoc/tag/shelf/operation/{CREATE}")
    page.wait_for_url(f"**/docs?view=redoc#tag/shelf/operation/{CREATE}")
    page.get_by_role("heading", name="Create Item").wait_for()
    page = visit(f"#swagger/shelf/{CREATE}")
    page.locator(f"#operations-shelf-{CREATE}.is-open").wait_for()


def test_a_bare_redoc_link_opens_redoc(visit):
    page = visit(f"#tag/shelf/operation/{CREATE}")
    page.wait_for_url(f"**/docs?view=redoc#tag/shelf/operation/{CREATE}")


@pytest.mark.parametrize("view", ["swagger", "redoc"])
def test_dark_mode_is_dark_and_changes_while_open(visit, view):
    page = visit(f"?view={view}", color_scheme="dark")
    page.locator("#docs h1, #docs h2").first.wait_for()
    light = """() => {
        const title = document.querySelector("#docs h1, #docs h2");
        const channels = title && getComputedStyle(title).color.match(/[0-9]+/g);
        return channels && channels.slice(0, 3).every((channel) => channel > 150);
    }"""
    page.wait_for_function(light, polling=100)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => ({light})() === false", polling=100)


@pytest.mark.parametrize("view", ["swagger", "redoc"])
def test_a_phone_needs_no_sideways_scrolling(visit, view):
    page = visit(f"?view={view}", viewport={"width": 390, "height": 800})
    heading = page.get_by_role("heading", name="Create Item")
    page.locator(f"#operations-shelf-{CREATE}").or_(heading).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_switch_works_from_the_keyboard(visit):
    page = visit()
    page.locator(f"#operations-shelf-{CREATE}").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#to-redoc").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/docs?view=redoc*")


def test_trying_it_out_calls_the_api_with_the_csrf_token(visit):
    page = visit("?view=swagger#/members/members_join")
    page.get_by_role("button", name="Try it out").press("Enter")
    with page.expect_response("**/api/members/") as answer:
        page.get_by_role("button", name="Execute").press("Enter")
    assert answer.value.status == 200
    assert len(answer.value.request.headers["x-csrftoken"]) == 64


glasses = pytest.mark.parametrize("site", [build_glasses], indirect=True)


def open_glasses(visit: Any, operation: str) -> Any:
    page = visit(f"?view=swagger#/default/{operation}")
    block = page.locator(f"#operations-default-{operation}")
    block.locator(".responses-inner").wait_for()
    return block


@glasses
def test_an_example_body_has_no_random_text_and_no_smallest_numbers(visit):
    block = open_glasses(visit, "add_glass")
    shown = json.loads(block.locator(".body-param__example code").inner_text())
    assert shown == {
        "name": "string",
        "code": "stringst",
        "number": "1",
        "shelf_id": 1,
        "price": 1,
        "weight": 1,
        "colour": "green",
    }


@glasses
@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("list_glasses", ["200", "401", "default"]),
        ("add_glass", ["200", "401", "409", "422", "default"]),
        ("sort_glasses", ["200", "422", "default"]),
    ],
)
def test_errors_that_any_route_can_return_are_one_line(visit, operation, statuses):
    block = open_glasses(visit, operation)
    codes = block.locator("tr.response .response-col_status").all_inner_texts()
    assert [code.split()[0] for code in codes] == statuses
    assert "Any other error: " in block.inner_text()
    assert "500 or 503." in block.inner_text()


@glasses
def test_the_document_itself_keeps_every_error(visit, site):
    page = visit()
    answer = page.evaluate("fetch('openapi.json').then((response) => response.json())")
    assert list(answer["paths"]["/api/glasses"]["get"]["responses"]) == ["200", "401", "500", "503"]


@glasses
def test_a_parameter_has_a_simple_type_and_is_not_filled_in(visit):
    block = open_glasses(visit, "sort_glasses")
    types = block.locator(".parameter__type").all_inner_texts()
    assert types == ["number", "string", "string"]
    block.get_by_role("button", name="Try it out").press("Enter")
    with block.page.expect_response("**/api/sorted*") as answer:
        block.get_by_role("button", name="Execute").press("Enter")
    assert answer.value.url.endswith("/api/sorted")


@glasses
def test_authorize_shows_a_sync_and_an_async_class_once(visit):
    page = visit()
    page.get_by_role("button", name="Authorize").press("Enter")
    page.locator(".auth-container").first.wait_for()
    assert page.locator(".auth-container h4 code").all_inner_texts() == ["Key"]


@glasses
def test_redoc_offers_the_whole_document(visit):
    page = visit("?view=redoc")
    link = page.get_by_role("link", name="Download")
    link.wait_for()
    assert link.get_attribute("href").endswith("/api/openapi.json")
    page.get_by_text("Any other error: ").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_ground_above_the_title_is_the_ground_below_it(visit, scheme):
    page = visit(color_scheme=scheme)
    page.locator(".swagger-ui .info").wait_for()
    grounds = """() => [...document.querySelectorAll("html, #docs, #docs .swagger-ui, #docs .scheme-container, #docs .information-container")]
        .map((each) => getComputedStyle(each).backgroundColor).filter((each) => each !== "rgba(0, 0, 0, 0)")"""
    assert page.evaluate(grounds) == []
