"""``manage.py matt_types docs``: the pages of the reference."""

import re
import shlex
from decimal import Decimal
from io import StringIO
from typing import Annotated, Any, Literal

import pytest
from django.core.management import CommandError, call_command
from ninja import Header, Query
from ninja.security import HttpBearer

from django_matt import Field, MattAPI, Schema, Status, api_controller, deprecated, http_get


class Token(HttpBearer):
    def authenticate(self, request, token):
        return token


class LineIn(Schema):
    sku: str
    count: Annotated[int, Field(ge=1, le=99)] = 1


class OrderIn(Schema):
    note: Annotated[str, Field(max_length=80, description="What | to *say* <b>")] = ""
    kind: Literal["gift", "own"] = "own"
    total: Decimal | None = None
    lines: list[LineIn]


class Node(Schema):
    name: str
    parent: "Node | None" = None


def make_api() -> MattAPI:
    api = MattAPI(
        title="Shop <script>", version="2.0", urls_namespace="shop", description="Sells *lamps*."
    )

    @api.post(
        "/orders",
        response={201: Node, 409: None},
        auth=Token(),
        tags=["orders"],
        summary="Order a lamp | two",
    )
    def create_order(request, order: OrderIn, dry: bool = Query(...), x_key: str = Header(...)):
        """Order it.

        # Not a heading
        <script>alert(1)</script> `a < b`
        """
        return Status(201, {"name": "x"})

    @api.get("/orders/{int:order_id}", response=Node, tags=["orders"])
    @deprecated(since="2026-12-01", sunset="2027-06-01")
    def read_order(request, order_id: int):
        return {"name": "x"}

    @api_controller("/lamps", tags=["Lamps"])
    class LampController:
        @http_get("/", response=list[Node])
        def list_lamps(self):
            return []

    api.register_controllers(LampController)
    return api


@pytest.fixture
def pages(tmp_path, settings, serve):
    settings.BASE_DIR = tmp_path
    serve(make_api())
    write()
    return {
        path.name: path.read_text() for path in sorted((tmp_path / "docs" / "api").glob("*.md"))
    }


def write(*options: str) -> str:
    out = StringIO()
    call_command("matt_types", "docs", *options, stdout=out)
    return out.getvalue()


def test_there_is_an_index_and_a_page_for_each_group(pages):
    assert sorted(pages) == ["index.md", "lamps.md", "orders.md"]
    assert "| [`GET /api/lamps/`](lamps.md#" in pages["index.md"]
    assert "# Shop &lt;script&gt; 2.0" in pages["index.md"]


def test_every_link_has_its_place(pages):
    for name, text in pages.items():
        for file, anchor in re.findall(r"\]\(([\w.-]*)#([^)]+)\)", text):
            assert f'<a id="{anchor}"></a>' in pages[file or name], (name, file, anchor)
        for file in re.findall(r"\]\(([\w.-]+\.md)\)", text):
            assert file in pages


def test_a_route_has_its_parameters_bodies_responses_and_authentication(pages):
    text = pages["orders.md"]
    assert "```http\nPOST /api/orders\n```" in text
    assert "Authentication: `Token`" in text
    assert "| `dry` | query | boolean | yes |" in text
    assert "| `x-key` | header | string | yes |" in text
    assert "**Body**, required, `application/json`: [OrderIn](#schema-orderin)" in text
    assert "| 201 | [Node](#schema-node) (`application/json`) |" in text
    assert re.search(r"\| 409 \| ", text)


def test_fields_have_types_limits_and_defaults(pages):
    text = pages["orders.md"]
    assert re.search(r"\| `count` \| integer \| no \| `1` \| ≥ 1, ≤ 99 \|", text)
    assert re.search(r'\| `kind` \| `"gift"`, `"own"` \| no \| `"own"` \|', text)
    assert "| `lines` | list of [LineIn](#schema-linein) | yes |" in text


def test_markup_in_texts_is_escaped(pages):
    text = pages["orders.md"]
    assert "<script>" not in text
    assert "&lt;script>alert(1)&lt;/script> `a < b`" in text
    assert "\n\\# Not a heading" in text
    assert "What &#124; to \\*say\\* &lt;b&gt; |" in text
    assert "## Order a lamp &#124; two" in text


def test_a_deprecated_route_is_marked(pages):
    assert "**Deprecated.** Since 2026-12-01, works until 2027-06-01." in pages["orders.md"]
    assert "**Deprecated.** |" in pages["index.md"]


def test_the_example_is_a_command_that_a_shell_reads(pages):
    block = pages["orders.md"].split("```console\n")[1].split("```")[0]
    command = shlex.split(block.removeprefix("$ "))
    assert command[:4] == ["curl", "-X", "POST", "https://example.com/api/orders?dry=true"]
    assert "Authorization: Bearer $TOKEN" in command
    assert command[-2] == "-d"
    assert '"lines"' in command[-1]


def test_the_pages_are_the_same_twice_and_are_not_touched(pages, tmp_path):
    folder = tmp_path / "docs" / "api"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write() == "Everything is up to date.\n"
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_check_writes_nothing_and_names_what_is_old(pages, tmp_path, serve):
    assert write("--check") == "Everything is up to date.\n"
    page = tmp_path / "docs" / "api" / "orders.md"
    page.write_text(page.read_text() + "\nEdited.\n")
    with pytest.raises(CommandError, match=r"Not up to date: orders\.md") as raised:
        write("--check")
    assert raised.value.returncode == 1
    assert page.read_text().endswith("Edited.\n")


def test_a_page_of_somebody_else_is_not_overwritten(tmp_path, settings, serve):
    settings.BASE_DIR = tmp_path
    serve(make_api())
    (tmp_path / "docs" / "api").mkdir(parents=True)
    (tmp_path / "docs" / "api" / "orders.md").write_text("Ours\n")
    with pytest.raises(CommandError, match="was not written by Django Matt"):
        write()
    assert [path.name for path in (tmp_path / "docs" / "api").iterdir()] == ["orders.md"]


def test_an_api_without_routes_has_an_index(tmp_path, settings, serve):
    settings.BASE_DIR = tmp_path
    serve(MattAPI(title="Empty", urls_namespace="empty"))
    write()
    assert "# Empty 1.0.0" in (tmp_path / "docs" / "api" / "index.md").read_text()


def test_groups_that_differ_in_case_have_files_of_their_own(tmp_path, settings, serve):
    settings.BASE_DIR = tmp_path
    api = MattAPI(urls_namespace="cases")
    for tag in ("Index", "index", "ÖL", "öl"):

        @api.get(f"/{tag.encode().hex()}", tags=[tag], operation_id=f"read_{tag.encode().hex()}")
        def read(request: Any):
            return {}

    serve(api)
    write()
    names = [path.name for path in (tmp_path / "docs" / "api").glob("*.md")]
    assert len({name.casefold() for name in names}) == len(names) >= 2
