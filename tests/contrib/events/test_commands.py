"""``manage.py matt_events``, ``matt_prune``, and the system checks."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from django_matt.contrib.events import checks
from django_matt.contrib.events.consumers import consumer, consumers
from django_matt.contrib.events.models import Delivery, Event, Receipt
from django_matt.contrib.events.schemas import EventSchema
from django_matt.contrib.events.services import first_position, publish
from tests.docs.test_reference import DESCRIBED, is_of_events, read_docstring
from tests.e2e.servers import ROOT
from tests.waiting import wait_until

from .shop.consumers import Ordered
from .shop.models import Effect

pytestmark = pytest.mark.django_db(transaction=True)


def matt_events(*arguments: str) -> str:
    out = StringIO()
    call_command("matt_events", *arguments, stdout=out)
    return out.getvalue()


def test_a_module_named_consumers_is_imported():
    assert {"effects", "outside"} <= consumers.keys()


def test_work_status_and_replay():
    matt_events("work", "--drain")
    publish(Ordered(number=1), autocommit=True)
    assert matt_events("work", "--drain", "--consumers", "effects") == "1 deliveries processed.\n"
    assert matt_events("status") == (
        "The log has the positions 1 to 1.\n"
        "effects: at 1, 0 behind, 0 pending, 0 waiting for another attempt, 0 dead\n"
        "outside: at 0, 1 behind, 0 pending, 0 waiting for another attempt, 0 dead\n"
    )
    told = json.loads(matt_events("status", "--format", "json"))
    assert (told["first"], told["last"], len(told["consumers"])) == (1, 1, 2)
    assert "1 deliveries of effects are due" in matt_events(
        "replay", "--consumer", "effects", "--from", "1", "--again"
    )
    matt_events("work", "--drain", "--consumers", "effects")
    assert Effect.objects.count() == 2


def test_status_shows_errors_and_consumers_that_are_gone(registry):
    @consumer("broken", Ordered, retries=0)
    def handle(event: Ordered, context: Any) -> None:
        raise RuntimeError("no paper")

    matt_events("work", "--drain")
    publish(Ordered(number=1), autocommit=True)
    matt_events("work", "--drain")
    registry.clear()
    shown = matt_events("status")
    assert "broken (not in the code): at 1, 0 behind" in shown
    assert "1 dead\n  last error: RuntimeError: no paper\n" in shown


@pytest.mark.parametrize(
    "arguments",
    [("work", "--consumers", "none"), ("replay", "--consumer", "none", "--from", "1")],
)
def test_an_unknown_consumer_is_named_with_those_that_there_are(arguments: Any):
    with pytest.raises(
        CommandError, match=r"There is no consumer none\. The project has: effects, outside"
    ):
        matt_events(*arguments)


def test_a_project_without_consumers_is_told_where_they_belong(registry):
    with pytest.raises(CommandError, match="module named `consumers`"):
        matt_events("work")


def test_what_the_code_no_longer_has_is_forgotten(registry):
    class Priced(EventSchema, topic="shop.priced"):
        number: int

    def handle(event: Any, context: Any) -> None:
        raise RuntimeError

    consumer("both", Ordered, Priced)(handle)
    matt_events("work", "--drain")
    publish(Ordered(number=1), autocommit=True)
    publish(Priced(number=1), autocommit=True)
    matt_events("work", "--drain")
    consumer("both", Ordered)(handle)
    assert "1 for newer code" in matt_events("status")
    assert matt_events("forget", "--consumer", "both") == (
        "Removed topics of both that the code no longer has, with 1 deliveries.\n"
    )
    assert Delivery.objects.get().event.topic == "shop.ordered"
    registry.clear()
    assert matt_events("forget", "--consumer", "both") == "Removed both, with 1 deliveries.\n"
    assert "both" not in matt_events("status")
    with pytest.raises(CommandError, match="No consumer both"):
        matt_events("forget", "--consumer", "both")


def test_a_second_signal_ends_a_worker_at_once(tmp_path: Path):
    matt_events("work", "--drain")
    publish(Ordered(number=1), autocommit=True)
    file = tmp_path / "outside.txt"
    own = {
        "SHOP_DATABASE": str(connection.settings_dict["NAME"]),
        "SHOP_FILE": str(file),
        "SHOP_PAUSE": "3600",
    }
    command = [sys.executable, "-m", "django", "matt_events", "work", "--consumers", "outside"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **own}, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(file.exists)

        def is_ended() -> bool:
            process.send_signal(signal.SIGINT)
            return process.poll() is not None

        wait_until(is_ended, pause=0.3)
    finally:
        process.kill()
    assert process.wait() != 0


def prune(*arguments: str) -> None:
    call_command("matt_prune", *arguments, stdout=StringIO())


def test_old_events_are_deleted_once_all_consumers_have_them():
    matt_events("work", "--drain")
    for number in range(3):
        publish(Ordered(number=number), autocommit=True)
    Event.objects.update(created=timezone.now() - timedelta(days=31))
    publish(Ordered(number=3), autocommit=True)
    matt_events("work", "--drain", "--consumers", "effects")
    prune()
    assert Event.objects.count() == 4
    matt_events("work", "--drain")
    prune("--dry-run")
    assert Event.objects.count() == 4
    prune()
    assert (Event.objects.count(), Receipt.objects.count(), Delivery.objects.count()) == (1, 1, 0)
    assert first_position() == 4


@pytest.mark.parametrize("options", [{"LEASE": 0}, {"RETENTION_DAYS": True}, {"LEASE": "60"}])
def test_a_wrong_option_is_reported(settings, options: Any):
    settings.MATT_EVENTS = options
    (found,) = checks.check_settings()
    assert found.id == "matt_events.E001"


def test_another_database_is_reported(monkeypatch: pytest.MonkeyPatch):
    assert checks.check_database() == []
    monkeypatch.setattr(connection, "vendor", "mysql")
    (found,) = checks.check_database()
    assert found.id == "matt_events.E002"


def test_a_new_version_without_an_upgrade_is_reported(registry):
    class Priced(EventSchema, topic="shop.priced", version=2):
        cents: int

    (found,) = checks.check_versions()
    assert (found.id, found.obj) == ("matt_events.W001", Priced)

    class Ready(EventSchema, topic="shop.ready", version=2):
        @classmethod
        def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
            return data

    assert len(checks.check_versions()) == 1


def test_the_migration_has_all_of_the_models():
    call_command("makemigrations", "matt_events", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.parametrize("name", [each for each in DESCRIBED if is_of_events(each)])
def test_every_public_name_has_a_docstring(name: str):
    read_docstring(name)
