"""``publish``: an event is stored exactly if the transaction commits."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from django_matt import MattAPI
from django_matt.contrib.events.errors import EventTooLarge, NotInTransaction
from django_matt.contrib.events.models import Event
from django_matt.contrib.events.schemas import EventSchema
from django_matt.contrib.events.services import give_positions, publish, read_events

from .shop.consumers import Ordered
from .shop.models import Effect, Order

pytestmark = pytest.mark.django_db(transaction=True)


class Rollback(Exception):
    pass


def test_an_event_is_stored_with_the_transaction():
    with transaction.atomic():
        found = publish(Ordered(number=1), key="order:1", tenant="acme")
    give_positions()
    (event,) = read_events(0)
    assert (event.id, event.topic, event.key, event.tenant) == (
        str(found),
        "shop.ordered",
        "order:1",
        "acme",
    )
    assert (event.position, event.version, event.data) == (1, 1, {"number": 1})


def test_outside_of_a_transaction_it_raises():
    with pytest.raises(NotInTransaction, match="autocommit=True"):
        publish(Ordered(number=1))
    assert not Event.objects.exists()
    publish(Ordered(number=1), autocommit=True)
    assert Event.objects.count() == 1


def test_a_transaction_that_is_rolled_back_leaves_nothing():
    with transaction.atomic():
        publish(Ordered(number=1))
        transaction.set_rollback(True)
    assert not Event.objects.exists()


def test_a_savepoint_that_is_rolled_back_leaves_nothing():
    with transaction.atomic():
        publish(Ordered(number=1))
        with transaction.atomic():
            publish(Ordered(number=2))
            transaction.set_rollback(True)
    give_positions()
    assert [each.data for each in read_events(0)] == [{"number": 1}]


def test_what_is_too_large_is_refused(registry):
    class Said(EventSchema, topic="shop.said"):
        text: str

    around = len(b'{"text":""}')
    with transaction.atomic():
        publish(Said(text="a" * (262_144 - around)))
        for text in ("a" * (262_145 - around), "ü" * 131_072):
            with pytest.raises(EventTooLarge):
                publish(Said(text=text))
    assert Event.objects.count() == 1


def test_a_nul_character_is_refused_and_an_escape_that_looks_like_one_is_not(registry):
    class Said(EventSchema, topic="shop.said"):
        text: str

    with transaction.atomic():
        with pytest.raises(ValueError, match="NUL"):
            publish(Said(text="a\0b"))
        with pytest.raises(ValueError, match="NUL"):
            publish(Said(text="\\\0"))
        with pytest.raises(ValueError, match="NUL"):
            publish(Said(text="a"), key="\0")
        publish(Said(text="\\u0000"))
    assert Event.objects.get().data == {"text": "\\u0000"}


def test_keys_and_tenants_have_a_length():
    with transaction.atomic():
        publish(Ordered(number=1), key="k" * 200, tenant="t" * 100)
        with pytest.raises(ValueError, match="200"):
            publish(Ordered(number=1), key="k" * 201)
        with pytest.raises(ValueError, match="100"):
            publish(Ordered(number=1), tenant="t" * 101)


def test_a_class_without_a_topic_is_refused(registry):
    class Untold(EventSchema):
        number: int

    with transaction.atomic(), pytest.raises(ValueError, match="has no topic"):
        publish(Untold(number=1))


@pytest.mark.parametrize("topic", ["a..b", ".a", "a.", "a b", "shop.*", "a" * 201, "ü"])
def test_a_topic_is_a_plain_name(registry, topic: str):
    with pytest.raises(ImproperlyConfigured, match="has the topic"):
        type("Wrong", (EventSchema,), {"__annotations__": {"number": int}}, topic=topic)


def test_a_topic_belongs_to_one_class(registry):
    with pytest.raises(ImproperlyConfigured, match="the same topic"):

        class Other(EventSchema, topic="shop.ordered"):
            number: int


def test_old_data_is_upgraded(registry):
    class Priced(EventSchema, topic="shop.priced", version=2):
        cents: int

        @classmethod
        def upgrade(cls, data, version):
            return {"cents": data["euros"] * 100}

    assert Priced.read({"euros": 3}, 1) == Priced(cents=300)
    assert Priced.read({"cents": 5}, 2) == Priced(cents=5)


def order(number: int, *, fails: bool) -> None:
    Order.objects.create(number=number)
    publish(Ordered(number=number), key=f"order:{number}")
    if fails:
        raise Rollback


@pytest.mark.parametrize("kind", ["sync", "async", "ATOMIC_REQUESTS"])
def test_a_route_publishes_and_a_consumer_hears_of_it(
    serve, monkeypatch: pytest.MonkeyPatch, kind: str
):
    from django.core.management import call_command

    api = MattAPI()
    if kind == "async":

        @api.post("/orders/{number}")
        async def create_order(request, number: int, fails: bool = False) -> None:
            await sync_to_async(transaction.atomic(order))(number, fails=fails)
    else:

        @api.post("/orders/{number}")
        def create_order_sync(request, number: int, fails: bool = False) -> None:
            if kind == "ATOMIC_REQUESTS":
                order(number, fails=fails)
                return
            with transaction.atomic():
                order(number, fails=fails)

    call_command("matt_events", "work", "--drain")  # it subscribes
    if kind == "ATOMIC_REQUESTS":
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    client = serve(api)

    async def ask(path: str) -> int:
        return int((await client.async_client.post(path)).status_code)

    def post(path: str) -> int:
        return async_to_sync(ask)(path) if kind == "async" else client.post(path).status_code

    assert post("/api/orders/1") == 200
    assert post("/api/orders/2?fails=true") == 500
    assert post("/api/orders/3") == 200
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", False)
    call_command("matt_events", "work", "--drain")
    assert sorted(Order.objects.values_list("number", flat=True)) == [1, 3]
    assert sorted(Effect.objects.values_list("number", flat=True)) == [1, 3]


def test_what_is_published_is_read_again_as_it_was(registry):
    from datetime import UTC, datetime
    from decimal import Decimal

    from pydantic import ConfigDict, Field, computed_field

    class Strict(EventSchema, topic="shop.strict"):
        model_config = ConfigDict(strict=True, extra="forbid")
        at: datetime
        price: Decimal
        name: str = Field(alias="theName")

        @computed_field  # type: ignore[prop-decorator]
        @property
        def double(self) -> Decimal:
            return 2 * self.price

    event = Strict(at=datetime.now(UTC), price=Decimal("1.50"), theName="a")
    publish(event, autocommit=True)
    stored = Event.objects.get()
    assert stored.data.keys() == {"at", "price", "theName"}
    assert Strict.read(stored.data, stored.version) == event


def test_what_could_not_be_read_is_refused_where_it_is_published(registry):
    from pydantic import Field, SecretStr

    class Measured(EventSchema, topic="shop.measured"):
        value: float

    class Hidden(EventSchema, topic="shop.hidden"):
        value: int = Field(exclude=True)

    class Secret(EventSchema, topic="shop.secret"):
        value: SecretStr

    for event in (
        Measured(value=float("nan")),
        Measured(value=float("inf")),
        Hidden(value=1),
        Secret(value=SecretStr("a")),
    ):
        with pytest.raises(ValueError, match=r"value|SecretStr"):
            publish(event, autocommit=True)
    assert not Event.objects.exists()


def test_keys_and_tenants_may_be_of_any_type():
    publish(Ordered(number=1), key=5, tenant=7, autocommit=True)
    publish(Ordered(number=1), key=None, tenant=Order(pk=8), autocommit=True)
    found = Event.objects.order_by("id").values_list("key", "tenant")
    assert list(found) == [("5", "7"), ("", "8")]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_event_belongs_to_the_tenant_of_the_request_and_then_of_its_event(
    serve, registry, monkeypatch: pytest.MonkeyPatch, kind: str
):
    from types import SimpleNamespace

    from django.apps import apps

    from django_matt.contrib.events.consumers import consumer
    from django_matt.contrib.events.subscriptions import subscribe
    from django_matt.contrib.events.workers import drain

    def resolve(request):
        found = request.headers.get("X-Tenant")
        return found and SimpleNamespace(pk=found)

    monkeypatch.setattr(apps.get_app_config("shop"), "resolve_tenant", resolve, raising=False)

    class Answered(EventSchema, topic="shop.answered"):
        number: int

    @consumer("answers", Ordered)
    def handle(event: Ordered, context) -> None:
        publish(Answered(number=event.number), autocommit=True)

    subscribe(registry.values())
    api = MattAPI()

    def tell() -> None:
        publish(Ordered(number=1), autocommit=True)
        publish(Ordered(number=2), tenant="", autocommit=True)

    if kind == "sync":
        api.post("/orders")(lambda request: tell())
    else:

        @api.post("/orders")
        async def create(request) -> None:
            await sync_to_async(tell)()

    client = serve(api)

    async def ask(headers: dict[str, str]) -> int:
        return int((await client.async_client.post("/api/orders", headers=headers)).status_code)

    def post(headers: dict[str, str]) -> int:
        if kind == "async":
            return async_to_sync(ask)(headers)
        return int(client.post("/api/orders", headers=headers).status_code)

    assert post({"X-Tenant": "acme"}) == 200
    assert post({}) == 200
    publish(Ordered(number=3), autocommit=True)
    drain([*registry.values()])
    for topic in ("shop.ordered", "shop.answered"):
        tenants = Event.objects.filter(topic=topic).order_by("id").values_list("tenant", flat=True)
        assert list(tenants) == ["acme", "", "", "", ""]
