"""The snippets of docs/formats.md, over HTTP."""

import re
from pathlib import Path

import pytest
import yaml

from django_matt import MattAPI

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
SNIPPETS = [
    code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "MattAPI" in code
]
LINES = next(index for index, code in enumerate(SNIPPETS) if "class Lines" in code)


@pytest.fixture
def client(serve, request):
    names: dict = {"__name__": "snippet"}
    exec(SNIPPETS[request.param], names)
    assert isinstance(names["api"], MattAPI)
    return serve(names["api"])


@pytest.mark.parametrize("client", [0], indirect=True)
def test_the_smallest_example(client):
    got = client.get("/api/cities", headers={"accept": "application/yaml"})
    assert yaml.safe_load(got.content) == client.get("/api/cities").json()
    assert (
        client.get("/api/cities?format=csv").content
        == b"name,people\r\nOslo,709000\r\nGraz,302000\r\n"
    )


@pytest.mark.parametrize("client", [LINES], indirect=True)
def test_adding_a_format(client):
    got = client.post(
        "/api/lines",
        b"a: 1\nb: 2\n",
        content_type="text/x-lines",
        headers={"accept": "text/x-lines"},
    )
    assert (got.content, got["Content-Type"]) == (b"a: 1\nb: 2\n", "text/x-lines; charset=utf-8")
    got = client.post("/api/lines", b"nonsense", content_type="text/x-lines")
    assert got.status_code == 400


def test_the_xml_on_the_page_is_ours():
    from tests.formats.conftest import FORMATS

    found = re.search(r"```xml\n(.*?)\n```", PAGE.read_text(), re.S)
    assert found is not None
    data = {"name": "Oslo", "people": 709_000, "tags": ["capital"]}
    assert FORMATS["xml"].dump(data).decode() == found[1]
