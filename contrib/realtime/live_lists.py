"""Live lists: the list of a route as it answers a GET, and then each row that has changed, as the same route writes it."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any, cast, get_args

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import NotSupportedError
from django.db.models import Manager, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.realtime.frames import frame, text_frame
from django_matt.contrib.realtime.hubs import Hub, current_hub
from django_matt.contrib.realtime.replays import Verdict, verdict_of
from django_matt.contrib.realtime.responses import Frames, StreamResponse, respond
from django_matt.contrib.realtime.selections import Topics, tenant_of
from django_matt.contrib.realtime.settings import get_settings
from django_matt.decorators import get_metadata
from django_matt.event_formats import RendersEvents, StreamedEvent, find_event_format
from django_matt.hooks import Call, OperationHook
from django_matt.operations import BoundOperation, find_operation
from django_matt.settings import get_settings as get_core_settings

__all__ = ["LiveFrames", "LiveHook"]


class LiveFrames(Frames):
    """The events ``list``, ``upsert`` and ``remove`` of one list."""

    def __init__(
        self,
        hub: Hub,
        request: HttpRequest,
        topics: Topics,
        position: int,
        *,
        operation: BoundOperation,
        read: "Reading",
        snapshot: bytes,
        event_format: RendersEvents | None = None,
    ) -> None:
        """Take what the view returned, and the response to it.

        With ``event_format``, events are written by that, and the list is read when the stream begins.
        """
        super().__init__(hub, request, topics, None, position)
        self._operation = operation
        self._read = read
        self._snapshot = snapshot
        self._format = event_format
        self._needs_list = event_format is not None
        self._shown: str | None = None

    def open(self) -> None:
        """Send the list."""
        if self._format is None:
            self._ready.append(frame(self._snapshot, id=self.position, event="list"))
            self._snapshot = b""

    def reset(self) -> None:
        """Send the whole list again, as changes are missing."""
        self._needs_list = True

    def accept(self, verdict: Verdict) -> None:
        """Use the queryset of now: its filters may depend on the user and the time. Other ones begin a new list."""
        before, self._read = self._read, verdict.found["read"]
        self._read.keys = before.keys
        self.selection.tenant = self._read.tenant
        self._needs_list |= before.filters != self._read.filters

    async def collect(self) -> None:
        """Send the rows that have changed, each of them once."""
        if self._needs_list:
            self._needs_list = False
            self.position = self._marked = self.hub.position
            await self._send_list()
            return
        found = await self.gather()
        if found:
            await asyncio.sleep(get_settings().MERGE)
            found += await self.gather()
        if self._needs_list:
            await self.collect()
            return
        if not found:
            return
        if self._format is not None and not self._format.renders_event("upsert"):
            await self._send_list()
            return
        keys = dict.fromkeys(entry.event.key for entry in found)
        changes = await self.hub.views.run(self._find_changes, keys)
        self._marked = self.position
        for number, (event, data) in enumerate(changes, 1):
            place = self.position if number == len(changes) else None
            self._ready.append(await self._write(event, data, place))

    async def _send_list(self) -> None:
        """Send the whole list, in another format than JSON only if it does not look as it did."""
        rows = await self.hub.views.run(self._render_list)
        if self._format is None:
            self._ready.append(frame(rows, id=self.position, event="list"))
            return
        event = StreamedEvent(name="list", data=json.loads(rows), kind=self._kind)
        text = await self.hub.views.run(self._format.render_event, event, self.request)
        if text != self._shown:
            self._shown, self._marked = text, self.position
            self._ready.append(text_frame(text, id=self.position))

    async def _write(self, name: str, data: dict[str, Any], place: int | None) -> bytes:
        if self._format is None:
            return frame(data, id=place, event=name)
        item = get_args(self._kind)[:1]
        event = StreamedEvent(
            name=name, data=data.get("item"), kind=item[0] if item else None, key=data["key"]
        )
        text = await self.hub.views.run(self._format.render_event, event, self.request)
        return text_frame(text, id=place)

    @property
    def _kind(self) -> Any:
        return self._operation.response_schemas.get(200)

    def _render_list(self) -> bytes:
        with self._entered():
            rows = self._read.rows()
        return self._render(rows)

    def _find_changes(self, keys: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
        """Return the events for rows: ``upsert`` for those that are in the list now, ``remove`` for those that were."""
        read = self._read
        key_of = read.queryset.model._meta.pk.to_python
        wanted: dict[Any, None] = {}
        for key in keys:
            try:
                wanted[key_of(key)] = None
            except ValidationError:
                continue
        with self._entered():
            rows = {row.pk: row for row in read.queryset.filter(pk__in=list(wanted))}
        items = json.loads(self._render(list(rows.values()))) if rows else []
        # The keys of rows that the client never had are those of other people.
        gone = [key for key in wanted if key not in rows and key in read.keys]
        read.keys.difference_update(gone)
        read.keys.update(rows)
        changes: list[tuple[str, dict[str, Any]]] = [("remove", {"key": key}) for key in gone]
        for key, item in zip(rows, items, strict=True):
            changes.append(("upsert", {"key": key, "item": item}))
        if len(read.keys) > (get_core_settings().STREAM_ROWS or len(read.keys)):
            self._needs_list = True  # some have left unnoticed, or it is too long: the list tells
        return changes

    def _render(self, rows: Any) -> bytes:
        return self._operation.render(rows, self.request).body

    def _entered(self) -> Any:
        return _entered(self._operation.api, self.request)


class Reading:
    """What one request reads: the queryset, by which filters, and the keys of the rows that the client has."""

    def __init__(self, queryset: QuerySet[Any], name: str) -> None:
        """Take the queryset that a view has returned."""
        self.queryset = queryset
        self.tenant = ""
        self.filters: tuple[Any, ...] = ()
        self.keys: set[Any] = set()
        self._name = name

    def rows(self) -> list[Any]:
        """Return the rows of the whole list, and remember their keys."""
        most = get_core_settings().STREAM_ROWS
        rows = list(self.queryset if most is None else self.queryset[: most + 1])
        if most is not None and len(rows) > most:
            raise ImproperlyConfigured(
                f'{self._name} has more rows than MATT["STREAM_ROWS"]: too many for a live list.'
            )
        self.keys = {row.pk for row in rows}
        return rows

    def note_filters(self, api: Any, request: HttpRequest) -> None:
        """Note by what the rows are chosen: the tenant, the SQL, and the scopes of the models that a row may refer to."""
        self.tenant = tenant_of(request)
        with _entered(api, request):
            found = [_sql(lambda: self.queryset)]
            if getattr(api, "scopes", None) is not None:
                from django_matt.scopes import narrowed

                found += [_sql(partial(narrowed, model)) for model in api.scopes.models]
        self.filters = (self.tenant, *found)


def _sql(find: Callable[[], QuerySet[Any]]) -> str:
    try:
        return repr(find().query.sql_with_params())
    except Exception as error:  # noqa: BLE001 - no row, or a scope that refuses a model, which this list need not have
        return repr(error)


def _entered(api: Any, request: HttpRequest) -> Any:
    if getattr(api, "scopes", None) is None:
        return nullcontext()
    from django_matt.scopes import entered

    return entered(api, request)


class LiveHook(OperationHook):
    """Turns the response of a list into a stream."""

    order = -900  # outside of the hooks that filter what a view returns
    never_blocks = True

    _topic: str
    _operation: BoundOperation | None = None

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> "LiveHook | None":
        """Return the hook of a route that ``live()`` added."""
        found = get_metadata("live", operation.view_func)
        if found is None:
            return None
        hook = cls()
        hook._topic = found.topic
        return hook

    def received(self, call: Call) -> HttpResponseBase | None:
        """Note the position before anything is read: what changes afterwards is sent as a change."""
        request = call.request
        if verdict_of(request) is None:
            call.state[self] = {"position": current_hub(request, reads_log=True).position}
        else:
            call.state[self] = {}
        found = call.state[self]["format"] = find_event_format(call.formats, request)
        if found is None and "text/event-stream" in request.META.get("HTTP_ACCEPT", ""):
            request.META["HTTP_ACCEPT"] = "application/json"
        return None

    def result(self, call: Call, result: Any) -> Any:
        """Read the rows here, for their keys; a repeated request needs none."""
        queryset = result.all() if isinstance(result, Manager) else result
        name = call.operation.view_func.__name__
        if not isinstance(queryset, QuerySet):
            raise ImproperlyConfigured(
                f"{name} returns a {type(result).__name__}: for a live list, return a queryset."
            )
        try:
            queryset.filter(pk__in=[])
        except (TypeError, NotSupportedError) as error:
            raise ImproperlyConfigured(
                f"{name} returns a queryset that cannot be filtered, such as a slice: a live list is a whole list."
            ) from error
        read = call.state[self]["read"] = Reading(queryset, name)
        read.note_filters(call.api, call.request)
        if call.state[self]["format"] is not None:
            # Not the page of the list: the stream writes what it sends.
            return HttpResponse()
        return read.rows() if verdict_of(call.request) is None else []

    async def aresult(self, call: Call, result: Any) -> Any:
        """Do the same on an async route."""
        return await sync_to_async(self.result)(call, result)

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Return the stream that begins with this response."""
        state, found = call.state[self], cast("HttpResponse", response)
        if response.status_code != 200 or isinstance(response, StreamResponse):
            return None
        verdict = verdict_of(call.request)
        if verdict is not None:
            verdict.found["read"] = state["read"]
            return None
        if self._operation is None:
            self._operation = find_operation(call.api, call.operation)
        topics = Topics(self._topic)
        topics.tenant = state["read"].tenant
        made = respond(
            LiveFrames(
                current_hub(call.request),
                call.request,
                topics,
                state["position"],
                operation=self._operation,
                read=state["read"],
                snapshot=found.content,
                event_format=state["format"],
            )
        )
        made.cookies = response.cookies
        return made

    async def aresponse(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do the same on an async route, whose user may have to be looked up."""
        return await sync_to_async(self.response)(call, response)

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Describe the events instead of the list."""
        for status, response in details.get("responses", {}).items():
            content = response.get("content", {}).get("application/json")
            if str(status) == "200" and content is not None:
                response["content"] = {"text/event-stream": {"schema": _events(content["schema"])}}


def _events(shown: dict[str, Any]) -> dict[str, Any]:
    key: dict[str, Any] = {"description": "The primary key of the row."}
    changed = {"key": key, "item": shown.get("items", {})}
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {"event": {"const": name}, "id": {"type": "string"}, "data": data},
                "required": ["event", "data"],
            }
            for name, data in (
                ("list", shown),
                ("upsert", {"type": "object", "properties": changed, "required": [*changed]}),
                ("remove", {"type": "object", "properties": {"key": key}, "required": ["key"]}),
                ("session.revoked", {"type": "object"}),
            )
        ]
    }
