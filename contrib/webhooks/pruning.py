"""Deletes what nothing needs any more."""

from datetime import timedelta

from django.db import router
from django.db.models import Exists, OuterRef
from django.utils import timezone

from django_matt.contrib.webhooks.deliveries import webhook_database
from django_matt.contrib.webhooks.models import Delivery, Message, ReceivedWebhook, State
from django_matt.contrib.webhooks.settings import get_settings

__all__ = ["prune"]


def prune(*, dry_run: bool = False) -> int:
    """Delete what was sent or given up, and the ids of received webhooks, after ``RETENTION_DAYS``; return how many."""
    using = webhook_database()
    before = timezone.now() - timedelta(days=get_settings().RETENTION_DAYS)
    ended = Delivery.objects.using(using).exclude(state=State.PENDING).filter(changed_at__lt=before)
    received = ReceivedWebhook.objects.using(router.db_for_write(ReceivedWebhook))
    received = received.filter(received_at__lt=before)
    if dry_run:
        return ended.count() + received.count()
    count = ended.delete()[0] + received.delete()[0]
    needed = Exists(Delivery.objects.filter(message=OuterRef("pk")))
    Message.objects.using(using).filter(~needed, created_at__lt=before).delete()
    return count
