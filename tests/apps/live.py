"""Live lists: the rows of a route that have changed, as its own JSON, by server-sent events that can be resumed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any, NamedTuple

from django.apps import AppConfig
from django.db.models import Model
from django.db.models.signals import post_save
from django.http import HttpRequest

from django_matt import SSE, Event, MattAPI
from django_matt.errors.exceptions import NotFound
from django_matt.operations import BoundOperation


class Change(NamedTuple):
    number: int
    model: type[Model]
    pk: Any


CHANGES: deque[Change] = deque(maxlen=1_000)
NUMBERS = count(1)


def keep(sender: Any, instance: Model, **_: Any) -> None:
    CHANGES.append(Change(next(NUMBERS), sender, instance.pk))


class LiveConfig(AppConfig):
    name = "tests.apps.live"

    def ready(self) -> None:
        post_save.connect(keep, dispatch_uid="tests.apps.live")

    def extend(self, api: MattAPI) -> None:
        def find(name: str) -> BoundOperation:
            for operation in api.operations():
                # Permissions are not checked by render(), so only what is open to everybody can be watched.
                if operation.name == name and not operation.auth and operation.reads():
                    return operation
            raise NotFound(f"There is no open list {name!r}.")

        def changed(operation: BoundOperation, last: int) -> list[Change]:
            model = operation.reads()[0].models[0]
            return [each for each in CHANGES if each.number > last and each.model is model]

        def send(change: Change, body: bytes) -> Event[Any]:
            return Event(body, id=change.number, event="changed")

        @api.get("/changes/{name}", response=SSE[Any])
        def changes(request: HttpRequest, name: str) -> Iterator[Event[Any]]:
            """Send what has changed since ``Last-Event-ID``, and end: the browser comes again."""
            operation, last = find(name), int(request.headers.get("Last-Event-ID", 0))

            def events() -> Iterator[Event[Any]]:
                yield Event(retry=1_000)
                for each in changed(operation, last):
                    rows = each.model._default_manager.filter(pk=each.pk)
                    yield send(each, operation.render(rows, request).body)

            return events()

        @api.get("/live/{name}", response=SSE[Any])
        async def live(request: HttpRequest, name: str) -> AsyncIterator[Event[Any]]:
            """Send the same, and then each change, until the client leaves."""
            operation = find(name)
            last = int(request.headers.get("Last-Event-ID", 0))
            while True:
                yield Event(comment="here")
                for each in changed(operation, last):
                    rows = each.model._default_manager.filter(pk=each.pk)
                    yield send(each, (await operation.arender(rows, request)).body)
                    last = each.number
                await asyncio.sleep(0.05)
