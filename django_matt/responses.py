"""Turns a view's result into a response: with its schema's plan, in the client's format, or as a stream."""

import json
import warnings
from collections.abc import AsyncIterator, Iterator
from functools import cached_property, partial
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.db.models import Manager, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja.constants import NOT_SET
from ninja.operation import Operation
from ninja.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
    PaginationBase,
)
from ninja.responses import Status
from ninja.streaming import SSE
from ninja_extra.pagination import PageNumberPaginationExtra
from pydantic import BaseModel

from django_matt.cursors import keep_every_row, ordering_names
from django_matt.errors.calls import attach
from django_matt.errors.exceptions import SAFE
from django_matt.errors.handlers import report_stream_failure
from django_matt.formats.negotiation import FormatSet
from django_matt.formats.protocol import RenderContext
from django_matt.formats.rendering import render_result
from django_matt.formats.responses import MattRenderer, respond
from django_matt.formats.streams import respond_piecewise, select_piecewise, write_pieces
from django_matt.hook_chains import see_page, see_page_async, sees_page
from django_matt.limits import find_paginators, find_views, has_rows
from django_matt.serialization.encoders import encoder
from django_matt.serialization.plan import ResponsePlan, build_plan
from django_matt.serialization.requirements import needs_of
from django_matt.settings import get_settings
from django_matt.streams import Event, close_stream, close_stream_async, mentions_event, with_events
from django_matt.tier_limits import Choice, choose_tier
from django_matt.tiers import Batches, Tiers
from django_matt.upstream import ROUTE_CONTEXT_VAR, serialize_item

__all__ = ["ResponseBuilder", "own_rendering", "prepare_stream", "response_formats"]

dumps = encoder.dumps

# Ninja's words, and our codemod.
_TUPLE = (
    "Returning tuple (status_code, response) is deprecated. "
    "Use Status(status_code, response) instead: `matt upgrade` rewrites it (status-tuples)."
)
_PAGINATING = frozenset({"ninja.pagination", "ninja_extra.pagination.operations"})
# What these read of an item is known; other paginators get every column.
_KNOWN_PAGES = frozenset(
    paginator.paginate_queryset
    for paginator in (LimitOffsetPagination, PageNumberPagination, PageNumberPaginationExtra)
)


class ResponseBuilder:
    """Builds the responses of one operation."""

    def __init__(self, api: Any, operation: Operation, formats: FormatSet | None) -> None:
        """Plan each response schema; ``formats`` is None if the user's own renderer answers."""
        self._api = api
        self._operation = operation
        self._formats: Any = formats
        self.streams = operation.stream_format is not None
        if operation.is_async:
            # Here, because a project of sync routes needs no threads.
            from django_matt.threads import run_in_thread

            self._run_in_thread = run_in_thread
        self._choice = choose_tier(operation.view_func, getattr(api, "tier", None))
        # What the project's own code takes from the fast tiers, in words: it gets data and writes the answer itself.
        self.taken = None if formats is not None else own_rendering(api)
        self._plans: dict[Any, Any] = {}
        for status, model in operation.response_models.items():
            self._plans[status] = model if model in (None, NOT_SET) else self._plan(model)
        models = operation.response_models
        self._status = next(iter(models)) if len(models) == 1 else 200
        self._hints = next(filter(None, map(needs_of, find_views(operation.view_func))), ())
        choice = self._choice if formats is not None else Choice("pydantic", self.taken)
        self.tiers = {
            status: Tiers(plan, self._hints, choice)
            for status, plan in self._plans.items()
            if isinstance(plan, ResponsePlan)
        }
        # What most views return is answered by few questions: these kinds of results, with the usual status.
        self._usual: Any = None if formats is None else self.tiers.get(self._status)
        self._ready = frozenset[type]() if self._usual is None else self._usual.ready
        # A format such as HTML writes what the view returned itself, and not the JSON of it.
        self._renders = bool(getattr(formats, "renders", False)) and not self.streams
        # A page of rows is written for the one status that pages have; errors have other schemas.
        others = [status for status in self.tiers if status != self._status]
        alone = all(isinstance(status, int) and status >= 400 for status in others)
        if self._status in self.tiers:
            self._pages = _judge_pages(operation, alone=alone)
            self.tiers[self._status].disable_page_rows(*self._pages)
        self.plans = tuple(tiers.plan for tiers in self.tiers.values())
        early = formats is not None and bool(self.plans) and not self.streams
        self.negotiates_early = early and not set(operation.methods) & SAFE
        self._rows = any(has_rows(plan.annotation) for plan in self.plans)
        if self.streams and operation.stream_item_model is not None:
            self._items = self._plan(operation.stream_item_model)
            self._stream_format: Any = operation.stream_format
            operation._validate_stream_item = self._write_item  # type: ignore[method-assign]

    def _plan(self, model: Any) -> ResponsePlan:
        operation = self._operation
        return build_plan(
            model,
            by_alias=operation.by_alias,
            exclude_unset=operation.exclude_unset,
            exclude_defaults=operation.exclude_defaults,
            exclude_none=operation.exclude_none,
            limit=self._choice.reason if self._choice.tier == "pydantic" else None,
        )

    @property
    def formats(self) -> FormatSet | None:
        """The formats of the responses; None if the project's own renderer writes them."""
        found: FormatSet | None = self._formats
        return found

    @property
    def unplanned(self) -> str | None:
        """Why no plan is used; None if one is."""
        if not self.tiers:
            return "no response schema: the view's return value is encoded unchanged"
        return None

    def describe(self) -> Any:
        """Describe the tiers of the responses and what they read, for the DEBUG page."""
        return self.introspection.describe()

    @cached_property
    def introspection(self) -> Any:
        """Information about the responses for use outside of requests."""
        # Here, as no request needs it.
        from django_matt.introspection import ResponseIntrospection

        return ResponseIntrospection(self)

    def streams_rows(self, status: Any) -> bool:
        """Tell whether a long list of a status is streamed: it is a queryset of one plain schema, and has no custom renderer."""
        return self._formats is not None and self.tiers[status].columns is not None

    def negotiate(self, request: HttpRequest) -> None:
        """Raise a 406 if the client accepts no format; called before the view if ``negotiates_early`` is True."""
        if self._formats is not None:
            self._formats.select(request, rows=self._rows)

    def prepare_page(self, request: HttpRequest, queryset: Any, paginator: PaginationBase) -> Any:
        """Return a queryset that is about to be paginated, with everything that its items' schema reads."""
        tiers = self.tiers.get(self._status)
        if tiers is None:
            return queryset
        if self._renders:
            chosen = self._formats.choose(request, self._status)
            if chosen.renders and chosen.needs_result:
                # The format gets the instances, and may read any of their columns.
                return tiers.paginate(queryset, None, rows=False)
        paginate = type(paginator).paginate_queryset
        if paginate in _KNOWN_PAGES:
            return tiers.paginate(queryset, [])
        if (
            isinstance(paginator, CursorPagination)
            and paginate is CursorPagination.paginate_queryset
        ):
            return tiers.paginate(queryset, ordering_names(paginator, queryset))
        return tiers.paginate(queryset, None)

    def make(self, context: Any, result: Any) -> HttpResponseBase:
        """Return the response to a view's result: a response unchanged, anything else as the body of a status."""
        request, status = context.request, self._status
        is_ready = type(result) in self._ready and context.made is None
        if is_ready and not (self._renders and self._formats.choose(request, status).renders):
            if settings.DEBUG:
                return self._encode(context, self._usual, result, status)
            # The same for what most views return, with fewer calls.
            body, _ = self._usual.plan.encode_with_tier(result, request=request, status=status)
            return respond(request, self._formats, body, status)
        if isinstance(result, HttpResponseBase):
            return result
        if isinstance(result, Status):
            status, result = result.status_code, result.value
        elif type(result) is tuple and len(result) == 2:
            warnings.warn(_TUPLE, DeprecationWarning, stacklevel=2)
            status, result = result
        key = status if status in self._plans else ...
        if key not in self._plans or (self.taken is not None and self._plans[key] is NOT_SET):
            return self._operation._result_to_response(
                request, Status(status, result), context.response
            )
        plan = self._plans[key]
        if context.made is not None or plan is None:
            context.response.status_code = status
        if plan is None:
            return cast("HttpResponse", context.response)
        if self._renders:
            chosen = self._formats.choose(request, status)
            if chosen.renders:
                return self._render(context, chosen, key, result, status)
        if plan is NOT_SET:
            return respond(request, self._formats, dumps(result), status, context.made)
        tiers, chosen = self.tiers[key], None
        if self.taken is not None:
            return self._hand_over(context, tiers, result, status)
        if isinstance(result, (QuerySet, Manager)) and tiers.columns is not None:
            chosen = select_piecewise(request, self._formats)
        return self._encode(context, tiers, result, status, chosen)

    def _render(
        self, context: Any, chosen: Any, key: Any, result: Any, status: int
    ) -> HttpResponseBase:
        """Let a format render what the view returned; the JSON data is created only if the format reads it."""
        request = context.request

        def read_data() -> Any:
            if self._plans[key] is NOT_SET:
                return json.loads(dumps(result))
            return json.loads(self.tiers[key].encode(result, request=request, status=status)[0])

        known = RenderContext(request, status, self._operation, read_data)
        response = render_result(self._formats, chosen, result, known, context.made)
        if settings.DEBUG:
            response.headers["X-Matt-Tier"] = _in_header(
                "none", f"the format {chosen.name} writes what the view returned"
            )
        return response

    def _encode(
        self, context: Any, tiers: Any, result: Any, status: int, chosen: Any = None
    ) -> HttpResponseBase:
        """Write a response by its plan; stream a long list if ``chosen`` supports it."""
        request = context.request
        most = None if chosen is None else get_settings().STREAM_ROWS
        body, tier, reason = tiers.encode(result, request=request, status=status, most=most)
        response: HttpResponseBase
        if most is not None and isinstance(body, Batches):
            response = self._send_batches(context, body, chosen, status)
        else:
            response = respond(request, self._formats, body, status, context.made)
        if settings.DEBUG:
            response.headers["X-Matt-Tier"] = _in_header(tier, reason or _made_by_view(result))
        return response

    def _hand_over(self, context: Any, tiers: Tiers, result: Any, status: int) -> HttpResponseBase:
        """Let the project's own renderer or ``create_response`` write the response, from Ninja's data and planned queries."""
        request, response = context.request, context.response
        response.status_code = status
        data = tiers.dump(result, {"request": request, "response_status": status})
        made: HttpResponseBase = self._api.create_response(
            request, data, temporal_response=response
        )
        if settings.DEBUG:
            made.headers.setdefault("X-Matt-Tier", _in_header("pydantic", self.taken))
        return made

    def _write_item(self, item: Any, request: HttpRequest) -> str:
        """Write an item of a stream as Ninja does, even if its data contains values that JSON cannot express; an event with its fields."""
        if isinstance(item, Event):
            framed: str = self._stream_format.frame(
                item, lambda data: self._write_item(data, request)
            )
            return framed
        context = {"request": request, "response_status": 200}
        text: str = self._items.write(item, context, serialize_item)
        return text

    def _send_batches(
        self, context: Any, batches: Batches, chosen: Any, status: int
    ) -> StreamingHttpResponse:
        request = context.request

        def report(error: Exception) -> bytes:
            attach(request, self._operation, context.parameters, context)
            problem: bytes = dumps(report_stream_failure(self._api, request, error))
            return problem

        read = batches.read(chosen.separator)
        pieces = _keep_context(write_pieces(chosen, read, batches.columns, report))
        return respond_piecewise(
            request, self._formats, chosen, pieces, status=status, temporal=context.made
        )

    async def make_async(self, context: Any, result: Any) -> HttpResponseBase:
        """The same, leaving the event loop only if the answer needs the database."""
        renders = self._renders and self._formats.choose(context.request, self._status).renders
        if not renders and not self._asks(result):
            try:
                return self.make(context, result)
            except SynchronousOnlyOperation:
                pass
        return await self._run_in_thread(self.make, context, result)

    def _asks(self, result: Any) -> bool:
        """Tell whether the response may query the database, or is written by the project's own renderer."""
        if type(result) in self._ready:
            return bool(self._usual.may_query(result))
        if isinstance(result, HttpResponseBase):
            return False
        if self._formats is None:
            return True
        value = result.value if isinstance(result, Status) else result
        return any(tiers.may_query(value) for tiers in self.tiers.values())

    def stream(self, context: Any, result: Any) -> HttpResponseBase:
        """Stream a generator's items in the operation's stream format (Ninja's ``SSE[…]``, ``JSONL[…]``)."""
        request = context.request
        attach(request, self._operation, context.parameters, context)
        made = self._operation._stream_response(request, result, context.response)
        made.streaming_content = _keep_context(
            self._guarded(request, made.streaming_content, result)
        )
        return made

    async def stream_async(self, context: Any, result: Any) -> HttpResponseBase:
        """The same for an async generator."""
        request = context.request
        attach(request, self._operation, context.parameters, context)
        made: StreamingHttpResponse = await self._operation._async_stream_response(  # type: ignore[attr-defined]
            request, result, context.response
        )
        guarded = self._guarded_async if made.is_async else self._guarded
        made.streaming_content = _keep_context(guarded(request, made.streaming_content, result))
        return made

    def _guarded(self, request: HttpRequest, chunks: Any, items: Any) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                # To some servers an empty part is the end of the response.
                if chunk:
                    yield chunk
        except Exception as error:  # noqa: BLE001
            yield self._last_chunk(request, error)
        finally:
            close_stream(items)

    async def _guarded_async(
        self, request: HttpRequest, chunks: Any, items: Any
    ) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                if chunk:
                    yield chunk
        except Exception as error:  # noqa: BLE001
            yield self._last_chunk(request, error)
        finally:
            await close_stream_async(items)

    def _last_chunk(self, request: HttpRequest, error: Exception) -> bytes:
        """Report a stream's failure, also in the stream: with an SSE ``error`` event, or else a last item."""
        problem = dumps(report_stream_failure(self._api, request, error)).decode()
        stream_format: Any = self._operation.stream_format
        chunk: str = stream_format.format_chunk(problem)
        return (f"event: error\n{chunk}" if issubclass(stream_format, SSE) else chunk).encode()


def prepare_stream(operation: Operation) -> None:
    """Let the stream of an operation, if it is one, accept events too, and document them."""
    if operation.stream_format is not None and operation.stream_item_model is not None:
        described = any(map(mentions_event, find_views(operation.view_func)))
        stream_format: Any = operation.stream_format
        operation.stream_format = with_events(stream_format, described=described)


def _keep_context(items: Any) -> Any:
    # Here, as only streams need it.
    from django_matt.stream_contexts import keep_context

    return keep_context(items)


def _plan_pages(operation: Operation) -> bool:
    """Pass planned querysets to the paginators of a view, because they evaluate them before the response is built.

    A controller and its paginators may serve several APIs; the request's own operation says what is read. Return
    whether the page comes from the paginator as it is, so that nothing reads its items before the answer.
    """
    for _, paginator in find_paginators(operation.view_func):
        keep_every_row(paginator)
        for name in ("paginate_queryset", "apaginate_queryset"):
            method = getattr(paginator, name, None)
            if method is not None and name not in vars(paginator):
                paginate = _paginate_async if name == "apaginate_queryset" else _paginate
                setattr(paginator, name, partial(paginate, paginator, method))
    route = getattr(operation.view_func, "get_route_function", None)
    if route is not None and operation.view_func is not route().as_view:
        return False
    outermost = next(iter(find_views(operation.view_func)))
    return getattr(outermost, "__globals__", {}).get("__name__") in _PAGINATING


def _judge_pages(operation: Operation, *, alone: bool) -> tuple[bool, str | None]:
    """Return whether an operation's responses are pages, and why they cannot be written from rows."""
    untouched = _plan_pages(operation) and alone
    paginators = [type(paginator) for _, paginator in find_paginators(operation.view_func)]
    for kind in paginators:
        if kind.paginate_queryset not in _KNOWN_PAGES:
            return True, f"{kind.__name__} reads the items of its pages"
    if paginators and not untouched:
        return (
            True,
            "a decorator above @paginate, or another response, may read the items of a page",
        )
    return bool(paginators), None


def _paginate(
    paginator: PaginationBase, method: Any, queryset: Any, *arguments: Any, **named: Any
) -> Any:
    context = ROUTE_CONTEXT_VAR.get(None)
    call = getattr(context, "call", None)
    if sees_page(call):
        queryset = see_page(call, queryset)
    return method(_prepare_page(context, paginator, queryset), *arguments, **named)


def _paginate_async(
    paginator: PaginationBase, method: Any, queryset: Any, *arguments: Any, **named: Any
) -> Any:
    context = ROUTE_CONTEXT_VAR.get(None)
    call = getattr(context, "call", None)
    if not sees_page(call):
        return method(_prepare_page(context, paginator, queryset), *arguments, **named)

    async def paginate() -> Any:
        items = await see_page_async(call, queryset)
        return await method(_prepare_page(context, paginator, items), *arguments, **named)

    return paginate()


def _prepare_page(context: Any, paginator: PaginationBase, queryset: Any) -> Any:
    operation: Any = getattr(context, "operation", None)
    if operation is None:
        return queryset
    return operation._matt_binding.answer.prepare_page(context.request, queryset, paginator)


def _in_header(tier: str, reason: str | None) -> str:
    """Return a tier and a reason as the value of a header."""
    text = tier if reason is None else f"{tier}; {reason}"
    return " ".join(text.encode("ascii", "replace").decode().split())[:300]


def _made_by_view(result: Any) -> str | None:
    """Return the reason if a view has created instances of a schema itself."""
    first = result[0] if type(result) is list and result else result
    if isinstance(first, BaseModel):
        return f"the view creates instances of {type(first).__name__}: return the queryset, or model instances"
    return None


def own_rendering(api: Any) -> str | None:
    """Say what of the project's own writes the answers of an API; None if we do."""
    cls = type(api)
    if cls.create_response is not cls._stock_create_response:
        return f"{cls.__name__}.create_response writes the responses"
    renderer = type(api.renderer)
    if renderer is not MattRenderer:
        return f"{renderer.__name__}, the renderer of the API, writes the responses"
    return None


def response_formats(api: Any, formats: FormatSet) -> FormatSet | None:
    """Return the formats to answer in, or None if the user's own renderer or ``create_response`` answers."""
    return formats if own_rendering(api) is None else None
