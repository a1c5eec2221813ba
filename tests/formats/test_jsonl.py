"""JSON Lines: a line for each item, whole or piece by piece."""

import json

import pytest

from django_matt import JSONL, Body, MattAPI, Schema
from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.csv import CSV
from django_matt.formats.json import JSON
from django_matt.formats.jsonl import JSONLines

ITEMS = [{"a": 1, "b": "x\n\u2028"}, {"a": None, "b": "=é"}]


def test_every_item_is_a_line():
    lines = JSONLines().dump([*ITEMS, 2**80, [1], "x"])
    assert lines.count(b"\n") == 5
    read = [json.loads(line) for line in lines.decode().split("\n")[:-1]]
    assert read == [*ITEMS, 2**80, [1], "x"]
    assert JSONLines().dump([]) == b""


def test_a_page_gives_its_items():
    assert JSONLines().dump({"items": [1, 2], "count": 2}) == b"1\n2\n"


@pytest.mark.parametrize("data", [1, "a", None, {"a": 1}, {"items": 3}])
def test_what_is_no_list_is_not_offered(data):
    with pytest.raises(NotAcceptable):
        JSONLines().dump(data)


@pytest.mark.parametrize("made", [JSON(), JSONLines(), CSV()], ids=lambda made: made.name)
def test_the_pieces_are_those_of_the_whole(made):
    items = ITEMS * 3
    batches = [
        made.separator.join(JSON().dump(item) for item in items[start : start + 4])
        for start in (0, 4)
    ]
    assert b"".join(made.frame(iter(batches), ["a", "b"])) == made.dump(items)
    assert b"".join(made.frame(iter([]), ["a", "b"])) == made.dump([])


def test_it_is_asked_for_by_name_and_by_its_media_types(serve, api):
    client = serve(api)
    for more in ("application/jsonl", "application/x-ndjson", "application/ndjson"):
        answer = client.get("/api/rows", headers={"accept": more})
        assert answer["Content-Type"] == "application/jsonl; charset=utf-8"
        assert answer.content.count(b"\n") == 2
    assert client.get("/api/rows?format=jsonl").content == answer.content
    assert client.get("/api/page?format=jsonl").content == answer.content
    assert client.get("/api/one?format=jsonl").status_code == 406


def test_bodies_in_it_are_refused(serve):
    api = MattAPI()

    @api.post("/lines")
    def take(request, lines: Body[list[int]]):
        return lines

    client = serve(api)
    assert client.post("/api/lines", b"[1]", content_type="application/json").json() == [1]
    assert client.post("/api/lines", b"1\n", content_type="application/jsonl").status_code == 415


def test_a_generator_s_jsonl_stays_ninja_s(serve):
    class Item(Schema):
        a: int

    api = MattAPI()

    @api.get("/lines", response=JSONL[Item])
    def lines(request):
        yield {"a": 1}
        yield {"a": 2}

    for accept in ("application/jsonl", "*/*"):
        answer = serve(api).get("/api/lines", headers={"accept": accept})
        assert answer["Content-Type"] == "application/jsonl"
        assert b"".join(answer.streaming_content) == b'{"a": 1}\n{"a": 2}\n'
