"""Streams of topics: what they send, how they go on where they were cut, who gets them, and how they end."""

import asyncio
import json
import os
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, transaction
from django.test import Client
from ninja.throttling import AnonRateThrottle

from django_matt import MattAPI, Schema
from django_matt.authentication import BearerAuthenticator, SessionAuthenticator
from django_matt.contrib.realtime.checks import check_settings
from django_matt.contrib.realtime.decorators import EventStream, subscribe
from django_matt.contrib.realtime.hubs import PART
from django_matt.contrib.realtime.limits import Seats
from django_matt.contrib.realtime.selections import Topics, report_unknown
from django_matt.errors.exceptions import InvalidCredentials

from .asking import Board, in_server, until
from .board.apps import log
from .board.models import Logged

pytestmark = pytest.mark.django_db(transaction=True)

STREAMS = int(os.environ.get("MATT_TEST_STREAMS", "300"))

publish = sync_to_async(lambda *arguments, **named: log().publish(*arguments, **named))


class AsyncThrottle(AnonRateThrottle):
    async def aallow_request(self, request: Any) -> bool:
        return await sync_to_async(self.allow_request)(request)


class Paid(Schema):
    total: int


@pytest.fixture(params=["sync", "async"])
def api(request: Any, serve: Any) -> Any:
    """Return ``api(topics, path="/events", **options)``: an API with a stream by a sync or an async function."""

    def make(topics: Any = ("paid",), path: str = "/events", **options: Any) -> MattAPI:
        made = MattAPI()
        get = topics if callable(topics) else lambda request: topics
        options = {"item": Paid, **options}

        if request.param == "sync":

            @subscribe(made, path, **options)
            def events(request: Any) -> Any:
                return get(request)

        else:

            @subscribe(made, path, **options)
            async def events_async(request: Any) -> Any:
                return get(request)

        serve(made)
        return made

    return make


def numbers(stream: Any) -> list[int]:
    return [json.loads(each["data"])["total"] for each in stream.events if "id" in each]


class TestEvents:
    def test_each_is_sent_with_its_position_and_its_topic(self, api):
        api()

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            assert stream.status == 200
            assert stream.headers["content-type"] == "text/event-stream"
            assert stream.headers["cache-control"] == "no-cache"
            assert stream.text == "retry: 100\nid: 0\n\n"
            await publish("paid", {"total": 1})
            await publish("other", {"total": 2})
            await publish("paid", {"total": 3})
            await until(lambda: len(stream.events) == 2)
            assert stream.events == [
                {"id": "1", "event": "paid", "data": '{"total":1}'},
                {"id": "3", "event": "paid", "data": '{"total":3}'},
            ]

        in_server(test)

    def test_a_topic_that_the_log_does_not_know_is_reported_once(self, api, caplog):
        report_unknown.cache_clear()
        api(["paid", "payed"])

        async def test(board: Board) -> None:
            for _ in range(2):
                await board.open("/api/events")

        in_server(test)
        (found,) = [each for each in caplog.messages if "misspelled" in each]
        assert "'payed'" in found

    def test_item_selects_the_fields_that_are_sent(self, api, caplog):
        api()

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            await publish("paid", {"total": 1, "card": "4111"})
            await publish("paid", {"total": "many"})
            await publish("paid", {"total": 2})
            await until(lambda: len(stream.events) == 2)
            again = await board.open("/api/events?after=0")
            await until(lambda: len(again.events) == 2)
            for each in (stream, again):
                assert [event["data"] for event in each.events] == ['{"total":1}', '{"total":2}']

        in_server(test)
        assert "does not fit item=" in caplog.text

    def test_nothing_is_sent_of_what_is_rolled_back(self, api):
        api()

        def write() -> None:
            for number in range(10):
                with transaction.atomic():
                    log().publish("paid", {"total": number})
                    transaction.set_rollback(number % 2 == 0)

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            await sync_to_async(write)()
            await until(lambda: len(stream.events) == 5)
            assert numbers(stream) == [1, 3, 5, 7, 9]

        in_server(test)

    @pytest.mark.parametrize("several", [True, False])
    def test_keys_select_the_events_of_one_object(self, api, several):
        api(lambda r: Topics("paid", keys=[r.GET["order"]] if several else r.GET["order"]))

        async def test(board: Board) -> None:
            stream = await board.open("/api/events?order=o7")
            await publish("paid", {"total": 1}, key="o")
            await publish("paid", {"total": 2}, key="o7")
            await until(lambda: stream.events)
            assert numbers(stream) == [2]

        in_server(test)

    def test_events_of_other_tenants_are_not_sent(self, api, monkeypatch):
        api()
        monkeypatch.setattr(
            "django_matt.contrib.realtime.selections.current_tenant",
            lambda request: SimpleNamespace(pk=request.GET["tenant"]) if request.GET else None,
        )

        async def test(board: Board) -> None:
            mine = await board.open("/api/events?tenant=a")
            nobodys = await board.open("/api/events")
            for number, tenant in enumerate(["a", "b", ""]):
                await publish("paid", {"total": number}, tenant=tenant)
            await until(lambda: len(mine.events) == 2 and nobodys.events)
            assert numbers(mine) == [0, 2]
            assert numbers(nobodys) == [2]

        in_server(test)

    @pytest.mark.parametrize(("item", "times"), [(Any, 1), (Paid, 2)], ids=["as it is", "item"])
    def test_a_frame_is_written_once_for_all_streams(self, api, monkeypatch, item, times):
        from django_matt.contrib.realtime import hubs

        api(item=item)
        written = []
        original = hubs.frame

        def write(*arguments: Any, **named: Any) -> bytes:
            written.append(arguments)
            return original(*arguments, **named)

        monkeypatch.setattr(hubs, "frame", write)

        async def test(board: Board) -> None:
            streams = [await board.open("/api/events") for _ in range(20)]
            await publish("paid", {"total": 1})
            await until(lambda: all(stream.events for stream in streams))
            assert len(written) == times

        in_server(test)

    def test_a_quiet_stream_sends_comments_and_keeps_its_place(self, api, options):
        options(HEARTBEAT=0.05)
        api()

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            await until(lambda: stream.text.count(":\n\n") >= 2)
            other = await board.open("/api/events")
            await publish("other", {"total": 1})
            await until(lambda: "id: 1\n\n" in stream.text)
            assert stream.events == other.events == []

        in_server(test)


class TestResuming:
    @pytest.mark.parametrize("how", ["header", "query"])
    def test_a_client_gets_what_it_has_missed(self, api, how):
        api()

        async def test(board: Board) -> None:
            for number in range(1, 6):
                await publish("paid", {"total": number})
            await until(lambda: board.hub.position == 5)
            if how == "header":
                stream = await board.open("/api/events?after=1", Last_Event_ID="2")
            else:
                stream = await board.open("/api/events?after=2")
            await publish("paid", {"total": 6})
            await until(lambda: len(stream.events) == 4)
            assert numbers(stream) == [3, 4, 5, 6]

        in_server(test)

    @pytest.mark.parametrize("kept", [1, 1_000])
    def test_one_that_falls_behind_reads_the_log(self, api, options, kept):
        options(KEEP_EVENTS=kept)
        api()

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            stream.is_slow = True
            for number in range(50):
                await publish("paid", {"total": number})
            await until(lambda: board.hub.position == 50)
            assert len(board.hub._kept) == min(kept, 50)
            stream.is_slow = False
            await until(lambda: len(stream.events) == 50)
            assert numbers(stream) == list(range(50))

        in_server(test)

    @pytest.mark.parametrize("kept", [True, False])
    def test_a_client_that_does_not_read_has_little_in_memory(self, api, options, kept):
        api(item=Any)

        def write() -> None:
            rows = [
                Logged(topic="paid", data={"total": n, "text": "x" * 50_000}) for n in range(40)
            ]
            Logged.objects.bulk_create(
                [*rows, Logged(topic="paid", data={"total": 40, "text": "x" * PART})]
            )

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            stream.is_slow = True
            if not kept:
                options(KEEP_EVENTS=1)
            await sync_to_async(write)()
            await until(lambda: board.hub.position == 41)
            frames: Any
            (frames,) = board.hub._subscribers
            await until(lambda: frames._waits is None)
            most = 0
            for _ in range(50):
                await asyncio.sleep(0)
                most = max(most, sum(map(len, frames._ready)))
            assert most <= PART + 60_000
            stream.is_slow = False
            await until(lambda: len(stream.events) == 41)
            assert numbers(stream) == list(range(41))

        in_server(test)

    def test_one_that_is_too_far_behind_is_told_to_reset(self, api, options):
        options(RESUME=3)
        api()

        async def test(board: Board) -> None:
            for number in range(5):
                await publish("paid", {"total": number})
            await until(lambda: board.hub.position == 5)
            near = await board.open("/api/events?after=2")
            far = await board.open("/api/events?after=1")
            await until(lambda: len(near.events) == 3 and far.events)
            assert [each["event"] for each in far.events] == ["reset"]

        in_server(test)

    def test_a_log_that_was_emptied_resets(self, api):
        api()

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            for number in range(3):
                await publish("paid", {"total": number})
            await until(lambda: len(stream.events) == 3)
            await Logged.objects.all().adelete()
            await until(lambda: len(stream.events) == 4)
            assert stream.events[3] == {"event": "reset", "data": '{"position":0}'}
            await publish("paid", {"total": 9})
            await until(lambda: len(stream.events) == 5)
            assert stream.events[4]["id"] == "1"

        in_server(test)

    @pytest.mark.parametrize(
        "text", ["x", "-1", "1.5", "\u0661", "0x1", " 7 x", "1" * 5_000 + "a"], ids=repr
    )
    def test_an_id_that_is_no_number_is_a_422(self, api, text):
        api()

        async def test(board: Board) -> None:
            from urllib.parse import quote

            stream = await board.open(f"/api/events?after={quote(text)}")
            assert stream.status == 422
            assert len(board.hub) == board.hub.seats.total == 0

        in_server(test)

    @pytest.mark.parametrize("after", ["9", "9" * 18, "9" * 19, "9" * 500])
    def test_an_id_of_the_future_is_told_to_reset(self, api, after):
        api()

        async def test(board: Board) -> None:
            await publish("paid", {"total": 1})
            await until(lambda: board.hub.position == 1)
            stream = await board.open("/api/events", Last_Event_ID=after)
            await publish("paid", {"total": 2})
            await until(lambda: len(stream.events) == 2)
            assert stream.events[0] == {"event": "reset", "data": '{"position":1}'}
            assert numbers(stream) == [2]

        in_server(test)

    def test_an_id_older_than_the_log_is_told_to_reset(self, api):
        api()

        async def test(board: Board) -> None:
            for number in range(5):
                await publish("paid", {"total": number})
            await until(lambda: board.hub.position == 5)
            await Logged.objects.filter(position__lte=3).adelete()
            known = await board.open("/api/events", Last_Event_ID="3")
            lost = await board.open("/api/events", Last_Event_ID="2")
            await until(lambda: len(known.events) == 2 and lost.events)
            assert numbers(known) == [3, 4]
            assert [each["event"] for each in lost.events] == ["reset"]

        in_server(test)


class TestPermissions:
    def test_allow_refuses_before_the_stream_begins(self, api):
        api(allow=lambda request: "please" in request.GET)

        async def test(board: Board) -> None:
            assert (await board.open("/api/events")).status == 403
            assert (await board.open("/api/events?please")).status == 200

        in_server(test)

    @pytest.mark.parametrize("kind", ["function", "object", "lambda"])
    def test_allow_may_be_async(self, api, options, kind):
        options(CHECK=0.1)
        may = [True]

        async def allow(request: Any) -> bool:
            await User.objects.acount()
            return may[0] and "please" in request.GET

        class Allows:
            async def __call__(self, request: Any) -> bool:
                return await allow(request)

        api(
            allow={
                "function": allow,
                "object": Allows(),
                "lambda": lambda r: bool(r.GET) and allow(r),
            }[kind]
        )

        async def test(board: Board) -> None:
            assert (await board.open("/api/events")).status == 403
            stream = await board.open("/api/events?please")
            assert stream.status == 200
            await asyncio.sleep(0.3)
            assert not stream.task.done()
            may[0] = False
            await until(stream.task.done)
            assert stream.events == [{"event": "session.revoked", "data": '{"status":403}'}]

        in_server(test)

    def test_allow_must_be_a_function(self, api):
        with pytest.raises(ImproperlyConfigured, match="allow"):
            api(allow=True)

    def test_it_is_asked_again_and_ends_the_stream(self, api, options):
        options(CHECK=0.1)
        may = [True]
        api(allow=lambda request: may[0])

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            await asyncio.sleep(0.5)
            await publish("paid", {"total": 1})
            await until(lambda: stream.events)
            may[0] = False
            await until(stream.task.done)
            assert stream.events[-1] == {"event": "session.revoked", "data": '{"status":403}'}
            await until(lambda: len(board.hub) == 0)

        in_server(test)

    def test_a_session_that_ends_ends_its_streams(self, api, options):
        options(CHECK=0.1)
        api(auth=SessionAuthenticator())
        client = Client()
        client.force_login(User.objects.create(username="ada"))
        cookie = f"sessionid={client.cookies['sessionid'].value}"

        async def test(board: Board) -> None:
            assert (await board.open("/api/events")).status == 401
            stream = await board.open("/api/events", Cookie=cookie)
            await asyncio.sleep(0.3)
            assert not stream.task.done()
            await sync_to_async(client.logout)()
            await until(stream.task.done)
            assert stream.events == [{"event": "session.revoked", "data": '{"status":401}'}]

        in_server(test)

    def test_a_token_that_expires_ends_its_stream(self, api):
        class Short(BearerAuthenticator):
            def authenticate(self, request: Any, credentials: Any) -> Any:
                if float(credentials.value) < time.time():
                    raise InvalidCredentials
                return {"sub": "ada", "exp": float(credentials.value)}

        api(auth=Short())

        async def test(board: Board) -> None:
            token = f"Bearer {time.time() + 0.5}"
            stream = await board.open("/api/events", Authorization=token)
            await until(stream.task.done)
            assert stream.events == [{"event": "session.revoked", "data": '{"status":401}'}]

        in_server(test)

    def test_a_check_that_fails_ends_the_stream_without_a_word(self, api, options, caplog):
        options(CHECK=0.05)
        broken = []

        def topics(request: Any) -> Any:
            if broken:
                raise ValueError("of the check")
            return ["paid"]

        api(topics)

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            broken.append(True)
            await until(stream.task.done)
            assert stream.events == []

        in_server(test)
        assert "of the check" in caplog.text

    @pytest.mark.parametrize(
        "throttle", [AnonRateThrottle("2/m"), AsyncThrottle("2/m")], ids=["sync", "async"]
    )
    def test_a_check_counts_nothing_and_saves_no_session(self, api, options, settings, throttle):
        cache.clear()
        settings.SESSION_SAVE_EVERY_REQUEST = True
        options(CHECK=0.05)
        checks: list[bool] = []

        def allow(request: Any) -> bool:
            checks.append(True)
            return True

        api(allow=allow, throttle=throttle)
        client = Client()
        client.force_login(User.objects.create(username="ada"))
        cookie = f"sessionid={client.cookies['sessionid'].value}"

        async def test(board: Board) -> None:
            stream = await board.open("/api/events", Cookie=cookie)
            before = await Session.objects.aget()
            await until(lambda: len(checks) > 4)
            assert not stream.task.done()
            assert (await Session.objects.aget()).expire_date == before.expire_date
            assert (await board.open("/api/events", Cookie=cookie)).status == 200
            assert (await board.open("/api/events", Cookie=cookie)).status == 429

        in_server(test)

    def test_a_check_that_takes_long_delays_no_stream_whose_own_is_not_due(self, api, options):
        options(CHECK=0.05)
        checked, release, over = threading.Event(), threading.Event(), threading.Event()

        def allow(request: Any) -> bool:
            if "slow" in request.GET and started:
                checked.set()
                release.wait(20)
                over.set()
            return True

        started: list[bool] = []
        api(allow=allow)

        async def test(board: Board) -> None:
            try:
                await board.open("/api/events?slow")
                options(CHECK=60)
                fast = await board.open("/api/events")
                started.append(True)
                await until(checked.is_set)
                await publish("paid", {"total": 1})
                await until(lambda: fast.events)
                assert numbers(fast) == [1]
                assert not over.is_set()
            finally:
                release.set()

        in_server(test)


class TestTheLog:
    def test_streams_are_a_503_until_it_can_be_read(self, api, monkeypatch, caplog):
        api()
        monkeypatch.setattr("django_matt.contrib.realtime.hubs._START", 0.05)
        monkeypatch.setattr("django_matt.contrib.realtime.hubs._PAUSE", 0.05)
        away, give_positions = [True], log().give_positions

        def give() -> int:
            if away:
                raise OperationalError("no such table")
            return give_positions()

        monkeypatch.setattr(log(), "give_positions", give)

        async def test(board: Board) -> None:
            refused = await board.open("/api/events")
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
            await publish("paid", {"total": 1})
            away.clear()
            await until(board.hub.ready.is_set)
            stream = await board.open("/api/events?after=0")
            await until(lambda: stream.events)

        in_server(test)
        assert "no such table" in caplog.text


class TestLimits:
    def test_a_place_is_given_back_while_another_is_taken(self, rf):
        seats, deleted = Seats(), []

        class Forgotten:
            def __init__(self) -> None:
                self.give_back = seats.take(rf.get("/"))

            def __del__(self) -> None:
                self.give_back()
                deleted.append(True)

        with seats._lock:  # as if the garbage collector ran in ``take``
            Forgotten()
        assert deleted
        assert seats.total == 0

    def test_a_user_with_too_many_gets_a_429_and_a_process_a_503(self, api, options):
        options(MAX_STREAMS_PER_USER=3, MAX_STREAMS=5)
        api()

        async def test(board: Board) -> None:
            streams = [await board.open("/api/events") for _ in range(3)]
            refused = await board.open("/api/events")
            assert refused.status == 429
            assert refused.headers["retry-after"] == "5"
            options(MAX_STREAMS_PER_USER=100, MAX_STREAMS=3)
            assert (await board.open("/api/events")).status == 503
            await streams[0].leave()
            assert (await board.open("/api/events")).status == 200

        in_server(test)

    def test_many_of_one_user_are_refused_cheaply(self, api, options):
        options(MAX_STREAMS_PER_USER=2)
        api()

        async def test(board: Board) -> None:
            for _ in range(2):
                await board.open("/api/events")
            for _ in range(50):
                assert (await board.open("/api/events")).status == 429
            assert len(board.hub) == board.hub.seats.total == 2

        in_server(test)

    def test_many_that_leave_leave_nothing(self, api):
        api()

        async def test(board: Board) -> None:
            before = len(asyncio.all_tasks())
            streams = [await board.open("/api/events") for _ in range(STREAMS)]
            await publish("paid", {"total": 1})
            assert len(board.hub) == board.hub.seats.total == STREAMS
            await asyncio.gather(*(stream.leave() for stream in streams))
            await until(lambda: len(asyncio.all_tasks()) <= before)
            assert len(board.hub) == board.hub.seats.total == 0
            assert not board.hub._by_topic

        in_server(test)

    def test_the_kept_events_have_a_size(self, api, options):
        options(KEEP_BYTES=100)
        api()

        async def test(board: Board) -> None:
            stream = await board.open("/api/events")
            for number in range(20):
                await publish("paid", {"total": number})
            await until(lambda: len(stream.events) == 20)
            assert len(board.hub._kept) < 3

        in_server(test)

    @pytest.mark.parametrize(
        "wrong", [{"CHECK": 301}, {"RETRY": "x"}, {"MAX_STREAMS": True}], ids=str
    )
    def test_a_wrong_option_is_a_system_check(self, options, wrong):
        assert check_settings() == []
        options(**wrong)
        assert [each.id for each in check_settings()] == ["matt_realtime.E001"]

    def test_without_a_server_s_lifespan_it_is_a_503(self, api, serve):
        client = serve(api())
        answer = client.get("/api/events")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"


def test_the_document_describes_the_events(api):
    made = api()
    document = json.loads(json.dumps(made.get_openapi_schema(path_prefix="")))
    content = document["paths"]["/events"]["get"]["responses"]["200"]["content"]
    properties = content["text/event-stream"]["schema"]["properties"]
    assert {*properties} == {"id", "event", "retry", "data"}
    assert properties["data"]["contentSchema"] == {"$ref": "#/components/schemas/Paid"}


def test_a_stream_of_a_generator_describes_them_too(serve):
    made = MattAPI()

    @made.get("/prices", response=EventStream[Paid])
    async def prices(request):
        yield Paid(total=1)

    document = json.loads(json.dumps(made.get_openapi_schema(path_prefix="")))
    content = document["paths"]["/prices"]["get"]["responses"]["200"]["content"]
    assert {*content["text/event-stream"]["schema"]["properties"]} >= {"id", "event", "data"}
