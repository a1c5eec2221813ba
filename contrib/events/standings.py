"""How far the consumers are, for ``matt_events status``."""

from dataclasses import dataclass

from django.db.models import Count, Q

from django_matt.contrib.events.consumers import consumers
from django_matt.contrib.events.deliveries import readable
from django_matt.contrib.events.models import Delivery, Subscription
from django_matt.contrib.events.services import event_database, last_position

__all__ = ["Standing", "standings"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a consumer is."""

    consumer: str
    position: int
    behind: int
    """How many events of the log, of any topic, it has not looked at."""
    pending: int
    """Deliveries that are due, or being processed."""
    waiting: int
    """Those that have failed and wait for their next attempt."""
    dead: int
    newer: int
    """Pending deliveries of topics or versions that this code does not know, for a worker with newer code."""
    error: str
    """The type and the first line of the newest error."""


def standings() -> list[Standing]:
    """Return how far each consumer is, in the order of their names."""
    using, last = event_database(), last_position()
    rows = Delivery.objects.using(using).order_by().values("consumer")
    failed = ~Q(error="") & Q(dead=False, lease="")
    counts = {
        row["consumer"]: row
        for row in rows.annotate(
            given_up=Count("pk", filter=Q(dead=True)),
            waiting=Count("pk", filter=failed),
            stored=Count("pk"),
        )
    }
    none = {"given_up": 0, "waiting": 0, "stored": 0}
    found = []
    for each in Subscription.objects.using(using).order_by("consumer"):
        count = counts.get(each.consumer, none)
        error = (
            Delivery.objects.using(using)
            .filter(consumer=each.consumer)
            .exclude(error="")
            .order_by("-delayed_at")
            .values_list("error", flat=True)
            .first()
        )
        found.append(
            Standing(
                consumer=each.consumer,
                position=each.position,
                behind=last - each.position,
                pending=count["stored"] - count["given_up"] - count["waiting"],
                waiting=count["waiting"],
                dead=count["given_up"],
                newer=_count_newer(using, each.consumer),
                error=(error or "").partition("\n")[0],
            )
        )
    return found


def _count_newer(using: str, name: str) -> int:
    rows = Delivery.objects.using(using).filter(consumer=name, dead=False)
    return rows.exclude(readable(consumers[name])).count() if name in consumers else 0
