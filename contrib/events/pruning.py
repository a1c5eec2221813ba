"""Deletes what nothing needs any more."""

from datetime import timedelta

from django.utils import timezone

from django_matt.contrib.events.models import Delivery, Event, Receipt
from django_matt.contrib.events.services import event_database
from django_matt.contrib.events.settings import get_settings
from django_matt.contrib.events.subscriptions import undelivered_from

__all__ = ["prune"]

_AT_ONCE = 5_000


def prune(*, dry_run: bool = False) -> int:
    """Delete old events that no consumer waits for; return how many."""
    using = event_database()
    before = timezone.now() - timedelta(days=get_settings().RETENTION_DAYS)
    events = Event.objects.using(using).filter(position__lt=undelivered_from(), created__lt=before)
    if dry_run:
        return events.count()
    count = 0
    while True:
        ids = list(events.order_by("position").values_list("pk", flat=True)[:_AT_ONCE])
        # In this order, and not by cascade: nothing but the ids is loaded.
        for model in (Receipt, Delivery):
            model.objects.using(using).filter(event__in=ids).delete()
        Event.objects.using(using).filter(pk__in=ids).delete()
        count += len(ids)
        if len(ids) < _AT_ONCE:
            return count
