"""Live lists: whatever is written, a client that applies the events has what a GET would return."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.db.models import Q
from django.test import Client
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import ModelSchema
from ninja.pagination import paginate

from django_matt import MattAPI
from django_matt.authentication import SessionAuthenticator
from django_matt.contrib.realtime.checks import check_models
from django_matt.contrib.realtime.decorators import live

from .asking import Board, in_server, until
from .board.apps import log
from .board.models import Order, Owner

pytestmark = pytest.mark.django_db(transaction=True)


class OrderOut(ModelSchema):
    owner_name: str | None = None

    class Meta:
        model = Order
        fields = ["id", "status", "total"]

    @staticmethod
    def resolve_owner_name(order: Any) -> str | None:
        return order.owner.username if order.owner else None


@pytest.fixture(params=["sync", "async"])
def api(request: Any, serve: Any) -> Any:
    """Return ``api(orders=…, **options)``: an API with a list at ``/orders`` and its live list at ``/orders/live``."""

    def make(orders: Any = None, scope: Any = None, **options: Any) -> MattAPI:
        made = MattAPI(**options)
        if scope is not None:
            made.add_scope(Order, scope)
        found = orders or (
            lambda request, status: Order.objects.filter(status=status).order_by("id")
        )

        if request.param == "sync":

            @made.get("/orders", response=list[OrderOut])
            def list_orders(request: Any, status: str = "open") -> Any:
                return found(request, status)

        else:

            @made.get("/orders", response=list[OrderOut])
            async def list_orders(request: Any, status: str = "open") -> Any:
                return found(request, status)

        live(made, "/orders/live", list_orders)
        made.client = serve(made)
        return made

    return make


def shown(stream: Any) -> dict[int, Any]:
    """Return the rows that a client has which applies the events."""
    rows: dict[int, Any] = {}
    for each in stream.events:
        data = json.loads(each["data"])
        match each["event"]:
            case "list":
                rows = {item["id"]: item for item in data}
            case "upsert":
                rows[data["key"]] = data["item"]
            case "remove":
                rows.pop(data["key"], None)
    return rows


async def settle(board: Board, *streams: Any) -> None:
    """Wait until the streams have seen everything that is committed."""
    from .board.apps import log

    last = await sync_to_async(lambda: log().give_positions())()
    await until(lambda: board.hub.position >= last)
    subscribers = list(board.hub._subscribers)
    await until(
        lambda: all(each.position >= last and each._waits is not None for each in subscribers)
    )


def test_it_begins_with_the_list_and_goes_on_with_its_changes(api, options):
    options(MERGE=0.01)
    made = api()

    async def test(board: Board) -> None:
        ada = await Owner.objects.acreate(username="ada")
        first = await Order.objects.acreate(total=1, owner=ada)
        await Order.objects.acreate(total=2, status="paid")
        await until(lambda: board.hub.position == 2)
        stream = await board.open("/api/orders/live", Accept="text/event-stream")
        assert stream.status == 200, stream.text
        assert stream.headers["content-type"] == "text/event-stream"
        (begun,) = stream.events
        assert begun["event"] == "list"
        row = {"id": first.pk, "status": "open", "total": 1, "owner_name": "ada"}
        assert json.loads(begun["data"]) == [row]
        third = await Order.objects.acreate(total=3)
        await until(lambda: len(stream.events) == 2)
        assert stream.events[1]["event"] == "upsert"
        added = {"id": third.pk, "status": "open", "total": 3, "owner_name": None}
        assert json.loads(stream.events[1]["data"]) == {"key": third.pk, "item": added}
        first.status = "paid"
        await first.asave()
        await until(lambda: len(stream.events) == 3)
        assert stream.events[2]["event"] == "remove"
        assert json.loads(stream.events[2]["data"]) == {"key": first.pk}

    in_server(test)
    assert made.client.get("/api/orders").status_code == 200


def test_many_changes_of_a_row_are_sent_once(api, options):
    options(MERGE=0.3)
    api()

    def write() -> None:
        order = Order.objects.create()
        for total in range(20):
            order.total = total
            order.save()

    async def test(board: Board) -> None:
        stream = await board.open("/api/orders/live")
        await sync_to_async(transaction.atomic(write))()
        await until(lambda: len(stream.events) == 2)
        await settle(board)
        assert len(stream.events) == 2
        assert [row["total"] for row in shown(stream).values()] == [19]

    in_server(test)


@pytest.mark.parametrize("after", ["place", "0", "999", "x"])
def test_a_client_that_comes_back_gets_the_list(api, after):
    api()

    async def test(board: Board) -> None:
        orders = [await Order.objects.acreate(total=number) for number in range(3)]
        await until(lambda: board.hub.position == 3)
        stream = await board.open("/api/orders/live")
        place = stream.events[-1]["id"] if after == "place" else after
        await stream.leave()
        await orders[0].adelete()
        await Order.objects.acreate(total=9)
        again = await board.open("/api/orders/live", Last_Event_ID=place)
        await settle(board)
        assert {"list"} <= {each["event"] for each in again.events} <= {"list", "upsert"}
        assert [row["total"] for row in shown(again).values()] == [1, 2, 9]

    in_server(test)


def test_keys_of_rows_that_were_never_in_the_list_are_not_sent(api, options):
    options(MERGE=0.01)
    api(lambda request, status: Order.objects.filter(owner__username="ada"))
    ada, bob = (Owner.objects.create(username=name) for name in ("ada", "bob"))

    async def test(board: Board) -> None:
        hers, his = [await Order.objects.acreate(owner=owner) for owner in (ada, bob)]
        gone = await Order.objects.acreate(owner=ada)
        stream = await board.open("/api/orders/live")
        for order in (his, hers):
            await order.asave()
        await his.adelete()
        for order in (gone, hers):
            order.owner = bob
            await order.asave()
        await gone.asave()  # no longer hers: not told
        await settle(board)
        removed = [json.loads(each["data"]) for each in stream.events if each["event"] == "remove"]
        assert sorted(each["key"] for each in removed) == [hers.pk, gone.pk]
        assert shown(stream) == {}

    in_server(test)


def test_the_query_and_the_refusals_are_those_of_the_list(api):
    def mine(request: Any, status: str) -> Any:
        return Order.objects.filter(owner__username=request.user.username, status=status)

    api(mine, auth=SessionAuthenticator())
    ada, bob = (Owner.objects.create(username=name) for name in ("ada", "bob"))
    client = Client()
    client.force_login(User.objects.create(username="ada"))
    cookie = f"sessionid={client.cookies['sessionid'].value}"

    async def test(board: Board) -> None:
        assert (await board.open("/api/orders/live")).status == 401
        stream = await board.open("/api/orders/live?status=paid", Cookie=cookie)
        hers = await Order.objects.acreate(owner=ada, status="paid")
        his = await Order.objects.acreate(owner=bob, status="paid")
        await settle(board)
        assert list(shown(stream)) == [hers.pk]
        his.owner = ada
        await his.asave()
        await settle(board)
        assert list(shown(stream)) == [hers.pk, his.pk]
        hers.owner = bob
        await hers.asave()
        await settle(board)
        assert list(shown(stream)) == [his.pk]

    in_server(test)


def test_scopes_of_the_api_hold(api):
    api(
        lambda request, status: Order.objects.all(),
        scope=lambda request: Q(total__lt=10),
    )

    async def test(board: Board) -> None:
        stream = await board.open("/api/orders/live")
        seen = await Order.objects.acreate(total=1)
        await Order.objects.acreate(total=20)
        await settle(board)
        assert list(shown(stream)) == [seen.pk]

    in_server(test)


@pytest.mark.parametrize("how", ["scope", "filter"])
def test_other_filters_begin_a_new_list(api, options, how):
    options(CHECK=0.2, MERGE=0.01)
    most = [10]
    scope = (lambda request: Q(total__lte=most[0])) if how == "scope" else None
    by_filter = Order.objects.filter

    def orders(request: Any, status: str) -> Any:
        return Order.objects.all() if how == "scope" else by_filter(total__lte=most[0])

    api(orders, scope=scope)

    async def test(board: Board) -> None:
        low, high = await Order.objects.acreate(total=5), await Order.objects.acreate(total=20)
        await until(lambda: board.hub.position == 2)
        stream = await board.open("/api/orders/live")
        assert [*shown(stream)] == [low.pk]
        most[0] = 30
        await until(lambda: len(stream.events) == 2)
        assert [each["event"] for each in stream.events] == ["list", "list"]
        assert [*shown(stream)] == [low.pk, high.pk]
        await high.asave()
        await until(lambda: len(stream.events) == 3)
        most[0] = 4
        await until(lambda: not shown(stream))
        assert not stream.task.done()

    in_server(test)


def test_what_may_be_read_is_asked_again(api, options):
    options(CHECK=0.2, MERGE=0.01)
    most = [10]
    api(lambda request, status: Order.objects.filter(total__lte=most[0]))

    async def test(board: Board) -> None:
        stream = await board.open("/api/orders/live")
        await Order.objects.acreate(total=20)
        await settle(board)
        assert shown(stream) == {}
        most[0] = 30
        await asyncio.sleep(0.6)
        await Order.objects.acreate(total=21)
        await until(lambda: shown(stream))

    in_server(test)


class TestMistakes:
    def test_a_view_must_return_a_queryset_that_can_be_filtered(self, api, caplog):
        api(lambda request, status: [] if status == "none" else Order.objects.all()[:5])

        async def test(board: Board) -> None:
            for query in ("", "?status=none"):
                assert (await board.open(f"/api/orders/live{query}")).status == 500
            assert board.hub.seats.total == 0

        in_server(test)
        assert "such as a slice" in caplog.text
        assert "return a queryset" in caplog.text

    def test_pages_functions_and_unknown_models_are_refused(self):
        made = MattAPI()

        @made.get("/pages", response=list[OrderOut])
        @paginate
        def pages(request):
            return Order.objects.all()

        @made.get("/anything", response=list[dict[str, int]])
        def anything(request):
            return Order.objects.all()

        for view, why in ((pages, "paginated"), (anything, "which model"), (len, "is not a GET")):
            with pytest.raises(ImproperlyConfigured, match=why):
                live(made, "/live", view)
        live(made, "/live", anything, model=Order)

    @isolate_apps("tests.contrib.realtime.board")
    def test_a_composite_primary_key_is_refused(self):
        if not hasattr(models, "CompositePrimaryKey"):
            pytest.skip("Django 5.2 has them")

        class Seat(models.Model):
            pk = models.CompositePrimaryKey("row", "place")
            row = models.IntegerField()
            place = models.IntegerField()

            class Meta:
                app_label = "board"

        made = MattAPI()

        @made.get("/seats", response=list[dict[str, int]])
        def seats(request):
            return Seat.objects.all()

        with pytest.raises(ImproperlyConfigured, match="composite"):
            live(made, "/live", seats, model=Seat)


def test_a_model_that_only_the_urlconf_declares_is_a_warning(api, monkeypatch):
    monkeypatch.setattr(log(), "published", set())
    api()
    (found,) = check_models()
    assert found.id == "matt_realtime.W001"
    assert "board.Order" in found.msg
    assert "publish_changes(Order)" in str(found.hint)
    api()  # now another one has published them before
    assert check_models() == []


def test_the_document_describes_the_events(api):
    document = json.loads(json.dumps(api().get_openapi_schema(path_prefix="")))
    described = document["paths"]["/orders/live"]["get"]
    assert [each["name"] for each in described["parameters"]] == ["status"]
    (content,) = described["responses"]["200"]["content"].items()
    assert content[0] == "text/event-stream"
    assert [each["properties"]["event"]["const"] for each in content[1]["schema"]["oneOf"]] == [
        *("list", "upsert", "remove", "session.revoked")
    ]


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["create", "change", "delete", "rollback", "several"]),
        st.integers(0, 9),
        st.sampled_from(["open", "paid"]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(writes=st.lists(WRITES, min_size=1, max_size=3))
def test_it_equals_a_fresh_list_after_any_writes(api, options, writes):
    options(MERGE=0.01)
    made = api(
        lambda request, status: Order.objects.filter(status=status, total__lt=4).order_by("id")
    )
    Order.objects.all().delete()

    def write(kind: str, place: int, status: str, total: int) -> None:
        orders = list(Order.objects.order_by("pk"))
        with transaction.atomic():
            if kind == "create" or not orders:
                Order.objects.create(status=status, total=total)
            elif kind == "several":
                for order in orders:
                    order.status, order.total = status, total
                    order.save()
            else:
                order = orders[place % len(orders)]
                if kind == "delete":
                    order.delete()
                else:
                    order.status, order.total = status, total
                    order.save()
            transaction.set_rollback(kind == "rollback")

    async def test(board: Board) -> None:
        stream = await board.open("/api/orders/live")
        for burst in writes:
            for each in burst:
                await sync_to_async(write)(*each)
            await settle(board)
            fresh = await sync_to_async(made.client.get)("/api/orders")
            assert sorted(shown(stream).items()) == [(row["id"], row) for row in fresh.json()]

    in_server(test)
