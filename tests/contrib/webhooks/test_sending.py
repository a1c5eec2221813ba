"""Events are signed and sent to the endpoints that want them, again if they fail, and not forever."""

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_matt.contrib.webhooks import deliveries
from django_matt.contrib.webhooks.deliveries import claim, forgive_clock, hand_out, record
from django_matt.contrib.webhooks.models import (
    LONG_AGO,
    Delivery,
    Endpoint,
    Message,
    ReadPosition,
    State,
)
from django_matt.contrib.webhooks.requests import Outcome
from django_matt.contrib.webhooks.services import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    replay,
    rotate_secret,
)
from django_matt.contrib.webhooks.signatures import decode_secret, is_signed

from .receivers import Got, Receiver, receive

pytestmark = pytest.mark.django_db


def verifies(got: Got, *secrets: str) -> bool:
    return is_signed(
        [decode_secret(each) for each in secrets],
        got.headers["webhook-signature"],
        got.headers["webhook-id"],
        int(got.headers["webhook-timestamp"]),
        got.body,
    )


def now_due() -> None:
    """Let the time pass until each attempt is due."""
    Delivery.objects.filter(state=State.PENDING).update(due_at=LONG_AGO)
    Endpoint.objects.update(paused_until=LONG_AGO)


def test_an_event_is_sent_signed_with_its_stable_id(receiver, endpoint, publish, send):
    made = publish(number=7)
    assert send() == 1
    (got,) = receiver.got
    assert (got.path, got.headers["webhook-id"]) == ("/hook", made)
    assert got.headers["content-type"] == "application/json"
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60
    assert verifies(got, endpoint.plain)
    told = json.loads(got.body)
    assert (told["type"], told["version"], told["data"]) == ("order.paid", 1, {"number": 7})
    assert told["timestamp"].startswith("20")
    stored = Delivery.objects.get()
    assert (stored.state, stored.status, stored.attempts, stored.lease) == ("delivered", 204, 1, "")
    assert send() == 0


def test_only_offered_topics_of_the_own_tenant_are_sent(receiver, publish, send, settings):
    for tenant, topics in (("a", ["order.paid"]), ("b", ["order.paid", "order.shipped"])):
        create_endpoint(url=f"{receiver.url}/{tenant}", topics=topics, tenant=tenant)
    publish("order.paid", tenant="a")
    publish("order.shipped", tenant="a")
    publish("order.shipped", tenant="b")
    publish("order.paid")
    publish("user.secret", tenant="a")
    send()
    found = sorted((each.path, json.loads(each.body)["type"]) for each in receiver.got)
    assert found == [("/hook/a", "order.paid"), ("/hook/b", "order.shipped")]
    settings.MATT_WEBHOOKS = settings.MATT_WEBHOOKS | {"TOPICS": []}
    publish("order.paid", tenant="a")
    send()
    assert len(receiver.got) == 2
    assert ReadPosition.objects.get().position == 6


def test_an_endpoint_gets_the_events_after_its_creation(receiver, publish, send):
    publish(number=1)
    create_endpoint(url=receiver.url, topics=["order.paid"])
    publish(number=2)
    create_endpoint(url=receiver.url, topics=["order.paid"])
    publish(number=3)
    send()
    assert sorted(json.loads(each.body)["data"]["number"] for each in receiver.got) == [2, 3, 3]


def test_text_of_every_language_is_sent(receiver, endpoint, publish, send):
    publish(text="é 漢 🎉\n")
    send()
    assert json.loads(receiver.got[0].body)["data"] == {"text": "é 漢 🎉\n"}


def test_more_events_than_one_transaction_reads_are_all_sent(
    receiver, endpoint, publish, send, monkeypatch
):
    monkeypatch.setattr(deliveries, "AT_ONCE", 3)
    made = [publish(number=number) for number in range(10)]
    assert send() == 10
    assert sorted(receiver.ids) == sorted(made)


def test_both_secrets_sign_until_the_overlap_ends(receiver, endpoint, publish, send):
    _, fresh = rotate_secret(endpoint, timedelta(hours=1))
    publish()
    send()
    Endpoint.objects.update(old_secret_until=timezone.now() - timedelta(seconds=1))
    publish()
    send()
    both, one = receiver.got
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert verifies(both, endpoint.plain)
    assert verifies(both, fresh)
    assert verifies(one, fresh)
    assert not verifies(one, endpoint.plain)


def test_secrets_are_not_stored_as_they_are(endpoint):
    rotate_secret(endpoint, timedelta(hours=1))
    stored = Endpoint.objects.values().get()
    assert endpoint.plain not in str(stored)
    assert endpoint.plain.removeprefix("whsec_") not in str(stored)


@pytest.mark.parametrize("status", [300, 301, 307, 400, 404, 500, 503])
def test_whatever_is_not_2xx_is_tried_again_with_the_same_id_and_body(
    receiver, endpoint, publish, send, status
):
    receiver.status, receiver.headers = status, {"Location": receiver.url, "Content-Length": "0"}
    publish(number=1)
    assert send() == 1
    stored = Delivery.objects.get()
    assert (stored.state, stored.status) == ("pending", status)
    assert stored.reason == f"The response has the status {status}."
    assert 3.5 < (stored.due_at - stored.changed_at).total_seconds() <= 5
    assert send() == 0
    receiver.status = 200
    now_due()
    assert send() == 1
    first, second = receiver.got
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert Delivery.objects.get().state == "delivered"
    assert Endpoint.objects.get().failing_since is None


def test_the_waits_grow_to_a_day_and_then_the_delivery_is_dead(receiver, endpoint, publish, send):
    receiver.status = 500
    publish()
    waits = []
    while Delivery.objects.filter(state=State.DEAD).count() == 0:
        now_due()
        assert send() == 1
        found = Delivery.objects.get()
        waits.append((found.due_at - found.changed_at).total_seconds())
    assert len(receiver.got) == 10
    assert waits[0] <= 5
    assert 0.8 * 86_400 <= waits[8] <= 86_400
    assert waits[:9] == sorted(waits[:9])
    now_due()
    assert send() == 0
    receiver.status = 204
    assert replay(endpoint) == 1
    now_due()
    assert send() == 1
    assert Delivery.objects.get().state == "delivered"


def test_the_receiver_may_ask_to_wait_longer(receiver, endpoint, publish, send):
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}
    publish()
    publish()
    send()
    now = timezone.now()
    found = Endpoint.objects.get()
    assert timedelta(seconds=100) < found.paused_until - now <= timedelta(seconds=120)
    assert len(receiver.got) <= 2
    receiver.headers = {"Retry-After": "999999999"}
    now_due()
    send()
    now = timezone.now()
    assert Endpoint.objects.get().paused_until - now <= timedelta(hours=1)
    assert max(Delivery.objects.values_list("due_at", flat=True)) - now <= timedelta(days=1)


def test_410_disables_the_endpoint_and_kills_what_is_pending(receiver, endpoint, publish, send):
    receiver.status = 410
    for _ in range(6):
        publish()
    send()
    found = Endpoint.objects.get()
    assert found.disabled_at is not None
    assert found.disabled_reason == "It has answered 410 Gone."
    assert set(Delivery.objects.values_list("state", flat=True)) == {"dead"}
    publish()
    hand_out()
    assert Delivery.objects.count() == 6
    receiver.status, sent = 204, len(receiver.got)
    change_endpoint(found, is_enabled=True)
    assert send() == 0
    assert replay(found) == 6
    assert send() == 6
    assert len(receiver.got) == sent + 6


def test_an_endpoint_that_fails_for_days_is_disabled(receiver, endpoint, publish, send):
    receiver.status = 500
    publish()
    send()
    now_due()
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=4))
    send()
    assert Endpoint.objects.get().disabled_at is None
    now_due()
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=5, seconds=1))
    send()
    assert Endpoint.objects.get().disabled_reason == "It has failed for 5 days."
    assert Delivery.objects.get().state == "dead"


def test_replay_from_a_position_also_sends_what_was_delivered_or_not_handed_out(
    receiver, publish, send
):
    made = [publish(number=number) for number in range(4)]
    late, _ = create_endpoint(url=receiver.url, topics=["order.paid"])
    send()
    assert receiver.got == []
    assert replay(late, 3) == 2
    assert send() == 2
    assert sorted(receiver.ids) == sorted(made[2:])
    assert replay(late, 1) == 4
    assert send() == 4


def test_a_failing_endpoint_gets_one_request_at_a_time_and_pauses(
    receiver, endpoint, publish, send
):
    receiver.status = 500
    for _ in range(9):
        publish()
    send()
    # As many as were under way at the same time when the first one failed.
    assert 1 <= len(receiver.got) <= 4
    Endpoint.objects.update(paused_until=LONG_AGO)
    assert len(claim(8)) == 1
    assert claim(8) == []


def test_an_endpoint_that_fails_leaves_room_for_the_others(receiver, endpoint, publish, send):
    receiver.status = 500
    with receive() as healthy:
        create_endpoint(url=healthy.url, topics=["order.paid"])
        for _ in range(20):
            publish()
        send()
        assert len(healthy.got) == 20
    assert len(receiver.got) <= 4


def test_four_deliveries_of_an_endpoint_are_sent_at_the_same_time(endpoint, publish):
    for _ in range(9):
        publish()
    hand_out()
    assert len(claim(8)) == 4
    assert claim(8) == []


def test_a_lease_that_ends_is_sent_again_and_the_late_outcome_is_ignored(endpoint, publish):
    publish()
    hand_out()
    (first,) = claim(8)
    assert claim(8) == []
    Delivery.objects.update(due_at=timezone.now())
    (second,) = claim(8)
    assert (first.pk, second.attempts) == (second.pk, 2)
    record(first, Outcome(500, "late"))
    assert Delivery.objects.get().lease == second.lease
    assert Endpoint.objects.get().failing_since is None
    record(second, Outcome(204))
    assert Delivery.objects.get().state == "delivered"


def test_an_endpoint_may_be_deleted_while_it_is_sent_to(endpoint, publish):
    publish()
    hand_out()
    (taken,) = claim(8)
    Endpoint.objects.get().delete()
    record(taken, Outcome(500))
    record(taken, Outcome(200))
    assert not Delivery.objects.exists()


def test_a_secret_that_cannot_be_decrypted_is_no_fault_of_the_endpoint(
    receiver, endpoint, publish, send, settings, caplog
):
    settings.SECRET_KEY = "another-0123456789-0123456789-0123456789-01234567"
    publish()
    send()
    assert receiver.got == []
    assert Delivery.objects.get().reason == "The sender had an error."
    assert Endpoint.objects.get().failing_since is None
    assert "could not be made" in caplog.text
    assert endpoint.plain not in caplog.text


def test_a_clock_that_was_set_back_delays_nothing(receiver, endpoint, publish, send):
    publish()
    publish()
    hand_out()
    (leased, waiting) = claim(8)
    record(waiting, Outcome(None, "no", is_fault_of_endpoint=False))
    later = timezone.now() + timedelta(days=300)
    Delivery.objects.update(due_at=later, changed_at=later)
    Endpoint.objects.update(paused_until=later)
    assert forgive_clock() == 2
    assert send() == 1  # not the one that may be under way
    leased.refresh_from_db()
    seconds = (leased.due_at - timezone.now()).total_seconds()
    assert 0 < seconds <= 15


def test_events_that_were_deleted_unsent_are_reported(endpoint, publish, send, caplog):
    from django_matt.contrib.events.models import Event

    publish()
    publish()
    Event.objects.filter(position=1).delete()
    send()
    assert "The events 1 to 1 were deleted before webhooks of them were sent." in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_sixteen_workers_send_nothing_twice_and_four_at_a_time(receiver, endpoint, publish):
    for _ in range(20):
        publish()
    taken: list[Any] = []
    barrier, lock, under_way, most = threading.Barrier(16), threading.Lock(), [0], [0]

    def count(change: int) -> None:
        with lock:
            under_way[0] += change
            most[0] = max(most[0], under_way[0])

    def claim_all() -> None:
        try:
            barrier.wait()
            while True:
                hand_out()
                found = claim(3)
                taken.extend(each.message_id for each in found)
                count(len(found))
                time.sleep(0.005)
                for each in found:
                    count(-1)
                    record(each, Outcome(204))
                if Delivery.objects.filter(state=State.DELIVERED).count() == 20:
                    return
                time.sleep(0 if found else 0.02)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim_all) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(taken) == len(set(taken)) == 20
    assert most[0] <= 4
    assert Message.objects.count() == 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_endpoints_are_deleted_and_disabled_while_deliveries_of_them_are_made(receiver, publish):
    made = [create_endpoint(url=receiver.url, topics=["order.paid"])[0] for _ in range(12)]
    stop, raised = threading.Event(), list[BaseException]()

    def run(act: Any) -> None:
        try:
            act()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    def make() -> None:
        while not stop.is_set():
            hand_out()

    def end() -> None:
        for place, each in enumerate(made):
            publish(number=place)
            if place % 2:
                delete_endpoint(each)
            else:
                change_endpoint(each, is_enabled=False)

    making = [threading.Thread(target=run, args=(make,)) for _ in range(3)]
    ending = threading.Thread(target=run, args=(end,))
    for each in (*making, ending):
        each.start()
    ending.join()
    stop.set()
    for each in making:
        each.join()
    assert raised == []
    assert Endpoint.objects.count() == 6
    assert not Delivery.objects.filter(state=State.PENDING).exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_sends_until_it_is_stopped(receiver: Receiver, endpoint, publish):
    from django_matt.contrib.webhooks.workers import work
    from tests.waiting import wait_until

    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        made = publish()
        wait_until(lambda: receiver.ids == [made])
    finally:
        stop.set()
        thread.join()
    assert Delivery.objects.get().state == "delivered"
