"""``manage.py matt_webhooks``, ``matt_prune``, the system checks, and the options."""

import json
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_matt.contrib.webhooks import checks
from django_matt.contrib.webhooks.models import (
    Delivery,
    Endpoint,
    Message,
    ReceivedWebhook,
    State,
)
from django_matt.contrib.webhooks.sealing import open_secret
from django_matt.contrib.webhooks.services import change_endpoint, rotate_secret
from django_matt.contrib.webhooks.signatures import decode_secret, is_signed
from tests.docs.test_reference import DESCRIBED, is_of_webhooks, read_docstring

pytestmark = pytest.mark.django_db


def matt_webhooks(*arguments: str) -> str:
    out = StringIO()
    call_command("matt_webhooks", *arguments, stdout=out)
    return out.getvalue()


def status() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(matt_webhooks("status", "--format", "json"))
    return found


def test_send_once_status_and_replay(receiver, endpoint, publish):
    assert matt_webhooks("send", "--once") == "0 attempts made.\n"
    receiver.status = 410
    publish()
    assert status()["behind"] == 1
    assert matt_webhooks("send", "--once") == "1 attempts made.\n"
    assert matt_webhooks("status") == (
        "At position 1 of the log, 0 behind. 0 due, 0 waiting for another attempt, 1 dead.\n"
        f"{endpoint.pk} {receiver.url}: disabled. It has answered 410 Gone.\n"
    )
    with pytest.raises(CommandError, match="Enable the endpoint first"):
        matt_webhooks("replay", str(endpoint.pk))
    change_endpoint(endpoint, is_enabled=True)
    assert matt_webhooks("replay", str(endpoint.pk)) == "1 deliveries are due.\n"
    assert status()["due"] == 1
    receiver.status = 200
    matt_webhooks("send", "--once")
    assert matt_webhooks("replay", str(endpoint.pk)) == "0 deliveries are due.\n"
    assert matt_webhooks("replay", str(endpoint.pk), "--from", "1") == "1 deliveries are due.\n"
    assert [len(receiver.got), status()["endpoints"]] == [2, []]


def test_a_test_event_is_sent_at_once(receiver, endpoint):
    told = matt_webhooks("test", str(endpoint.pk))
    assert told == "The endpoint has accepted it with the status 204.\n"
    assert json.loads(receiver.got[0].body)["type"] == "webhooks.test"
    receiver.status = 500
    with pytest.raises(CommandError, match="has the status 500"):
        matt_webhooks("test", str(endpoint.pk))
    found = Delivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(found) == ["delivered", "dead"]


@pytest.mark.parametrize("key", ["x", str(uuid.uuid4())])
@pytest.mark.parametrize("action", ["replay", "test"])
def test_an_unknown_endpoint_is_named(action: str, key: str):
    with pytest.raises(CommandError, match=f"There is no endpoint '{key}'"):
        matt_webhooks(action, key)


def test_secrets_survive_a_new_secret_key(receiver, endpoint, publish, send, settings):
    _, fresh = rotate_secret(endpoint, timedelta(hours=1))
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-0123456789-0123456789-0123456789-0"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert open_secret(Endpoint.objects.get().secret) == fresh
    assert matt_webhooks("reseal") == "The secrets of 1 endpoints are encrypted by SECRET_KEY.\n"
    settings.SECRET_KEY_FALLBACKS = []
    publish()
    send()
    (got,) = receiver.got
    for secret in (fresh, endpoint.plain):
        assert is_signed(
            [decode_secret(secret)],
            got.headers["webhook-signature"],
            got.headers["webhook-id"],
            int(got.headers["webhook-timestamp"]),
            got.body,
        )


def test_old_deliveries_and_ids_are_pruned(receiver, endpoint, publish, send):
    old, new = timezone.now() - timedelta(days=31), timezone.now() - timedelta(days=29)
    for _ in range(4):
        publish()
    send()
    _, dead, pending, recent = Delivery.objects.order_by("pk")
    Message.objects.update(created_at=old)
    Delivery.objects.update(changed_at=old)
    Delivery.objects.filter(pk=dead.pk).update(state=State.DEAD)
    Delivery.objects.filter(pk=pending.pk).update(state=State.PENDING)
    Delivery.objects.filter(pk=recent.pk).update(changed_at=new)
    ReceivedWebhook.objects.create(digest="old", received_at=old)
    ReceivedWebhook.objects.create(digest="new", received_at=new)
    call_command("matt_prune", "--dry-run", stdout=StringIO())
    assert Delivery.objects.count() == 4
    call_command("matt_prune", stdout=StringIO())
    assert set(Delivery.objects.values_list("pk", flat=True)) == {pending.pk, recent.pk}
    assert Message.objects.count() == 2
    assert ReceivedWebhook.objects.get().digest == "new"


@pytest.mark.parametrize(
    "options",
    [
        {"TOPICS": "order.paid"},
        {"TOPICS": [7]},
        {"PRIVATE_NETWORKS": ["10.0.0.1/8"]},
        {"PRIVATE_NETWORKS": "10.0.0.0/8"},
        {"TIMEOUT": 0},
        {"MAX_ENDPOINTS": True},
        {"RETENTION_DAYS": "30"},
        {"UNKNOWN": 1},
    ],
)
def test_a_wrong_option_is_reported_once(settings_module, options: Any):
    settings_module("MATT_WEBHOOKS", options)
    (found,) = checks.check_settings()
    assert found.id == "matt_webhooks.E001"
    assert checks.check_log() == checks.check_deployment() == []


def test_topics_without_a_log_are_reported(settings, monkeypatch):
    assert checks.check_log() == []
    found = [each for each in apps.get_app_configs() if each.label != "matt_events"]
    monkeypatch.setattr(apps, "get_app_configs", lambda: found)
    (error,) = checks.check_log()
    assert error.id == "matt_webhooks.E002"
    with pytest.raises(CommandError, match="need an event log"):
        matt_webhooks("send", "--once")
    settings.MATT_WEBHOOKS = {}
    assert checks.check_log() == []


def test_private_networks_are_reported_before_a_deployment(settings):
    (found,) = checks.check_deployment()
    assert found.id == "matt_webhooks.W001"
    settings.MATT_WEBHOOKS = {}
    assert checks.check_deployment() == []


def test_the_migration_has_all_of_the_models():
    call_command("makemigrations", "matt_webhooks", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.parametrize("name", [each for each in DESCRIBED if is_of_webhooks(each)])
def test_every_public_name_has_a_docstring(name: str):
    read_docstring(name)
