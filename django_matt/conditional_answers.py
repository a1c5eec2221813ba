"""The answers of a route with ``@conditional``: 304 before the rows are read, 412 and 428 before anything is written."""

import warnings
from contextlib import suppress
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from ninja.constants import NOT_SET
from ninja.operation import Operation
from ninja.responses import Status

from django_matt.answers import Answer
from django_matt.conditions import (
    Condition,
    called,
    condition_of,
    has_condition,
    refuse_changed,
    refuse_unconditional,
)
from django_matt.errors.exceptions import NotAcceptable, PreconditionFailed
from django_matt.errors.mappings import SAFE
from django_matt.formats.negotiation import FormatSet
from django_matt.limits import find_paginators
from django_matt.states import State, digest, digest_of_body, state_of

__all__ = ["ConditionalAnswer", "make_answer"]

# Without a word of its own a cache may guess how long an answer is fresh (RFC 9111, 4.2.2), and share it.
_CACHE_CONTROL = "private, no-cache"


def make_answer(api: Any, operation: Operation, formats: FormatSet | None) -> Answer:
    """Return what makes an operation's responses."""
    condition = condition_of(operation.view_func)
    if condition is None:
        return Answer(api, operation, formats)
    return ConditionalAnswer(api, operation, formats, condition)


class ConditionalAnswer(Answer):
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
        self._open(context)
        if not self._condition.callables:
            return None
        return self._judge(context, self._ask(context.request, values))

    async def enter_async(self, context: Any, values: dict[str, Any]) -> HttpResponseBase | None:
        """The same for an async route."""
        self._open(context)
        if not self._condition.callables:
            return None
        return self._judge(context, await self._ask_async(context.request, values))

    def _open(self, context: Any) -> None:
        request = context.request
        context._matt_state = State()
        if request.method not in SAFE:
            refuse_unconditional(request, required=self._condition.required)
        if self._column is not None:
            request._matt_condition = self
            request._matt_unchecked = request.method not in SAFE

    def check(self, request: HttpRequest, instance: Any) -> None:
        """Refuse a write whose condition does not hold for an instance; see ``check_preconditions``."""
        if request.method not in SAFE:
            self._refuse_changed(request, state_of(instance, str(self._column)))
            request._matt_unchecked = False  # type: ignore[attr-defined]

    def _judge(self, context: Any, state: State) -> HttpResponseBase | None:
        if context.request.method not in SAFE:
            self._refuse_changed(context.request, state)
            return None
        context._matt_state = state
        return self._unchanged(context, state)

    def _refuse_changed(self, request: HttpRequest, state: State) -> None:
        refuse_changed(request, state, () if self._formats is None else self._formats.names)

    def make(self, context: Any, result: Any) -> HttpResponseBase:
        """Answer as ``Answer`` does, or with 304 where the client holds what the result says."""
        column = self._column
        made = isinstance(result, HttpResponseBase) or type(result) is tuple
        if column is not None and not made and context.request.method in SAFE:
            value, status = result, self._status
            if isinstance(result, Status):
                value, status = result.value, result.status_code
            if status == 200:
                tiers = self.tiers.get(status, self.tiers.get(...))
                one = tiers is not None and tiers.takes_one
                context._matt_state = state_of(value, column, one=one)
                unchanged = self._unchanged(context, context._matt_state)
                if unchanged is not None:
                    return unchanged
        return self._finish(context, super().make(context, result))

    def stream(self, context: Any, result: Any) -> HttpResponseBase:
        """Stream, with what callables said."""
        return self._finish(context, super().stream(context, result))

    async def stream_async(self, context: Any, result: Any) -> HttpResponseBase:
        """The same for an async generator."""
        return self._finish(context, await super().stream_async(context, result))

    def _unchanged(self, context: Any, state: State) -> HttpResponseBase | None:
        """Return a 304 where the client holds this state, before its answer is made."""
        if self._condition.etag is True or (state.tag is None and state.modified is None):
            # The hash of an answer decides once that is made.
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
            formats.vary(answer)
        judged = self._evaluate(context.request, state, answer)
        return None if judged is answer else judged

    def _finish(self, context: Any, response: HttpResponseBase) -> HttpResponseBase:
        """Say the state of what was read, or make sure that a condition on a write was looked at."""
        request = context.request
        if request.method not in SAFE:
            unchecked = self._column is not None and request._matt_unchecked
            if unchecked and response.status_code < 400 and has_condition(request):
                raise RuntimeError(
                    f"{self._operation.view_func.__name__} wrote without check_preconditions(request, instance) "
                    "although the request has a condition."
                )
            return response
        if response.status_code != 200:
            return response
        state = context._matt_state
        if self._condition.etag is True and isinstance(response, HttpResponse):
            tag = digest_of_body(response.content)
            state = State(tag, state.modified)
        return self._evaluate(request, state, response)

    def _evaluate(
        self, request: HttpRequest, state: State, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Put the state on an answer; return it, or the 304 that the request's condition makes of it."""
        headers = response.headers
        etag = headers.get("ETag") or state.etag(self._end(request, state))
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

    def _end(self, request: HttpRequest, state: State) -> str:
        """Return what tells this representation from others of the same state: its schema, and its format."""
        ends = [self._fingerprint] if state.derived else []
        formats = self._formats_of(request)
        if formats is not None and self._condition.etag is not True:
            with suppress(NotAcceptable):
                chosen = formats.select(request)
                if chosen is not formats.default:
                    ends.append(chosen.name)
        return "-".join(ends)

    def _formats_of(self, request: HttpRequest) -> FormatSet | None:
        found: FormatSet | None = getattr(request, "_matt_formats", self._formats)
        return found


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
