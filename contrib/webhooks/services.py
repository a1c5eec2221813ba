"""What happens to endpoints, without HTTP: they are created, changed, rotated, tested and replayed."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from django_matt.contrib.webhooks.addresses import check_url
from django_matt.contrib.webhooks.deliveries import (
    AT_ONCE,
    database_time,
    disable,
    find_log,
    lease_time,
    lock_position,
    lock_writes,
    make_deliveries,
    make_message,
    webhook_database,
)
from django_matt.contrib.webhooks.models import (
    LONG_AGO,
    Delivery,
    Endpoint,
    Message,
    ReadPosition,
    State,
)
from django_matt.contrib.webhooks.schemas import check_topics
from django_matt.contrib.webhooks.sealing import open_secret, reseal, seal
from django_matt.contrib.webhooks.settings import get_settings
from django_matt.contrib.webhooks.signatures import make_secret
from django_matt.errors.exceptions import Conflict
from django_matt.event_log import LoggedEvent

__all__ = [
    "change_endpoint",
    "create_endpoint",
    "current_secrets",
    "delete_endpoint",
    "queue_test",
    "replay",
    "reseal_all",
    "rotate_secret",
    "standing",
    "start_test",
]

TEST_TOPIC = "webhooks.test"
"""The type of test events."""


def create_endpoint(*, url: str, topics: Iterable[str], tenant: str = "") -> tuple[Endpoint, str]:
    """Create an endpoint, and return it with its secret, which is not shown again. It gets the events that follow.

    Raises ``ValueError`` for a URL or topic that is not allowed, and ``Conflict`` if the tenant has ``MAX_ENDPOINTS``.
    """
    using, secret, most = webhook_database(), make_secret(), get_settings().MAX_ENDPOINTS
    made = Endpoint(
        url=check_url(url), topics=check_topics(topics), tenant=tenant, secret=seal(secret)
    )
    with transaction.atomic(using=using):
        lock_writes(using)
        # Of parallel requests, each counts the endpoints of the one before.
        lock_position(using)
        if Endpoint.objects.using(using).filter(tenant=tenant).count() >= most:
            raise Conflict(
                f"There are already {most} endpoints; delete one of them first.",
                code="too_many_endpoints",
            )
        made.since = find_log().last_position()
        made.save(using=using, force_insert=True)
    return made, secret


def change_endpoint(
    endpoint: Endpoint,
    *,
    url: str | None = None,
    topics: Iterable[str] | None = None,
    is_enabled: bool | None = None,
) -> Endpoint:
    """Change what is given, and return the endpoint. One that is enabled again gets the events that follow."""
    using = webhook_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        found = Endpoint.objects.using(using).select_for_update().get(pk=endpoint.pk)
        if url is not None and url != found.url:
            found.url = check_url(url)
            found.failing_since, found.paused_until = None, LONG_AGO
        if topics is not None:
            found.topics = check_topics(topics)
        if is_enabled is True and found.disabled_at is not None:
            found.disabled_at, found.disabled_reason = None, ""
            found.failing_since, found.paused_until = None, LONG_AGO
            found.since = find_log().last_position()
        found.save(using=using)
        if is_enabled is False:
            disable(using, found, "It was disabled by its owner.", database_time(using))
    return found


def delete_endpoint(endpoint: Endpoint) -> None:
    """Delete an endpoint with its deliveries."""
    using = webhook_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        # First, so that no delivery is made while those that there are are deleted.
        found = Endpoint.objects.using(using).select_for_update().filter(pk=endpoint.pk).first()
        if found is not None:
            found.delete()


def rotate_secret(endpoint: Endpoint, overlap: timedelta) -> tuple[Endpoint, str]:
    """Give an endpoint a new secret, and return both. Until the overlap ends, webhooks are signed with the old one too.

    Raises ``Conflict`` if a former overlap has not ended: one of three secrets would stop working. Without an overlap, the new
    secret is the only one at once.
    """
    using, secret, now = webhook_database(), make_secret(), timezone.now()
    with transaction.atomic(using=using):
        lock_writes(using)
        found = Endpoint.objects.using(using).select_for_update().get(pk=endpoint.pk)
        if overlap and found.old_secret_until is not None and found.old_secret_until > now:
            raise Conflict(
                "The secret was rotated already, and the old one is still used. Wait, or rotate without an overlap.",
                code="rotating_already",
            )
        found.old_secret = found.secret if overlap else ""
        found.old_secret_until = now + overlap if overlap else None
        found.secret = seal(secret)
        found.save(using=using, update_fields=["secret", "old_secret", "old_secret_until"])
    return found, secret


def current_secrets(endpoint: Endpoint, now: datetime) -> list[str]:
    """Return the secrets that sign, the newest first; raise ``InvalidToken`` if no key of the settings decrypts them."""
    sealed = [endpoint.secret]
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > now:
        sealed.append(endpoint.old_secret)
    return [open_secret(each) for each in sealed]


def reseal_all() -> int:
    """Encrypt all secrets by ``SECRET_KEY``, so that ``SECRET_KEY_FALLBACKS`` may be emptied; return how many endpoints."""
    rows = Endpoint.objects.using(webhook_database())
    count = 0
    for endpoint in rows.iterator():
        fresh = {"secret": reseal(endpoint.secret)}
        if endpoint.old_secret:
            fresh["old_secret"] = reseal(endpoint.old_secret)
        same = rows.filter(pk=endpoint.pk, secret=endpoint.secret, old_secret=endpoint.old_secret)
        count += same.update(**fresh)
    return count


def queue_test(endpoint: Endpoint) -> Delivery:
    """Store a test event for an endpoint, which is tried once; raise ``Conflict`` if it is disabled, or one is waiting."""
    using = webhook_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        found = Endpoint.objects.using(using).select_for_update().get(pk=endpoint.pk)
        if found.disabled_at is not None:
            raise Conflict("The endpoint is disabled.", code="endpoint_disabled")
        waiting = Delivery.objects.using(using).filter(endpoint=found, state=State.PENDING)
        if waiting.filter(message__position=None).exists():
            raise Conflict("A test event is waiting to be sent.", code="test_waiting")
        now = database_time(using)
        return Delivery.objects.using(using).create(
            endpoint=found, message=_store_test(using), due_at=now, changed_at=now
        )


def start_test(endpoint: Endpoint) -> Delivery:
    """Store a test event for an endpoint that the caller is going to send at once."""
    using = webhook_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        now = database_time(using)
        return Delivery.objects.using(using).create(
            endpoint=endpoint,
            message=_store_test(using),
            attempts=1,
            due_at=now + lease_time(),
            changed_at=now,
            lease=uuid.uuid4().hex,
        )


def _store_test(using: str) -> Message:
    event = LoggedEvent(
        position=0,
        id=str(uuid.uuid4()),
        topic=TEST_TOPIC,
        key="",
        tenant="",
        data={},
        version=1,
        created=timezone.now(),
    )
    message = make_message(event)
    message.save(using=using, force_insert=True)
    return message


def replay(endpoint: Endpoint, position: int | None = None) -> int:
    """Send again what is dead, or all events from a position of the log on; return how many deliveries are due.

    Raises ``Conflict`` if the endpoint is disabled.
    """
    log, using = find_log(), webhook_database()
    with transaction.atomic(using=using):
        lock_writes(using)
        # What the log has after it is still to be handed out.
        read = lock_position(using)
        until = 0 if read is None else read.position
        found = Endpoint.objects.using(using).select_for_update().get(pk=endpoint.pk)
        if found.disabled_at is not None:
            raise Conflict("Enable the endpoint first.", code="endpoint_disabled")
        rows = Delivery.objects.using(using).filter(endpoint=found).exclude(message__position=None)
        if position is None:
            rows = rows.filter(state=State.DEAD)
        else:
            rows = rows.exclude(state=State.PENDING).filter(message__position__gte=position)
            after = position - 1
            while found.topics:
                events = log.read_events(after, topics=found.topics, limit=AT_ONCE)
                make_deliveries(using, [e for e in events if e.position <= until], only=found)
                if len(events) < AT_ONCE or events[-1].position >= until:
                    break
                after = events[-1].position
        now = database_time(using)
        rows.update(state=State.PENDING, attempts=0, due_at=now, changed_at=now, reason="")
        pending = Delivery.objects.using(using).filter(endpoint=found, state=State.PENDING)
        return pending.filter(due_at__lte=now).count()


def standing() -> dict[str, Any]:
    """Return how far the sending is, and which endpoints fail or are disabled, as JSON can express it."""
    using, last = webhook_database(), find_log().last_position()
    read = ReadPosition.objects.using(using).values_list("position", flat=True).first()
    rows = Delivery.objects.using(using)
    pending, now = rows.filter(state=State.PENDING), database_time(using)
    unhealthy = Endpoint.objects.using(using).exclude(disabled_at=None, failing_since=None)
    return {
        "position": last if read is None else read,
        "behind": 0 if read is None else max(last - read, 0),
        "due": pending.filter(due_at__lte=now).count(),
        "waiting": pending.filter(due_at__gt=now).count(),
        "dead": rows.filter(state=State.DEAD).count(),
        "endpoints": [
            {
                "id": str(each.pk),
                "url": each.url,
                "state": f"disabled. {each.disabled_reason}"
                if each.disabled_at
                else f"failing since {each.failing_since}",
            }
            for each in unhealthy.order_by("created_at")
        ],
    }
