"""The tables: the log of events, who has read it how far, and what is yet to be delivered."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.db import models

__all__ = [
    "NOW",
    "Delivery",
    "Event",
    "Log",
    "Receipt",
    "Subscription",
]

NOW = datetime(1970, 1, 1, tzinfo=UTC)
"""When a delivery is due that waits for nothing. It does not depend on a clock."""


class Event(models.Model):
    """One event. It is in the log once it has a position, which it gets after the commit."""

    uuid: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        default=uuid.uuid4, editable=False
    )
    position: "models.BigIntegerField[int | None, int | None]" = models.BigIntegerField(
        null=True, unique=True
    )
    topic: "models.CharField[str, str]" = models.CharField(max_length=200)
    key: "models.CharField[str, str]" = models.CharField(max_length=200, blank=True)
    tenant: "models.CharField[str, str]" = models.CharField(max_length=100, blank=True)
    version: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField(default=1)
    data: "models.JSONField[Any, Any]" = models.JSONField()
    created: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()

    class Meta:
        """The relay looks for events without a position, ``matt_prune`` for old ones."""

        indexes = [
            models.Index(
                fields=["id"], name="matt_events_no_position", condition=models.Q(position=None)
            ),
            models.Index(fields=["created"], name="matt_events_created"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} at {self.position or 'no position yet'}"


class Log(models.Model):
    """The last position that was given: one row, whose lock serializes the relays on SQLite."""

    last: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"up to {self.last}"


class Subscription(models.Model):
    """Up to which position a consumer has its deliveries, and of which topics.

    The topics are stored, as workers with older and newer code, which know fewer and more, may run at the same time.
    """

    consumer: "models.CharField[str, str]" = models.CharField(max_length=200, primary_key=True)
    position: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0)
    topics: "models.JSONField[list[str], list[str]]" = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.consumer} up to {self.position}"


class Delivery(models.Model):
    """An event that a consumer has not processed yet. A delivery that succeeds is deleted.

    The unique constraint begins with the event, so it is the index of the foreign key as well.
    """

    consumer: "models.CharField[str, str]" = models.CharField(max_length=200)
    event: "models.ForeignKey[Event, Event]" = models.ForeignKey(
        Event, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    event_id: int
    position: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    key: "models.CharField[str, str]" = models.CharField(max_length=200, blank=True)
    attempts: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField(default=0)
    due_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(default=NOW)
    """When it may be tried, again. A worker that has taken it moves it, so that it comes back if the worker dies."""
    delayed_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(default=NOW)
    """When ``due_at`` was set: a time that has yet to come says that the clock was set back."""
    lease: "models.CharField[str, str]" = models.CharField(max_length=32, blank=True)
    """Which worker has taken it."""
    dead: "models.BooleanField[bool, bool]" = models.BooleanField(default=False)
    error: "models.TextField[str, str]" = models.TextField(blank=True)

    class Meta:
        """One delivery of an event for each consumer, found by when it is due, and by the order of its key."""

        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "consumer"], name="matt_events_delivered_once")
        ]
        indexes = [
            models.Index(
                fields=["consumer", "due_at", "position"],
                name="matt_events_due",
                condition=models.Q(dead=False),
            ),
            models.Index(
                fields=["consumer", "key", "position"],
                name="matt_events_by_key",
                condition=models.Q(dead=False) & ~models.Q(key=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.position}"


class Receipt(models.Model):
    """A consumer with ``once=True`` has processed an event: committed with what it wrote."""

    consumer: "models.CharField[str, str]" = models.CharField(max_length=200)
    event: "models.ForeignKey[Event, Event]" = models.ForeignKey(
        Event, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    event_id: int

    class Meta:
        """Once, whatever happens."""

        constraints = [
            models.UniqueConstraint(fields=["event", "consumer"], name="matt_events_received_once")
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.event_id}"
