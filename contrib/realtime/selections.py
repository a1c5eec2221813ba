"""Which events a stream has, by topics, keys and the tenant of the request; and what of their data."""

import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from pydantic import TypeAdapter, ValidationError

from django_matt.event_log import LoggedEvent, find_event_log
from django_matt.sign_in import current_tenant

__all__ = ["ItemWriter", "Topics", "report_unknown", "tenant_of", "topics_of"]

logger = logging.getLogger(__name__)


class Topics:
    """The events of some topics, with any key or with one of ``keys``: ``Topics("order.paid", keys=["order:7"])``.

    A stream has the events without a tenant, and those of the tenant of its request.
    """

    __slots__ = ("keys", "names", "tenant")

    def __init__(self, *names: str, keys: Iterable[str] | str | None = None) -> None:
        """Take the exact names of the topics, and the keys, or one key."""
        self.names = frozenset(names)
        keys = [keys] if isinstance(keys, str) else keys
        self.keys = None if keys is None else frozenset(map(str, keys))
        self.tenant = ""

    def has(self, event: LoggedEvent) -> bool:
        """Return whether a stream has an event."""
        return (
            event.topic in self.names
            and (not event.tenant or event.tenant == self.tenant)
            and (self.keys is None or event.key in self.keys)
        )


class ItemWriter:
    """Writes the data of events by the type that a route names as its ``item``: other fields are not sent."""

    def __init__(self, kind: Any, by_alias: bool) -> None:
        """Take the type."""
        self._adapter = TypeAdapter(kind)
        self._by_alias = by_alias

    def write(self, event: LoggedEvent) -> bytes | None:
        """Return the data as JSON; report data that does not fit the type, and return ``None``."""
        try:
            found = self._adapter.validate_python(event.data, by_alias=True, by_name=True)
        except ValidationError:
            logger.exception(
                "The event %s at %s does not fit item= of its stream, and was left out",
                event.topic,
                event.position,
            )
            return None
        return self._adapter.dump_json(found, by_alias=self._by_alias)


def topics_of(found: object) -> Topics:
    """Return what the function of a stream returned, as ``Topics``."""
    if isinstance(found, Topics):
        return found
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, list | tuple | set | frozenset) or not names:
        raise ImproperlyConfigured(
            f"A function with @subscribe must return the names of its topics, or Topics(…), and not {found!r}."
        )
    return Topics(*names)


@lru_cache(1_000)
def report_unknown(topic: str) -> None:
    """Log a topic that the log does not know, once."""
    log = find_event_log()
    if log is not None and not log.knows_topic(topic):
        logger.warning(
            "A stream has the topic %r, which no schema of this process has: is it misspelled?",
            topic,
        )


def tenant_of(request: HttpRequest) -> str:
    """Return the key of the tenant of a request, as events name it; empty if it has none."""
    tenant = current_tenant(request)
    return "" if tenant is None else str(tenant.pk)
