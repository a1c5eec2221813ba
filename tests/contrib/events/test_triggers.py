"""``MATT_EVENTS["TRIGGERS"]``: the changes of a model are events, whoever writes them."""

import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from django_matt.contrib.events.models import Event
from django_matt.contrib.events.services import give_positions, read_events
from django_matt.contrib.events.triggers import _fault_of, missing_triggers, write_triggers
from django_matt.event_log import find_event_log

from .shop.models import Tag, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_events() -> None:
    """On SQLite, Django empties the tables after a test by deletions, which are events."""
    Event.objects.all().delete()


def verbs() -> list[tuple[str, str]]:
    rows = Event.objects.filter(topic="shop.ticket").order_by("id")
    found = [(each.key, each.data["verb"]) for each in rows]
    rows.delete()
    return found


def raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_every_way_to_write_is_an_event():
    log = find_event_log()
    assert log is not None
    assert log.publish_changes(Ticket) == "shop.ticket"  # no signals beside the triggers
    ticket = Ticket.objects.create(seat="1")
    key = str(ticket.pk)
    assert uuid.UUID(key).version == 4
    assert verbs() == [(key, "created")]
    ticket.seat = "2"
    ticket.save()
    Ticket.objects.update(seat="3")
    raw("UPDATE shop_ticket SET seat = '4'")
    Ticket.objects.bulk_update([ticket], ["seat"])
    assert verbs() == [(key, "changed")] * 4
    others = Ticket.objects.bulk_create(Ticket(seat=str(n)) for n in range(3))
    assert sorted(verbs()) == sorted((str(each.pk), "created") for each in others)
    raw(f"DELETE FROM shop_ticket WHERE seat = '{others[0].seat}'")
    assert verbs() == [(str(others[0].pk), "deleted")]
    Ticket.objects.all().delete()
    assert {verb for _, verb in verbs()} == {"deleted"}


def test_relations_count_from_both_sides():
    ticket = Ticket.objects.create(seat="1")
    tag = Tag.objects.create(name="red")
    verbs()
    ticket.tags.add(tag)
    assert verbs() == [(str(ticket.pk), "changed")]
    tag.ticket_set.clear()
    assert verbs() == [(str(ticket.pk), "changed")]
    raw(
        "INSERT INTO shop_ticket_tags (ticket_id, tag_id) SELECT number, id FROM shop_ticket, shop_tag"
    )
    assert verbs() == [(str(ticket.pk), "changed")]


def test_a_write_that_is_rolled_back_or_changes_no_row_is_no_event():
    with transaction.atomic():
        Ticket.objects.create(seat="1")
        transaction.set_rollback(True)
    Ticket.objects.filter(seat="2").update(seat="3")
    assert verbs() == []


def test_these_events_are_in_the_log_as_all_others():
    ticket = Ticket.objects.create(seat="1")
    assert give_positions() == 1
    (event,) = read_events(0, topics=["shop.ticket"])
    assert event.key == str(ticket.pk)
    assert uuid.UUID(event.id)
    assert event.data == {"verb": "created"}
    assert event.created.tzinfo is not None
    log = find_event_log()
    assert log is not None
    assert log.publishes_changes(Ticket)
    assert log.knows_topic("shop.ticket")


def test_migrate_writes_what_is_missing_and_drops_what_is_not_wanted(settings: Any):
    def warnings() -> list[str]:
        found = run_checks(tags=["database"], databases=["default"])
        return [each.id or "" for each in found if (each.id or "").startswith("matt_events")]

    assert warnings() == []
    settings.MATT_EVENTS = {"TRIGGERS": []}
    write_triggers("default")
    Ticket.objects.create(seat="1")
    assert verbs() == []
    settings.MATT_EVENTS = {"TRIGGERS": ["shop.Ticket"]}
    assert missing_triggers() == ["shop_ticket", "shop_ticket_tags"]
    assert warnings() == ["matt_events.W002"] * 2
    call_command("migrate", stdout=StringIO(), verbosity=0)
    assert warnings() == []
    Ticket.objects.create(seat="2")
    assert [verb for _, verb in verbs()] == ["created"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("shop.Order", "must be a list"),
        (["shop.Nothing"], "no such model"),
        (["nothing"], "no such model"),
        (["shop.Gift"], "tables of several models"),
        (["project.Pass"], "primary key is not a number"),
    ],
)
def test_a_model_that_cannot_have_triggers_is_reported(settings: Any, value: Any, says: str):
    settings.MATT_EVENTS = {"TRIGGERS": value}
    errors = [each for each in run_checks(tags=["matt"]) if each.id == "matt_events.E001"]
    assert len(errors) == 1
    assert says in errors[0].msg
    if isinstance(value, list):
        with pytest.raises(ImproperlyConfigured, match=says):
            missing_triggers()


def test_a_model_is_written_while_there_is_no_table_of_events():
    """``migrate matt_events zero``, or ``migrate shop`` before the first migration of this app."""
    table = Event._meta.db_table
    raw(f"ALTER TABLE {table} RENAME TO set_aside")
    try:
        write_triggers("default")
        Ticket.objects.create(seat="1")
    finally:
        raw(f"ALTER TABLE set_aside RENAME TO {table}")
        write_triggers("default")
    assert verbs() == []
    Ticket.objects.create(seat="2")
    assert [verb for _, verb in verbs()] == ["created"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no search path")
def test_a_writer_with_another_search_path_publishes_as_well():
    with transaction.atomic():
        raw("SET LOCAL search_path TO pg_temp")
        raw(f"INSERT INTO public.shop_ticket (number, seat) VALUES ('{uuid.uuid4()}', '1')")
    assert [verb for _, verb in verbs()] == ["created"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite needs a length")
def test_a_text_key_without_a_limit_cannot_have_triggers():
    """An event's key has 200 characters: a longer one would make the write itself fail."""
    with isolate_apps("tests.contrib.events.shop"):

        class Page(models.Model):
            path = models.CharField(primary_key=True)

            class Meta:
                app_label = "shop"

    assert "at most 200" in _fault_of(Page)
