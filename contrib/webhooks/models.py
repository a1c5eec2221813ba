"""The tables: where webhooks go, what is sent and what became of it, and what was received."""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

__all__ = [
    "LONG_AGO",
    "Delivery",
    "Endpoint",
    "Message",
    "ReadPosition",
    "ReceivedWebhook",
    "State",
]

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When an endpoint that waits for nothing was paused until."""


class Endpoint(models.Model):
    """A URL of somebody else that events are sent to. Create it by ``services.create_endpoint``, which makes its secret."""

    id: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False
    )
    url: "models.CharField[str, str]" = models.CharField(max_length=1_000)
    topics: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    tenant: "models.CharField[str, str]" = models.CharField(
        max_length=100, blank=True, db_index=True
    )
    """It gets the events of this tenant, and no others. Empty: the events without one."""
    secret: "models.TextField[str, str]" = models.TextField(editable=False)
    """Encrypted, as the one before it."""
    old_secret: "models.TextField[str, str]" = models.TextField(blank=True, editable=False)
    old_secret_until: "models.DateTimeField[datetime | None, datetime | None]" = (
        models.DateTimeField(null=True, editable=False)
    )
    since: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0, editable=False)
    """It gets the events after this position of the log."""
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )
    disabled_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, blank=True
    )
    disabled_reason: "models.CharField[str, str]" = models.CharField(max_length=200, blank=True)
    failing_since: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, editable=False
    )
    """When it failed first since its last success. Meanwhile it gets one request at a time."""
    paused_until: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=LONG_AGO, editable=False
    )

    if TYPE_CHECKING:
        objects: ClassVar[models.Manager[Self]]

    def __str__(self) -> str:
        return f"{self.id}"


class Message(models.Model):
    """What is sent of one event: the same bytes at each attempt, to each endpoint."""

    id: "models.CharField[str, str]" = models.CharField(primary_key=True, max_length=200)
    """The ``webhook-id``: that of the event."""
    position: "models.BigIntegerField[int | None, int | None]" = models.BigIntegerField(null=True)
    """Of the event in the log; null for a test."""
    topic: "models.CharField[str, str]" = models.CharField(max_length=200)
    body: "models.TextField[str, str]" = models.TextField()
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, db_index=True
    )

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class State(models.TextChoices):
    """What has become of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Delivery(models.Model):
    """A message for an endpoint."""

    endpoint: "models.ForeignKey[Endpoint, Endpoint]" = models.ForeignKey(
        Endpoint, models.CASCADE, related_name="+", db_index=False
    )
    message: "models.ForeignKey[Message, Message]" = models.ForeignKey(
        Message, models.CASCADE, related_name="+"
    )
    state: "models.CharField[str, str]" = models.CharField(
        max_length=10, choices=State, default=State.PENDING
    )
    attempts: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField(default=0)
    due_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    """When it may be tried, again. A worker that has taken it moves it, so that it comes back if the worker dies."""
    changed_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    """When this row was last changed. A time that has yet to come shows that the clock was set back."""
    lease: "models.CharField[str, str]" = models.CharField(max_length=32, blank=True)
    """Which worker is sending it."""
    status: "models.PositiveIntegerField[int | None, int | None]" = models.PositiveIntegerField(
        null=True
    )
    """The status of the last response, if there was one."""
    reason: "models.CharField[str, str]" = models.CharField(max_length=200, blank=True)
    """Why the last attempt failed."""

    if TYPE_CHECKING:
        endpoint_id: uuid.UUID
        message_id: str
        objects: ClassVar[models.Manager[Self]]

    class Meta:
        """One delivery of a message to an endpoint, found by when it is due."""

        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message"], name="matt_webhooks_once")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at", "id"],
                name="matt_webhooks_due",
                condition=Q(state=State.PENDING),
            ),
            models.Index(
                fields=["endpoint"],
                name="matt_webhooks_in_flight",
                condition=~Q(lease=""),
            ),
            models.Index(fields=["endpoint", "-id"], name="matt_webhooks_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.state}"


class ReadPosition(models.Model):
    """Up to which position of the log there are deliveries: one row, whose lock serializes those who make them."""

    position: "models.BigIntegerField[int, int]" = models.BigIntegerField()

    def __str__(self) -> str:
        return f"up to {self.position}"


class ReceivedWebhook(models.Model):
    """A webhook that a route with ``@webhook`` has processed: committed with what the route wrote."""

    digest: "models.CharField[str, str]" = models.CharField(max_length=64, primary_key=True)
    """A hash of the path and the ``webhook-id``."""
    received_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest[:12]
