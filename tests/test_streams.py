"""Items of a stream with an id, a name, a pause, a comment or ready JSON; and generators that end with their response."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncRequestFactory, RequestFactory
from django.urls import resolve

from django_matt import JSONL, SSE, Event, MattAPI, Schema

pytestmark = pytest.mark.django_db


class Price(Schema):
    cents: int


ITEMS = [
    Event({"cents": 1}, id=7, event="price", retry=500),
    {"cents": 2},
    Event(Price(cents=3)),
    Event(b'{"cents":\n4}', id="a"),
    Event(comment="still here\nand here"),
    Event(retry=0),
    Event({"cents": 5, "more": 1}, comment="five"),
]
EVENTS = """\
id: 7
event: price
retry: 500
data: {"cents": 1}

data: {"cents": 2}

data: {"cents": 3}

id: a
data: {"cents": 4}

: still here
: and here

retry: 0

: five
data: {"cents": 5}

"""
LINES = "".join(f'{{"cents": {cents}}}\n' for cents in range(1, 6))


@pytest.fixture(params=["sync", "async"])
def stream(request, serve):
    """Return ``stream(response, items)``: what a client receives of a route that yields the items."""

    def ask(response, items):
        api = MattAPI()
        if request.param == "sync":

            @api.get("/it", response=response)
            def it(request):
                yield from items

            return serve(api).get("/api/it").getvalue().decode()

        @api.get("/it", response=response)
        async def it_async(request):
            for item in items:
                yield item

        async def read(client):
            return b"".join([part async for part in (await client.get("/api/it"))])

        return async_to_sync(read)(serve(api).async_client).decode()

    return ask


def test_an_event_is_written_with_its_fields(stream):
    assert stream(SSE[Price], ITEMS) == EVENTS


def test_json_lines_have_the_data_alone(stream):
    assert stream(JSONL[Price], ITEMS) == LINES


def test_the_data_of_an_event_is_validated(stream):
    said = stream(SSE[Price], [Event({"cents": 1}), Event({"cents": "many"})])
    assert said.startswith('data: {"cents": 1}\n\nevent: error\ndata: {')


def test_an_api_without_events_streams_as_ninja_does(stream):
    assert stream(SSE[Price], [{"cents": 1}]) == 'data: {"cents": 1}\n\n'


@pytest.mark.parametrize(
    "fields", [{"id": "a\nb"}, {"id": "\0"}, {"event": "a\rdata: b"}, {"retry": -1}]
)
def test_a_field_cannot_begin_another_one(fields):
    with pytest.raises(ValueError, match="of an event"):
        Event({}, **fields)


def test_the_document_has_the_fields_where_the_view_says_that_it_yields_events(serve):
    api = MattAPI()

    @api.get("/sync", response=SSE[Price])
    def prices(request) -> Iterator[Event[Price]]:
        yield Event(Price(cents=1))

    @api.get("/async", response=SSE[Price])
    async def prices_async(request) -> AsyncIterator[Event[Price] | Price]:
        yield Event(Price(cents=1))

    @api.get("/without", response=SSE[Price])
    def without(request):
        yield Price(cents=1)

    @api.get("/lines", response=JSONL[Price])
    def lines(request) -> Iterator[Event[Price]]:
        yield Event(Price(cents=1))

    paths = serve(api).get("/api/openapi.json").json()["paths"]

    def fields(path):
        (media,) = paths[f"/api/{path}"]["get"]["responses"]["200"]["content"].values()
        return sorted(media["schema"].get("properties", {}))

    assert fields("sync") == fields("async") == ["data", "event", "id", "retry"]
    assert fields("without") == ["data"]
    assert fields("lines") == []


def test_a_generator_is_closed_with_its_response(serve):
    ended = []

    def endless():
        try:
            while True:
                yield {"cents": 1}
        finally:
            ended.append("closed")

    api = MattAPI()
    # Somebody else knows it too, so that it is not the garbage collector that closes it.
    kept = endless()

    @api.get("/it", response=SSE[Price])
    def it(request):
        return kept

    serve(api)
    match = resolve("/api/it")
    response = match.func(RequestFactory().get("/api/it"))
    assert next(iter(response)) == b'data: {"cents": 1}\n\n'
    assert ended == []
    response.close()
    assert ended == ["closed"]


def test_an_async_generator_is_closed_with_its_response(serve):
    ended = []
    api = MattAPI()

    @api.get("/it", response=SSE[Price])
    async def it(request):
        try:
            while True:
                yield {"cents": 1}
        finally:
            await asyncio.sleep(0)
            ended.append("closed")

    serve(api)
    match = resolve("/api/it")

    async def read_one():
        response = await match.func(AsyncRequestFactory().get("/api/it"))
        parts = response._iterator
        first = await anext(parts)
        await parts.aclose()
        return first, list(ended)

    assert async_to_sync(read_one)() == (b'data: {"cents": 1}\n\n', ["closed"])
