"""@asyncapi/parser, the reference, accepts the AsyncAPI documents, whatever types the messages have."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from django.apps import apps
from ninja import Schema
from pydantic import Field

from django_matt import MattAPI
from django_matt.contrib.events import schemas
from django_matt.contrib.events.documents import build_document
from django_matt.contrib.realtime.channels import channels_of
from django_matt.contrib.realtime.decorators import EventStream
from django_matt.contrib.realtime.sockets import Socket
from django_matt.contrib.realtime.sockets import socket as serve_socket
from django_matt.event_log import Channel
from tests.node_tools import missing, run

pytestmark = pytest.mark.once
SCRIPT = Path(__file__).with_name("asyncapi.mjs")


@pytest.fixture
def parse(node_tools: Path) -> Callable[..., Any]:
    """Return ``parse(*documents)``: the errors and the messages of each."""
    node = shutil.which("node")
    if node is None:
        missing("there is no node")

    def ask(*documents: Any) -> Any:
        done = run(node, SCRIPT, node_tools, input=json.dumps(documents))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def streaming_api() -> MattAPI:
    """An API with a stream and a socket of the app realtime."""

    class ParcelSeen(Schema):
        place: str

    api = MattAPI(urls_namespace="streaming")

    @api.get("/parcels/events", response=EventStream[ParcelSeen])
    async def parcel_events(request: Any) -> Any:
        yield ParcelSeen(place="Rome")

    async def talk(request: Any, socket: Any) -> None:
        await socket.send("Hello.")

    talk.__annotations__["socket"] = Socket[str, ParcelSeen]
    serve_socket(api, "/talk")(talk)
    return api


def test_the_parser_accepts_the_documents(parse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schemas, "registered", {})
    monkeypatch.setattr("django_matt.contrib.events.documents.registered", schemas.registered)
    empty = build_document(MattAPI())

    class ParcelLine(Schema):
        product: str
        place: tuple[int, str]

    class PaidByCard(Schema):
        kind: Literal["card"]
        number: str

    class PaidInCash(Schema):
        kind: Literal["cash"]
        amount: Decimal | None = None

    class ParcelSent(schemas.EventSchema, topic="parcel.sent", version=2):
        """A parcel has been sent."""

        number: int = Field(gt=0)
        lines: list[ParcelLine]
        payment: Annotated[PaidByCard | PaidInCash, Field(discriminator="kind")]
        day: date
        notes: dict[str, Any] = {}
        prefixItems: list[int] = []
        discriminator: str = ""

    class ParcelLost(schemas.EventSchema, topic="parcel.lost"):
        number: int

    channels = [
        Channel(path="/parcels/{int:number}/events", sends=[ParcelSent, ParcelLost]),
        Channel(path="/chat/{room}", sends=[ParcelLine], receives=[str], description="Talk."),
        Channel(path="/chat-room/", receives=[dict[str, int]]),
    ]
    config = apps.get_app_config("django_matt")
    monkeypatch.setattr(config, "channels", lambda api: channels, raising=False)
    full = build_document(MattAPI(title="Parcels", description="What happens to them."), "/api/")
    monkeypatch.setattr(config, "channels", channels_of)
    live = build_document(streaming_api(), "/api/")
    wrong = {**full, "channels": {**full["channels"], "parcel.lost": {"address": 1}}}

    first, second, third, fourth = parse(empty, full, wrong, live)
    assert first == {"errors": [], "messages": []}
    assert second == {
        "errors": [],
        "messages": [
            ["parcel.sent", 1],
            ["parcel.lost", 1],
            ["/api/parcels/{number}/events", 2],
            ["/api/chat/{room}", 2],
            ["/api/chat-room/", 1],
        ],
    }
    assert third["errors"]
    found = {name: count for name, count in fourth["messages"] if name.startswith("/")}
    assert (fourth["errors"], found) == ([], {"/api/parcels/events": 1, "/api/talk": 2})
