"""``publish_changes``: the changes of a model are events of the transaction that changes it."""

from collections.abc import Iterator

import pytest
from django.core import serializers
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from django_matt.contrib.events.models import Event
from django_matt.event_log import find_event_log

from .shop.models import Gift, Order, Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    signals = (post_save, post_delete, m2m_changed)
    for signal in signals:
        monkeypatch.setattr(signal, "receivers", list(signal.receivers))
        signal.sender_receivers_cache.clear()
    log = find_event_log()
    assert log is not None
    assert log.publish_changes(Order) == "shop.order"
    assert log.publish_changes(Order) == "shop.order"  # twice is once
    yield
    for signal in signals:
        signal.sender_receivers_cache.clear()


def verbs() -> list[tuple[str, str]]:
    rows = Event.objects.filter(topic="shop.order").order_by("id")
    found = [(each.key, each.data["verb"]) for each in rows]
    rows.delete()
    return found


def test_each_change_is_one_event_with_the_key():
    order = Order.objects.create(number=1)
    key = str(order.pk)
    order.number = 2
    order.save()
    order.delete()
    assert verbs() == [(key, "created"), (key, "changed"), (key, "deleted")]


def test_a_change_that_is_rolled_back_is_none():
    with transaction.atomic():
        Order.objects.create(number=1)
        transaction.set_rollback(True)
    assert verbs() == []


def test_relations_count_from_both_sides():
    first, second = (Order.objects.create(number=n) for n in (1, 2))
    tag = Tag.objects.create(name="red")
    verbs()
    first.tags.add(tag)
    first.tags.add(tag)  # nothing new
    tag.order_set.add(second)
    assert verbs() == [(str(first.pk), "changed"), (str(second.pk), "changed")]
    tag.order_set.clear()
    assert verbs() == [(str(first.pk), "changed"), (str(second.pk), "changed")]
    first.tags.set([tag])
    first.tags.remove(tag)
    first.tags.clear()
    assert verbs() == [(str(first.pk), "changed")] * 3


def test_a_child_is_a_change_of_its_parent():
    gift = Gift.objects.create(number=1)
    key = str(gift.pk)
    gift.delete()
    assert verbs() == [(key, "created"), (key, "deleted")]


def test_fixtures_are_left_out():
    data = serializers.serialize("json", [Order(pk=7, number=7)])
    for each in serializers.deserialize("json", data):
        each.save()
    assert Order.objects.get().pk == 7
    assert verbs() == []
