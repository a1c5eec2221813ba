"""``@consumer``: functions that are called with each event of a topic, and the registry of them."""

import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.events.models import Event
from django_matt.contrib.events.schemas import EventSchema
from django_matt.contrib.events.tenancies import CURRENT

__all__ = ["Consumer", "Context", "consumer", "consumers"]

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Context:
    """What a consumer may know about an event besides its data. ``id`` is the same at each attempt."""

    id: str
    topic: str
    position: int
    key: str
    tenant: str
    created: datetime
    attempt: int


@dataclass(frozen=True, slots=True)
class Consumer:
    """A function and how it is called."""

    name: str
    topics: Mapping[str, int]
    """The topics, each with the newest version of its events that the code can read."""
    handle: Callable[[Event, int], None]
    """Called with an event and the number of the attempt."""
    once: bool
    retries: int
    place: str = ""
    """The module and the name of the function."""
    first_wait: float = 1.0
    longest_wait: float = 3_600.0

    def wait(self, attempt: int) -> timedelta:
        """Return how long to wait after a failed attempt: twice as long each time, between half and all of it."""
        longest = min(self.first_wait * 2 ** min(attempt - 1, 40), self.longest_wait)
        return timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


consumers: dict[str, Consumer] = {}
"""The consumers of the project by name."""


def consumer(
    name: str, *schemas: type[EventSchema], once: bool = False, retries: int = 8
) -> Callable[[Handler], Handler]:
    """Register a function ``(event, context)``, sync or async, for each event of the schemas.

    ``name`` is stored, so do not change it when you rename the function. With ``once=True`` the function runs in a
    transaction together with the receipt: what it writes to that database is written exactly once. Without, it is called
    at least once; give ``context.id`` to other systems, so that they recognize a repetition. After ``retries`` repeated
    attempts the delivery is dead, and later events with its key go on.

    Raises ``ImproperlyConfigured`` for a name that is taken or too long, and for a schema without a topic.
    """
    topics = {schema.topic: schema.version for schema in schemas}
    if not topics or not all(topics):
        raise ImproperlyConfigured(f"The consumer {name!r} needs one or more schemas with a topic.")
    if not 0 < len(name) <= 100 or "," in name:
        raise ImproperlyConfigured(
            f"{name!r} cannot be the name of a consumer: use up to 100 characters without commas."
        )
    if retries < 0:
        raise ImproperlyConfigured(f"The consumer {name!r} has {retries} retries.")
    by_topic = {schema.topic: schema for schema in schemas}

    def register(function: Handler) -> Handler:
        place = f"{function.__module__}.{function.__qualname__}"
        other = consumers.get(name)
        if other is not None and other.place != place:
            raise ImproperlyConfigured(
                f"{place} and {other.place} are consumers with the same name {name!r}."
            )
        called: Callable[..., Any] = function
        if inspect.iscoroutinefunction(function):
            called = async_to_sync(function)

        def handle(event: Event, attempt: int) -> None:
            read = by_topic[event.topic].read(event.data, event.version)
            outside = CURRENT.set(event.tenant)
            try:
                called(read, context_of(event, attempt))
            finally:
                CURRENT.reset(outside)

        consumers[name] = Consumer(name, topics, handle, once, retries, place)
        return function

    return register


def context_of(event: Event, attempt: int) -> Context:
    """Return what is known about an event."""
    return Context(
        id=str(event.uuid),
        topic=event.topic,
        position=event.position or 0,
        key=event.key,
        tenant=event.tenant,
        created=event.created,
        attempt=attempt,
    )
