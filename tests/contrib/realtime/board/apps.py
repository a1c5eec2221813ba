"""An ``EventLog`` that stores events in a table, and gives positions to committed ones under a lock."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.apps import AppConfig
from django.db import connection, connections, transaction
from django.db.models import Max, Min, Model
from django.db.models.signals import post_delete, post_save

from django_matt.event_log import LoggedEvent

PAUSE = 0.01


class BoardConfig(AppConfig):
    name = "tests.contrib.realtime.board"
    label = "board"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .models import Logged, Order

        self.table = Logged.objects
        self.published: set[type[Model]] = set()
        self.publish_changes(Order)

    def publish(self, topic: str, data: Any, key: str = "", tenant: str = "") -> None:
        self.table.create(topic=topic, key=key, tenant=tenant, data=data)

    def first_position(self) -> int:
        found = self.table.aggregate(first=Min("position"))["first"]
        return self.last_position() + 1 if found is None else int(found)

    def last_position(self) -> int:
        return self.table.aggregate(last=Max("position"))["last"] or 0

    def read_events(
        self, after: int, *, topics: Sequence[str] = (), limit: int = 1000
    ) -> list[LoggedEvent]:
        rows = self.table.filter(position__gt=after).order_by("position")
        if topics:
            rows = rows.filter(topic__in=topics)
        return [
            LoggedEvent(
                position=row.position or 0,
                id=str(row.pk),
                topic=row.topic,
                key=row.key,
                tenant=row.tenant,
                data=row.data,
                version=1,
                created=row.created,
            )
            for row in rows[:limit]
        ]

    def give_positions(self) -> int:
        """Number what has been committed, one process at a time; return the last position."""
        waiting = self.table.filter(position=None)
        if waiting.exists():
            with transaction.atomic():
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_advisory_xact_lock(28)")
                last = self.last_position()
                for number, row in enumerate(waiting.order_by("pk"), last + 1):
                    self.table.filter(pk=row.pk).update(position=number)
        return self.last_position()

    async def positions(self) -> AsyncIterator[int]:
        loop, last = asyncio.get_running_loop(), -1
        thread = ThreadPoolExecutor(1)
        try:
            while True:
                found = await loop.run_in_executor(thread, self.give_positions)
                if found != last:
                    last = found
                    yield found
                await asyncio.sleep(PAUSE)
        finally:
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)

    def publish_changes(self, model: type[Model]) -> str:
        topic = f"{model._meta.label_lower}.changes"

        def saved(instance: Model, created: bool, **_: Any) -> None:
            self.publish(topic, {"verb": "created" if created else "changed"}, str(instance.pk))

        def deleted(instance: Model, **_: Any) -> None:
            self.publish(topic, {"verb": "deleted"}, str(instance.pk))

        connect = partial(post_save.connect, sender=model, weak=False, dispatch_uid=topic)
        connect(saved)
        post_delete.connect(deleted, sender=model, weak=False, dispatch_uid=topic)
        self.published.add(model)
        return topic

    def publishes_changes(self, model: type[Model]) -> bool:
        return model in self.published

    def knows_topic(self, topic: str) -> bool:
        return topic != "payed"


def log() -> BoardConfig:
    from django.apps import apps

    found = apps.get_app_config("board")
    assert isinstance(found, BoardConfig)
    return found
