"""Async generators of a project: comments while they are silent, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from django_matt import JSONL, SSE, Event, MattAPI, Schema
from django_matt.contrib.realtime import EventStream
from tests.docs.snippets import read_body
from tests.waiting import SECONDS

from .asking import Board, in_server, until

pytestmark = pytest.mark.django_db(transaction=True)


COMMENT = "\n:  \n"


class Price(Schema):
    cents: int


class Generator:
    """What the generator of the route does, and what became of it."""

    def __init__(self) -> None:
        self.made = 0
        self.ends: list[str] = []
        self.go_on = asyncio.Event()


@pytest.fixture(params=[SSE, EventStream], ids=["SSE", "EventStream"])
def generator(request: Any, serve: Any) -> Generator:
    made, state = MattAPI(), Generator()

    @made.get("/prices", response=request.param[Price])
    async def prices(
        request: Any, fails: bool = False, expires: bool = False
    ) -> AsyncIterator[Event[Price]]:
        try:
            async with asyncio.timeout(0.5 if expires else 60):
                yield Event(Price(cents=await Group.objects.acount()), id=1, event="price")
                await state.go_on.wait()
                if fails:
                    raise ValueError("of the generator")
                for number in range(2, 200):
                    state.made = number
                    yield Event(Price(cents=number), id=number, event="price")
        except BaseException as error:
            state.ends.append(type(error).__name__)
            raise
        finally:
            state.ends.append("closed")

    serve(made)
    return state


def test_it_sends_comments_while_it_is_silent_and_then_goes_on(generator, options):
    options(HEARTBEAT=0.05)

    async def test(board: Board) -> None:
        stream = await board.open("/api/prices")
        first = {"id": "1", "event": "price", "data": '{"cents": 0}'}
        assert stream.events == [first]
        await until(lambda: stream.text.count(COMMENT) >= 3)
        generator.go_on.set()
        await asyncio.wait_for(stream.task, SECONDS)
        ids = [int(each["id"]) for each in stream.events]
        assert ids == list(range(1, 200))
        assert generator.ends == ["closed"]
        assert len(board.hub) == 0

    in_server(test)


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "not silent"])
def test_a_client_that_leaves_ends_it(generator, is_silent):
    async def test(board: Board) -> None:
        stream = await board.open("/api/prices")
        if not is_silent:
            stream.is_slow = True
            generator.go_on.set()
            await until(lambda: generator.made)
        await stream.leave()
        await until(lambda: generator.ends and len(board.hub) == 0)
        assert generator.ends[-1] == "closed"

    in_server(test)


def test_it_is_not_called_again_before_the_client_has_read(generator, options):
    options(HEARTBEAT=0.02)

    async def test(board: Board) -> None:
        stream = await board.open("/api/prices")
        stream.is_slow = True
        generator.go_on.set()
        await until(lambda: generator.made)
        await asyncio.sleep(0.2)
        # One is being sent, and the next is ready.
        assert generator.made <= 3
        stream.is_slow = False
        await asyncio.wait_for(stream.task, SECONDS)
        assert generator.made == 199
        # Comments do not pile up meanwhile.
        assert stream.text.partition("id: 3\n")[0].count(COMMENT) <= 3

    in_server(test)


def test_a_server_that_stops_ends_it(generator):
    async def test(board: Board) -> None:
        stream = await board.open("/api/prices")
        board.hub.end_all()
        await asyncio.wait_for(stream.task, SECONDS)
        assert generator.ends[-1] == "closed"
        late = await board.open("/api/prices")
        await asyncio.wait_for(late.task, SECONDS)
        assert late.text == ""

    in_server(test)


def test_a_timeout_in_it_ends_it(generator, caplog):
    async def test(board: Board) -> None:
        stream = await board.open("/api/prices?expires=1")
        await asyncio.wait_for(stream.task, SECONDS)
        assert [each["event"] for each in stream.events] == ["price", "error"]
        assert generator.ends == ["TimeoutError", "closed"]

    in_server(test)


def test_an_error_is_the_last_event(generator, caplog):
    async def test(board: Board) -> None:
        stream = await board.open("/api/prices?fails=1")
        generator.go_on.set()
        await asyncio.wait_for(stream.task, SECONDS)
        assert [each["event"] for each in stream.events] == ["price", "error"]

    in_server(test)
    assert "of the generator" in caplog.text


def test_without_a_server_s_lifespan_and_for_other_streams_nothing_changes(serve, options):
    options(HEARTBEAT=0.02)
    made = MattAPI()

    @made.get("/lines", response=JSONL[Price])
    async def lines(request: Any) -> AsyncIterator[Price]:
        await asyncio.sleep(0.2)
        yield Price(cents=1)

    @made.get("/events", response=SSE[Price])
    async def events(request: Any) -> AsyncIterator[Price]:
        await asyncio.sleep(0.2)
        yield Price(cents=2)

    client: Client = serve(made)
    assert read_body(client.get("/api/events")) == b'data: {"cents": 2}\n\n'

    async def test(board: Board) -> None:
        stream = await board.open("/api/lines")
        await asyncio.wait_for(stream.task, SECONDS)
        assert stream.text == '{"cents": 1}\n'

    in_server(test)
