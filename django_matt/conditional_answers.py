"""The answers of a route with ``@conditional``: 304 before the rows are read, 412 and 428 before anything is written."""

import asyncio
import warnings
from contextlib import suppress
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.models import Manager, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from ninja.constants import NOT_SET
from ninja.operation import Operation
from ninja.responses import Status

from django_matt.conditions import (
    Condition,
    called,
    condition_of,
    has_condition,
    refuse_changed,
    refuse_unconditional,
)
from django_matt.dependencies import depends_on_column
from django_matt.errors.exceptions import NotAcceptable, PreconditionFailed
from django_matt.errors.mappings import SAFE
from django_matt.formats.negotiation import FormatSet
from django_matt.limits import find_paginators
from django_matt.responses import ResponseBuilder
from django_matt.states import Validator, digest, digest_of_body, validator_of
from django_matt.transactions import HeldWrites

__all__ = ["ConditionalResponseBuilder", "build_responses"]

# Without a word of its own a cache may guess how long an answer is fresh (RFC 9111, 4.2.2), and share it.
_CACHE_CONTROL = "private, no-cache"


def build_responses(api: Any, operation: Operation, formats: FormatSet | None) -> ResponseBuilder:
    """Return what makes an operation's responses."""
    condition = condition_of(operation.view_func)
    if condition is None:
        return ResponseBuilder(api, operation, formats)
    return ConditionalResponseBuilder(api, operation, formats, condition)


class ConditionalResponseBuilder(ResponseBuilder):
    """Makes the responses of one operation, as the conditions of its requests allow."""

    def __init__(
        self, api: Any, operation: Operation, formats: FormatSet | None, condition: Condition
    ) -> None:
        """Refuse, with ``ImproperlyConfigured``, a condition that this operation cannot keep."""
        super().__init__(api, operation, formats)
        self._condition = condition
        self._column = condition.column
        self._refuse_misfits(operation)
        names = frozenset(parameter.name for parameter in operation.signature.params)
        self._ask, self._ask_async = called(condition, names)
        self._fingerprint = _fingerprint(operation)

    def _refuse_misfits(self, operation: Operation) -> None:
        condition, methods = self._condition, set(operation.methods)
        name = f"@conditional of {operation.view_func.__name__}"
        if methods - SAFE and condition.etag is True:
            raise ImproperlyConfigured(
                f"{name}: a hash of the answer says nothing of the state before a write; "
                "give last_modified=… or a callable."
            )
        if condition.required and methods <= SAFE:
            raise ImproperlyConfigured(f"{name}: required=True is for methods that write.")
        if self.streams and (condition.etag is True or self._column):
            raise ImproperlyConfigured(
                f"{name}: a stream is sent before it is known; give callables."
            )
        if methods & SAFE and self._column and any(find_paginators(operation.view_func)):
            raise ImproperlyConfigured(
                f"{name}: a page is read before its answer is made; give etag=True or a callable."
            )

    def enter(self, context: Any, values: dict[str, Any]) -> HttpResponseBase | None:
        """Refuse a write, or answer a read with 304, where callables know the state before the view runs."""
        if self._open(context):
            context.request._matt_writes = HeldWrites()
        if not self._condition.callables:
            return None
        return self._judge(context, self._ask(context.request, values))

    async def enter_async(self, context: Any, values: dict[str, Any]) -> HttpResponseBase | None:
        """The same for an async route."""
        if self._open(context):
            context.request._matt_writes = await sync_to_async(HeldWrites)()
        if not self._condition.callables:
            return None
        return self._judge(context, await self._ask_async(context.request, values))

    def _open(self, context: Any) -> bool:
        """Note what is asked; tell whether nothing may be stored before ``check_preconditions`` is called."""
        request = context.request
        context._matt_state = Validator()
        writes = request.method not in SAFE
        if writes:
            refuse_unconditional(request, required=self._condition.required)
        if self._column is not None:
            request._matt_condition = self
            request._matt_unchecked = writes and has_condition(request)
            request._matt_writes = None
            return bool(request._matt_unchecked)
        return False

    def leave(self, context: Any) -> None:
        """End a write that was not answered: what it stored before its condition was accepted is rolled back."""
        request = context.request
        writes: HeldWrites | None = getattr(request, "_matt_writes", None)
        if writes is not None:
            request._matt_writes = None
            with suppress(DatabaseError):
                self._end_writes(request, writes)

    async def leave_async(self, context: Any) -> None:
        """The same for an async route."""
        if getattr(context.request, "_matt_writes", None) is not None:
            await sync_to_async(self.leave)(context)

    def _keep(self, request: Any) -> None:
        writes: HeldWrites | None = request._matt_writes
        if writes is not None:
            request._matt_writes = None
            self._end_writes(request, writes)

    def _end_writes(self, request: Any, writes: HeldWrites) -> None:
        """Store what the view wrote once the condition was accepted, and nothing otherwise."""
        if request._matt_unchecked:
            writes.drop()
        else:
            writes.keep()

    def check(self, request: HttpRequest, instance: Any) -> None:
        """Refuse a write whose condition does not hold for an instance; see ``check_preconditions``."""
        if request.method not in SAFE:
            self._refuse_changed(request, validator_of(instance, str(self._column)))
            noted: Any = request
            noted._matt_unchecked = False
            if noted._matt_writes is not None and not _is_in_loop():
                noted._matt_writes.accept()

    def _judge(self, context: Any, state: Validator) -> HttpResponseBase | None:
        if context.request.method not in SAFE:
            self._refuse_changed(context.request, state)
            return None
        context._matt_state = state
        return self._unchanged(context, state)

    def _refuse_changed(self, request: HttpRequest, state: Validator) -> None:
        refuse_changed(request, state, () if self._formats is None else self._formats.variants)

    def make(self, context: Any, result: Any) -> HttpResponseBase:
        """Answer as ``ResponseBuilder`` does, or with 304 where the client holds what the result says."""
        column = self._column
        made = isinstance(result, HttpResponseBase) or type(result) is tuple
        if column is not None and not made and context.request.method in SAFE:
            value, status = result, self._status
            if isinstance(result, Status):
                value, status = result.value, result.status_code
            if status == 200:
                tiers = self.tiers.get(status, self.tiers.get(...))
                one = tiers is not None and tiers.takes_one
                annotation = None if tiers is None else tiers.plan.annotation
                context._matt_state = self._state(value, annotation, one=one)
                unchanged = self._unchanged(context, context._matt_state)
                if unchanged is not None:
                    return unchanged
        response = self._finish(context, super().make(context, result))
        if self._column is not None and not _is_in_loop():
            self._keep(context.request)
        return response

    async def make_async(self, context: Any, result: Any) -> HttpResponseBase:
        """The same for an async route."""
        response = await super().make_async(context, result)
        if getattr(context.request, "_matt_writes", None) is not None:
            await sync_to_async(self._keep)(context.request)
        return response

    def _state(self, value: Any, annotation: Any, *, one: bool) -> Validator:
        """Return the state of what a view returned; where the column does not say all, a hash is part of it."""
        covered = depends_on_column(value, annotation, one=one)
        if not covered and not one and isinstance(value, QuerySet | Manager):
            return Validator(hashed=True)
        state = validator_of(value, str(self._column), one=one)
        if covered or state.tag is None:
            return state
        if isinstance(value, list | tuple):
            return Validator(hashed=True)
        # A write compares the state of the row alone, so that is part of the ETag too.
        return state._replace(modified=None, hashed=True)

    def stream(self, context: Any, result: Any) -> HttpResponseBase:
        """Stream, with what callables said."""
        return self._finish(context, super().stream(context, result))

    async def stream_async(self, context: Any, result: Any) -> HttpResponseBase:
        """The same for an async generator."""
        return self._finish(context, await super().stream_async(context, result))

    def _unchanged(self, context: Any, state: Validator) -> HttpResponseBase | None:
        """Return a 304 where the client holds this state, before its answer is made."""
        if self._condition.etag is True or state.hashed:
            # The hash of an answer decides once that is made.
            return None
        if state.tag is None and state.modified is None:
            return None
        answer, made = HttpResponse(), context.made
        if made is not None:
            if made.status_code != 200:
                return None
            for name, value in made.items():
                answer[name] = value
            answer.cookies = made.cookies
        formats = self._formats_of(context.request)
        if formats is not None:
            formats.vary(answer, formats.choose(context.request, 200))
        judged = self._evaluate(context.request, state, answer)
        return None if judged is answer else judged

    def _finish(self, context: Any, response: HttpResponseBase) -> HttpResponseBase:
        """Say the state of what was read, or make sure that a condition on a write was looked at."""
        request = context.request
        if request.method not in SAFE:
            unchecked = self._column is not None and request._matt_unchecked
            if unchecked and response.status_code < 400:
                raise RuntimeError(
                    f"{self._operation.view_func.__name__} did not call check_preconditions(request, instance) "
                    "although the request has a condition. What it wrote was rolled back."
                )
            return response
        if response.status_code != 200:
            return response
        state = context._matt_state
        digits = None
        if self._condition.etag is True or state.hashed:
            if not isinstance(response, HttpResponse):
                # The bytes of a stream are not known yet.
                tagless = Validator(None, state.modified) if state.hashed else state
                return self._evaluate(request, tagless, response)
            digits = digest_of_body(response.content)
            if self._condition.etag is True or state.tag is None:
                state, digits = Validator(digits, state.modified), None
        return self._evaluate(request, state, response, digits)

    def _evaluate(
        self,
        request: HttpRequest,
        state: Validator,
        response: HttpResponseBase,
        digits: str | None = None,
    ) -> HttpResponseBase:
        """Put the state on an answer; return it, or the 304 that the request's condition makes of it.

        ``digits`` are the hash of the body, where that is a part of the ETag.
        """
        headers = response.headers
        etag = headers.get("ETag") or state.etag(self._end(request, state, digits))
        if etag is not None:
            headers["ETag"] = etag
        if state.modified is not None:
            headers.setdefault("Last-Modified", http_date(state.modified))
        if etag is None and state.modified is None:
            return response
        headers.setdefault("Cache-Control", _CACHE_CONTROL)
        # A stream is an answer like any other here: its headers are all that is looked at.
        judged = get_conditional_response(
            request,
            etag=etag,
            last_modified=state.modified,
            response=cast("HttpResponse", response),
        )
        if judged is None:
            return response
        if judged.status_code == 412:
            raise PreconditionFailed
        return judged

    def _end(self, request: HttpRequest, state: Validator, digits: str | None) -> str:
        """Return what tells this representation from others of the same state: its schema, its bytes, its format."""
        ends = [self._fingerprint] if state.derived else []
        if digits is not None:
            ends.append(digits)
        formats = self._formats_of(request)
        if formats is not None and self._condition.etag is not True:
            with suppress(NotAcceptable):
                chosen = formats.select(request)
                variant = chosen.variant(request)
                if chosen is not formats.default or variant != chosen.name:
                    ends.append(variant)
        return "-".join(ends)

    def _formats_of(self, request: HttpRequest) -> FormatSet | None:
        found: FormatSet | None = getattr(request, "_matt_formats", self._formats)
        return found


def _is_in_loop() -> bool:
    """Tell whether an event loop runs in this thread, where the database cannot be asked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _fingerprint(operation: Operation) -> str:
    """Return digits that change with the response schema: a new release may say the same state in other words."""
    model = operation.response_models.get(200)
    if model in (None, NOT_SET):
        return digest(None)[:8]
    options = [operation.by_alias, operation.exclude_unset, operation.exclude_defaults]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schema = model.model_json_schema(mode="serialization")
    except Exception:  # noqa: BLE001 - a schema that JSON Schema cannot describe has its fields' names
        schema = sorted(model.model_fields)
    return digest(schema, options, operation.exclude_none)[:8]
