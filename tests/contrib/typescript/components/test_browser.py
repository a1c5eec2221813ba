"""Generated pages in Chromium, against a real server with Django's CSRF check."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(600),
]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000500"
    "01a5f645400000000049454e44ae426082"
)
expect.set_options(timeout=20_000)
TARGETS = ["react", pytest.param("svelte", marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("target", TARGETS)
def test_a_person_creates_corrects_edits_and_deletes(
    target: str,
    make_front: Callable[..., Any],
    serve: Callable[..., Any],
    opened: Callable[..., Any],
) -> None:
    project = make_front(target)
    with serve(project) as server:
        nested_objects(opened(server, f"{target}/?parcels"), server)
        relations(opened(server, f"{target}/?books"), server)
        files(opened(server, f"{target}/?avatars"))
        columns(opened(server, f"{target}/?everything"), server)


def nested_objects(page: Any, server: Any) -> None:
    page.get_by_role("button", name="New parcel").click()
    page.get_by_role("button", name="Save").click()
    # What zod finds is at its field, and the first one has the focus.
    name = page.get_by_label("Name")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(
        """Read by "the post" & </you>. Too small: expected string to have >=2 characters"""
    )
    expect(page.get_by_role("group", name="Lines").get_by_role("alert")).to_be_visible()
    name.fill("taken")
    page.get_by_label("Speed").select_option("fast")
    page.get_by_label("Tags").fill("a\nb")
    page.get_by_label("Numbers").fill("1\n2")
    page.get_by_label("Blue").check()
    page.get_by_label("At").fill("2026-03-01T10:30:00")
    page.get_by_label("Anything").fill("{not json")
    page.get_by_role("group", name="Address").get_by_label("Street").fill("Long Street 1")
    page.get_by_role("button", name="Add").click()
    row = page.get_by_role("group", name="Lines 1")
    row.get_by_label("Sku").fill("lamp")
    row.get_by_label("Gift").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Anything")).to_have_accessible_description("This is not JSON.")
    page.get_by_label("Anything").fill("7")
    page.get_by_role("button", name="Save").click()
    # Only the API knows that the name is taken.
    expect(name).to_have_accessible_description(
        """Read by "the post" & </you>. There is a parcel of this name."""
    )
    expect(name).to_be_focused()
    name.fill("Books for Ada")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Books for Ada", exact=True)).to_be_visible()
    (saved,) = httpx.get(f"{server.url}/api/parcels").json()["items"]
    zone = page.evaluate("new Date('2026-03-01T10:30:00').toISOString()")
    assert saved.pop("at").replace("Z", ".000Z") == zone
    assert saved == {
        "id": 1,
        "name": "Books for Ada",
        "size": 1,
        "speed": "fast",
        "fragile": None,
        "weight": 1.5,
        "price": "1.00",
        "day": None,
        "hour": None,
        "tags": ["a", "b"],
        "numbers": [1, 2],
        "colours": ["blue"],
        "address": {"street": "Long Street 1", "zip": ""},
        "billing": None,
        "lines": [{"sku": "lamp", "quantity": 1, "gift": True}],
        "anything": 7,
        "extra": {},
        "secret": "",
        "class": "",
    }
    page.get_by_role("button", name="Edit Books for Ada").click()
    expect(page.get_by_label("Tags")).to_have_value("a\nb")
    expect(page.get_by_label("At")).to_have_value("2026-03-01T10:30")
    page.get_by_label("Fragile").select_option(label="Yes")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Add").click()
    page.get_by_role("group", name="Lines 1").get_by_label("Sku").fill("pen")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="New parcel")).to_be_visible()
    (saved,) = httpx.get(f"{server.url}/api/parcels").json()["items"]
    assert (saved["fragile"], saved["lines"][0]["sku"]) == (True, "pen")


def relations(page: Any, server: Any) -> None:
    page.get_by_role("button", name="New book").click()
    page.get_by_label("Title").fill("A")
    page.get_by_label("Search: Author").fill("Author 119")
    page.get_by_label("Author *", exact=True).select_option(label="Author 119")
    page.get_by_label("Tags *", exact=True).select_option(label="poems")
    page.get_by_label("Tags *", exact=True).select_option(label="crime")
    page.get_by_role("button", name="Remove crime").click()
    page.get_by_label("Price").fill("much")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Price")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Price").fill("9.90")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="A 9.90 Author 119")).to_be_visible()
    for number in range(1, 22):
        assert_created(page, {"title": f"B {number:02}", "author_id": 1, "tags": []})
    page.reload()
    expect(page.get_by_role("status")).to_have_text("22 found")
    expect(page.get_by_role("row")).to_have_count(21)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("button", name="Previous").click()
    page.get_by_role("button", name="Title").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("Author 119")
    page.get_by_role("button", name="Title").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("B 21")
    expect(page.get_by_role("columnheader", name="Title")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.get_by_label("Search").fill("B 2")
    expect(page.get_by_role("status")).to_have_text("4 found")
    page.get_by_label("Search").fill("A")
    expect(page.get_by_role("status")).to_have_text("1 found")
    page.get_by_role("button", name="Edit A").click()
    # The choice is not on the first page of the list: it was loaded by its key.
    expect(page.get_by_label("Author *", exact=True).locator("option:checked")).to_have_text(
        "Author 119"
    )
    page.get_by_label("Editor", exact=True).select_option(label="Author 003")
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        page.get_by_role("button", name="Save").click()
    # Only what has changed is sent.
    assert json.loads(sent.value.post_data) == {"editor_id": 4}
    assert sent.value.headers["x-csrftoken"]
    page.get_by_role("button", name="Delete A").click()
    expect(page.get_by_role("status")).to_have_text("21 found")


def assert_created(page: Any, body: dict[str, Any]) -> None:
    status = page.evaluate(
        """async (body) => (await fetch("/api/books", {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-CSRFToken": /csrftoken=(\\w+)/.exec(document.cookie)[1] },
            body: JSON.stringify(body),
        })).status""",
        body,
    )
    assert status == 201


def files(page: Any) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Title")).to_be_focused()
    expect(page.get_by_label("Image")).to_have_accessible_description("Enter a value.")
    page.get_by_label("Title").fill("Me")
    page.get_by_label("Image").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": PIXEL}
    )
    shown = page.get_by_role("img", name="me.png")
    expect(shown).to_be_visible()
    assert shown.evaluate("async (image) => (await image.decode(), image.naturalWidth)") == 1
    page.get_by_label("Papers").set_input_files(
        [{"name": f"{n}.txt", "mimeType": "text/plain", "buffer": b"text"} for n in "ab"]
    )
    with page.expect_response("**/api/avatars") as answered:
        page.get_by_role("button", name="Save").click()
    assert answered.value.json() == {"title": "Me", "size": len(PIXEL), "names": ["a.txt", "b.txt"]}


def columns(page: Any, server: Any) -> None:
    page.get_by_role("button", name="New everything").click()
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    page.get_by_label("Big", exact=True).fill("12")
    page.get_by_label("Boolean", exact=True).check()
    page.get_by_label("Level").select_option(label="High")
    with page.expect_response("**/api/everything") as answered:
        page.get_by_role("button", name="Save").click()
    saved = answered.value.json()
    assert saved["file"].endswith("note.txt")
    assert (saved["big"], saved["boolean"], saved["level"], saved["maybe"]) == (12, True, 2, None)
    assert saved["address"] == "127.0.0.1"
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_role("link", name="note.txt")).to_be_visible()
    expect(page.get_by_label("Boolean", exact=True)).to_be_checked()
    page.get_by_label("Maybe").select_option(label="No")
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        page.get_by_role("button", name="Save").click()
    assert json.loads(sent.value.post_data) == {"maybe": False}
    expect(page.get_by_role("button", name="New everything")).to_be_visible()
