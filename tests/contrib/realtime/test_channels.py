"""The streams, live lists and sockets of an API are in its AsyncAPI document."""

from typing import Any

import pytest
from ninja.streaming import JSONL, SSE

from django_matt import MattAPI, Schema
from django_matt.contrib.events.documents import build_document
from django_matt.contrib.realtime.decorators import EventStream, live, subscribe
from django_matt.contrib.realtime.sockets import Socket, socket

from .board.models import Order


class Listed(Schema):
    id: int
    total: int


class Spoken(Schema):
    text: str


@pytest.fixture
def document() -> Any:
    api = MattAPI(title="Board")

    @api.get("/listed", response=list[Listed])
    def listed(request: Any) -> Any:
        return Order.objects.all()

    live(api, "/listed/live", listed, model=Order)

    @subscribe(api, "/shops/{int:shop}/events", item=Listed, summary="What happens in a shop")
    def shop_events(request: Any, shop: int) -> list[str]:
        return ["paid"]

    @api.get("/ticks", response=SSE[int])
    async def ticks(request: Any) -> Any:
        yield 1

    @api.get("/lines", response=JSONL[int])
    async def lines(request: Any) -> Any:
        yield 1

    @api.get("/hidden", response=EventStream[int], include_in_schema=False)
    async def hidden(request: Any) -> Any:
        yield 1

    @socket(api, "/talks/{talk}")
    async def talk(request: Any, socket: Socket[Spoken, str], talk: str) -> None:
        """Talk to others."""

    assert api.urls
    return build_document(api, "/api/")


def test_they_are_there_with_their_messages(document: Any):
    found = {each["address"]: each for each in document["channels"].values()}
    assert list(found) == [
        "/api/listed/live",
        "/api/shops/{shop}/events",
        "/api/ticks",
        "/api/talks/{talk}",
    ]
    payloads = [each["payload"] for each in found["/api/listed/live"]["messages"].values()]
    assert payloads[0]["items"] == {"$ref": "#/components/schemas/Listed"}
    upserted = document["components"]["schemas"][payloads[1]["$ref"].rpartition("/")[2]]
    assert upserted["properties"]["item"] == {"$ref": "#/components/schemas/Listed"}
    assert payloads[2] == {"$ref": "#/components/schemas/Removed"}
    events = found["/api/shops/{shop}/events"]
    assert events["description"] == "What happens in a shop"
    assert list(events["parameters"]) == ["shop"]
    assert events["messages"]["send1"]["payload"] == {"$ref": "#/components/schemas/Listed"}
    assert found["/api/ticks"]["messages"]["send1"]["payload"] == {"type": "integer"}
    said = found["/api/talks/{talk}"]
    assert said["description"] == "Talk to others."
    assert said["messages"]["send1"]["payload"] == {"type": "string"}
    assert said["messages"]["receive1"]["payload"] == {"$ref": "#/components/schemas/Spoken"}
