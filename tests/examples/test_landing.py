"""The shop's landing page: each link works, and it is readable on a phone."""

import html
import re

import httpx
import pytest

from tests.e2e.servers import fill_shop, serve_shop
from tests.waiting import SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    data = tmp_path_factory.mktemp("landing")
    fill_shop(data, products=12)
    with serve_shop("uvicorn", data, SHOP_DEBUG="1") as server:
        yield server.url


def links(text: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'<a [^>]*href="(/[^"]*)"', text)]


def test_every_link_works_and_five_are_things_to_try(shop):
    page = httpx.get(f"{shop}/", headers=BROWSER, timeout=SECONDS)
    assert page.status_code == 200
    statuses = {
        link: httpx.get(f"{shop}{link}", headers=BROWSER, timeout=SECONDS).status_code
        for link in links(page.text)
    }
    assert statuses.pop("/api/oops") == 500
    assert set(statuses.values()) == {200}
    things = page.text.partition('id="try"')[2].partition("</section>")[0]
    assert len(links(things)) == 5


def test_it_has_a_strict_policy_and_loads_nothing_from_elsewhere(shop):
    page = httpx.get(f"{shop}/", headers=BROWSER, timeout=SECONDS)
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    loaded = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]*)"', page.text)
    assert loaded
    for address in loaded:
        assert httpx.get(f"{shop}{address}", timeout=SECONDS).status_code == 200


def test_the_sign_in_that_it_shows_works(shop):
    page = httpx.get(f"{shop}/", headers=BROWSER, timeout=SECONDS)
    body = re.search(r"--json '({.*?})'", html.unescape(page.text))
    assert body
    answer = httpx.post(
        f"{shop}/api/auth/login",
        content=body[1],
        headers={"Content-Type": "application/json"},
        timeout=SECONDS,
    )
    token = answer.json()["token"]
    orders = httpx.get(
        f"{shop}/api/orders", headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS
    )
    assert orders.json()["count"] > 0


def test_the_deliberate_error_has_a_hint_and_names_the_line(shop):
    page = httpx.get(f"{shop}/api/oops", headers=BROWSER, timeout=SECONDS).text
    assert 'aria-label="Hint"' in page
    assert "make the route a plain def" in page
    assert "store/controllers/mistakes.py:" in page


def test_the_staff_read_in_plain_english_why_they_cannot_order(shop):
    credentials = {"username": "staff", "password": "demo-demo"}
    token = httpx.post(f"{shop}/api/auth/login", json=credentials, timeout=SECONDS).json()["token"]
    answer = httpx.get(
        f"{shop}/api/auth/me", headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS
    )
    assert answer.status_code == 403
    assert (
        answer.json()["detail"] == "Only customers can do this. Sign in as a customer, such as ada."
    )


def test_every_body_of_the_documentation_is_an_example_by_hand(shop):
    document = httpx.get(f"{shop}/api/openapi.json", timeout=SECONDS).json()
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith(("In", "Patch", "Level")) or name == "Credentials":
            for field, each in schema["properties"].items():
                shown = {"examples", "$ref"} & set(each) or each.get("items", {}).get("$ref")
                assert shown, f"{name}.{field}"
        elif (
            name.endswith(("Out", "Detail", "Row"))
            and "model" not in name
            and "detail" not in schema["properties"]
        ):
            whole = schema.get("examples") or all(
                "examples" in each for each in schema["properties"].values()
            )
            assert whole, name


def test_the_deliberate_error_is_the_last_operation(shop):
    document = httpx.get(f"{shop}/api/openapi.json", timeout=SECONDS).json()
    assert list(document["paths"])[-1] == "/api/oops"
    tags = [tag["name"] for tag in document["tags"]]
    used = [
        operation["tags"][0] for path in document["paths"].values() for operation in path.values()
    ]
    assert (set(tags), tags[-1]) == (set(used), "errors")


@pytest.mark.browser
def test_the_link_to_the_sign_in_opens_its_route_without_a_warning(chromium, shop):
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{shop}/")
    page.get_by_role("link", name="the sign-in route").click()
    page.locator(".opblock.is-open", has_text="/api/auth/login").wait_for()
    page.close()
    assert complaints == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling_and_nothing_is_refused(chromium, shop, scheme):
    context = chromium.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{shop}/")
    page.get_by_role("link", name="Search the products").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(250, 250, 250)", "dark": "rgb(15, 17, 21)"}[scheme]
    context.close()
    assert complaints == []
