"""The pages of `matt new --front=htmx` in Chromium, served as production serves them: no Node, and a strict policy."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.projects.fronts import Site, make, served
from tests.projects.rendering import PAGES

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = make(tmp_path_factory.mktemp("htmx"), **PAGES[0])
    assert not (project / "front").exists()
    assert not list(project.rglob("package.json"))
    with served(project) as site:
        yield site


class Visitor:
    """A browser of somebody, and what its console has reported."""

    def __init__(self, browser: Any, site: Site) -> None:
        self.url = str(site.client.base_url).rstrip("/").replace("127.0.0.1", "localhost")
        self.context = browser.new_context(base_url=self.url)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        said = f"{message.location['url']}: {message.text}"
        # A refused form is a 422, which a test asks for; the pages for sign-in have no icon.
        if message.type == "error" and not re.search("status of 422|/favicon.ico", said):
            self.errors.append(said)

    def rows(self) -> list[str]:
        return [str(each) for each in self.page.locator("tbody th").all_inner_texts()]


@pytest.fixture
def people(chromium: Any, site: Site) -> Iterator[list[Visitor]]:
    """Two browsers, which end without an error."""
    found = [Visitor(chromium, site), Visitor(chromium, site)]
    yield found
    for each in found:
        each.context.close()
    assert [each.errors for each in found] == [[], []]


def test_items_are_found_written_with_photos_and_followed(people: list[Visitor], site: Site):
    from playwright.sync_api import expect

    writer, reader = (each.page for each in people)
    image = BytesIO()
    Image.new("RGB", (3, 3)).save(image, "PNG")
    png = {"name": "lamp.png", "mimeType": "image/png", "buffer": image.getvalue()}
    # A visitor sees nothing yet, and is led to sign in.
    answer = reader.goto("/?from=elsewhere")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    expect(reader).to_have_url(re.compile("/items$"))
    expect(reader.get_by_text("0 items")).to_be_visible()
    assert reader.get_by_role("link", name="New item").count() == 0
    writer.goto("/items/new")
    expect(writer).to_have_url(re.compile("/accounts/login/"))
    writer.locator("[name=login]").fill(site.email)
    writer.locator("[name=password]").fill("desk-lamps")
    writer.locator("form button[type=submit]").last.click()
    # A refused form keeps what was typed, and names the fields.
    expect(writer).to_have_url(re.compile("/items/new$"))
    writer.get_by_label("Name").fill("Desk lamp")
    writer.get_by_label("Price").fill("39.90")
    writer.get_by_label("Photo").set_input_files({**png, "buffer": b"no image"})
    writer.get_by_role("button", name="Save").click()
    expect(writer.get_by_label("Photo")).to_have_accessible_description(re.compile("JPEG"))
    expect(writer.get_by_label("Name")).to_have_value("Desk lamp")
    writer.get_by_label("Photo").set_input_files(png)
    writer.get_by_role("button", name="Save").click()
    expect(writer).to_have_url(re.compile("/items$"))
    expect(writer.locator("tbody img")).to_have_js_property("naturalWidth", 3)
    # The other page shows it by itself, and what is changed, in the search that it shows.
    expect(reader.locator("tbody th")).to_have_text("Desk lamp")
    reader.get_by_label("Search").press_sequentially("lamp")
    expect(reader).to_have_url(re.compile(r"\?search=lamp$"))
    # Written by somebody else, without a page.
    client = site.client
    client.cookies.set("sessionid", site.session)
    client.get("/_allauth/browser/v1/config")
    headers = {
        "X-CSRFToken": client.cookies["csrftoken"],
        "Origin": str(client.base_url).rstrip("/"),
    }
    for name in ("Chair", "Floor lamp"):
        item = {"name": name, "price": "10.00"}
        assert client.post("/api/items", json=item, headers=headers).status_code == 201
    expect(reader.locator("tbody th")).to_have_text(["Desk lamp", "Floor lamp"])
    expect(writer.locator("tbody th")).to_have_text(["Chair", "Desk lamp", "Floor lamp"])
    writer.get_by_role("link", name="Desk lamp").click()
    expect(writer.get_by_label("Price")).to_have_value("39.90")
    writer.get_by_label("Price").fill("35.00")
    writer.get_by_label("Remove photo").check()
    writer.get_by_role("button", name="Save").click()
    expect(reader.get_by_role("row", name="Desk lamp")).to_contain_text("35.00")
    expect(reader.locator("tbody img")).to_have_count(0)
    writer.get_by_role("link", name="Desk lamp").click()
    writer.on("dialog", lambda dialog: dialog.accept())
    writer.get_by_role("button", name="Delete").click()
    expect(reader.locator("tbody th")).to_have_text(["Floor lamp"])
    writer.get_by_role("button", name="Sign out").click()
    expect(writer).to_have_url(re.compile("/accounts/login/$"))
