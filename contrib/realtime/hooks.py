"""The hooks that turn the answers of routes into streams: of topics, and of generators."""

from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.realtime.decorators import Subscription
from django_matt.contrib.realtime.frames import last_event_id
from django_matt.contrib.realtime.hubs import current_hub
from django_matt.contrib.realtime.permissions import require, require_async
from django_matt.contrib.realtime.replays import verdict_of
from django_matt.contrib.realtime.responses import EventFrames, respond
from django_matt.contrib.realtime.selections import (
    ItemWriter,
    Topics,
    report_unknown,
    tenant_of,
    topics_of,
)
from django_matt.decorators import get_metadata
from django_matt.event_formats import find_event_format
from django_matt.event_log import find_event_log
from django_matt.hooks import Call, OperationHook
from django_matt.operations import find_operation

__all__ = ["SubscriptionHook"]


class SubscriptionHook(OperationHook):
    """Answers the routes of ``@subscribe``."""

    order = 500  # after whatever refuses a request

    _subscription: Subscription
    _item: ItemWriter | None = None

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route of ``@subscribe``; raise ``ImproperlyConfigured`` without an event log."""
        found = get_metadata("subscription", operation.view_func)
        if found is None:
            return None
        if find_event_log() is None:
            raise ImproperlyConfigured(
                f"@subscribe of {operation.view_func.__name__} needs an event log: add "
                '"django_matt.contrib.events" to INSTALLED_APPS.'
            )
        hook = cls()
        hook._subscription = found
        if found.item is not Any:
            hook._item = ItemWriter(found.item, bool(operation.by_alias))
        return hook

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Begin a stream, or say that it may go on."""
        require(self._subscription.allow, call.request)
        topics = topics_of(call.operation.view_func(call.request, **call.values))
        return self._answer(call, topics)

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do the same on an async route."""
        await require_async(self._subscription.allow, call.request)
        topics = topics_of(await call.operation.view_func(call.request, **call.values))
        # In a thread: the tenant and the user may have to be looked up.
        return await sync_to_async(self._answer)(call, topics)

    def _answer(self, call: Call, topics: Topics) -> HttpResponseBase:
        request = call.request
        topics.tenant = tenant_of(request)
        for name in topics.names:
            report_unknown(name)
        verdict = verdict_of(request)
        if verdict is not None:
            verdict.found["topics"] = topics
            return HttpResponse()
        hub, after = current_hub(request, reads_log=True), last_event_id(request)
        frames = EventFrames(hub, request, topics, after, hub.position)
        frames.item = self._item
        frames.event_format = find_event_format(call.formats, request)
        if frames.event_format is not None:
            stream = find_operation(call.api, call.operation).stream
            frames.kind = None if stream is None else stream.item
        return respond(frames)
