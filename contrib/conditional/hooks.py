"""The hook of a route with ``@conditional``: 304 before the rows are read, 412 and 428 before anything is written."""

import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self, cast

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

from django_matt.contrib.conditional.conditions import (
    CONDITION,
    Condition,
    called,
    condition_of,
    has_condition,
    refuse_changed,
    refuse_unconditional,
)
from django_matt.contrib.conditional.dependencies import depends_on_column
from django_matt.contrib.conditional.descriptions import describe_condition
from django_matt.contrib.conditional.transactions import HeldWrites
from django_matt.contrib.conditional.validators import (
    Validator,
    digest,
    digest_of_body,
    validator_of,
)
from django_matt.errors.answering import is_on_event_loop
from django_matt.errors.exceptions import SAFE, NotAcceptable, PreconditionFailed
from django_matt.hooks import Call, OperationHook
from django_matt.limits import find_paginators
from django_matt.serialization.objects import takes_one

__all__ = ["ConditionalHook"]

# Without this header, a cache may guess how long a response is fresh (RFC 9111, 4.2.2), and share it.
_CACHE_CONTROL = "private, no-cache"


class _Request:
    """The state of one request: its condition, and what was written before the condition was checked."""

    __slots__ = ("hook", "names", "state", "unchecked", "writes")

    def __init__(self, hook: "ConditionalHook", names: tuple[str, ...]) -> None:
        self.hook = hook
        self.names = names
        """The formats in which the client may have read the object; each has an ETag of its own."""
        self.state = Validator()
        self.unchecked = False
        """Whether the view must still call ``check_preconditions`` before anything may be stored."""
        self.writes: HeldWrites | None = None

    def check(self, request: HttpRequest, instance: Any) -> None:
        """Refuse a write if its condition is false for an instance; see ``check_preconditions``."""
        if request.method not in SAFE:
            refuse_changed(request, self.hook.state_of(instance), self.names)
            self.unchecked = False
            if self.writes is not None and not is_on_event_loop():
                self.writes.accept()

    def end(self) -> None:
        """Commit what the view wrote if the condition was accepted; roll it back otherwise."""
        writes, self.writes = self.writes, None
        if writes is None:
            return
        if self.unchecked:
            writes.drop()
        else:
            writes.keep()

    def abandon(self) -> None:
        """Do the same after the view has failed, without hiding its exception."""
        with suppress(DatabaseError):
            self.end()


class ConditionalHook(OperationHook):
    """Evaluates the conditions of the requests to a route with ``@conditional``."""

    order = -100  # it hashes the response after other hooks have changed it
    never_blocks = True  # each method that queries the database has an async version

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route with ``@conditional``; None for other routes.

        Raises ``ImproperlyConfigured`` if the route cannot use its condition.
        """
        condition = condition_of(operation.view_func)
        if condition is None:
            return None
        # A view that writes, and whose condition is a column, runs in a transaction.
        guards = condition.column is not None and bool(set(operation.methods) - SAFE)
        kind: Any = _GuardingHook if guards else cls
        hook: Self = kind(operation, condition)
        return hook

    def __init__(self, operation: Operation, condition: Condition) -> None:
        """Prepare everything that does not depend on a request."""
        self._operation = operation
        self._condition = condition
        self._column = condition.column
        self._refuse_misfits(operation)
        names = frozenset(parameter.name for parameter in operation.signature.params)
        self._ask, self._ask_async = called(condition, names)
        self._fingerprint = _fingerprint(operation)
        self._annotations = {
            status: model.model_fields["response"].annotation
            for status, model in operation.response_models.items()
            if model not in (None, NOT_SET)
        }
        statuses = list(operation.response_models)
        self._status = statuses[0] if len(statuses) == 1 else 200

    def _refuse_misfits(self, operation: Operation) -> None:
        condition, methods = self._condition, set(operation.methods)
        streams = operation.stream_format is not None
        name = f"@conditional of {operation.view_func.__name__}"
        if methods - SAFE and condition.etag is True:
            raise ImproperlyConfigured(
                f"{name}: a hash of the response cannot say whether something changed before a write. "
                "Give last_modified=… or a function."
            )
        if condition.required and methods <= SAFE:
            raise ImproperlyConfigured(f"{name}: required=True is for methods that write.")
        if streams and (condition.etag is True or self._column):
            raise ImproperlyConfigured(
                f"{name}: a stream is sent before its content is known. Give functions."
            )
        if methods & SAFE and self._column and any(find_paginators(operation.view_func)):
            raise ImproperlyConfigured(
                f"{name}: a page is read before its response is made. Give etag=True or a function."
            )

    def error_statuses(self, method: str) -> list[int]:
        """Return 412, and also 428 if a write needs a condition."""
        return [412, 428] if self._condition.required and method not in SAFE else [412]

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Add the headers and the 304 to the OpenAPI document."""
        describe_condition(details, self._condition, method)

    def state_of(self, instance: Any) -> Validator:
        """Return the state of an instance, from the condition's column."""
        return validator_of(instance, str(self._column))

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Refuse a write, or answer a read with 304, if functions give the state before the view runs."""
        self._note(call)
        if not self._condition.callables:
            return None
        return self._judge(call, self._ask(call.request, call.values))

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do the same on an async route."""
        self._note(call)
        if not self._condition.callables:
            return None
        return self._judge(call, await self._ask_async(call.request, call.values))

    def _note(self, call: Call) -> None:
        request: Any = call.request
        formats = call.formats
        noted = call.state[self] = _Request(self, () if formats is None else formats.variants)
        writes = request.method not in SAFE
        if writes:
            refuse_unconditional(request, required=self._condition.required)
        if self._column is not None:
            setattr(request, CONDITION, noted)
            noted.unchecked = writes and has_condition(request)

    def _judge(self, call: Call, state: Validator) -> HttpResponseBase | None:
        noted = call.state[self]
        if call.request.method not in SAFE:
            refuse_changed(call.request, state, noted.names)
            return None
        noted.state = state
        return self._unchanged(call, state)

    def result(self, call: Call, result: Any) -> Any:
        """Answer with 304, before the rows are read, if the client has the current version."""
        annotation = self._judged(call, result)
        if annotation is None:
            return result
        value = result.value if isinstance(result, Status) else result
        state = self._state(value, annotation, one=takes_one(annotation))
        call.state[self].state = state
        unchanged = self._unchanged(call, state)
        return result if unchanged is None else unchanged

    async def aresult(self, call: Call, result: Any) -> Any:
        """Do the same on an async route. It uses a thread only if the database must be asked for the state."""
        if self._judged(call, result) is None:
            return result
        return await sync_to_async(self.result)(call, result)

    def _judged(self, call: Call, result: Any) -> Any:
        """Return the annotation of a response whose state the column gives; None for all other responses."""
        if self._column is None or call.request.method not in SAFE:
            return None
        if isinstance(result, HttpResponseBase) or type(result) is tuple:
            return None
        status = result.status_code if isinstance(result, Status) else self._status
        if status != 200:
            return None
        return self._annotations.get(200, self._annotations.get(..., Any))

    def _state(self, value: Any, annotation: Any, *, one: bool) -> Validator:
        """Return the state of a view's result. If the column is not enough, ``hashed`` asks for a hash of the body."""
        covered = depends_on_column(value, annotation, one=one)
        if not covered and not one and isinstance(value, QuerySet | Manager):
            return Validator(hashed=True)
        state = validator_of(value, str(self._column), one=one)
        if covered or state.tag is None:
            return state
        if isinstance(value, list | tuple):
            return Validator(hashed=True)
        # Keep the state of the row in the ETag, because a write compares only that.
        return state._replace(modified=None, hashed=True)

    def _unchanged(self, call: Call, state: Validator) -> HttpResponseBase | None:
        """Return a 304 if the client has this state, before the response is made."""
        if self._condition.etag is True or state.hashed:
            # The hash can be compared only when the response is made.
            return None
        if state.tag is None and state.modified is None:
            return None
        answer, made = HttpResponse(), call.prepared
        if made is not None:
            if made.status_code != 200:
                return None
            for name, value in made.items():
                answer[name] = value
            answer.cookies = made.cookies
        formats = call.formats
        if formats is not None:
            formats.vary(answer)
        judged = self._evaluate(call, state, answer)
        return None if judged is answer else judged

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase:
        """Add the headers of a read, or raise if a write did not check its condition."""
        noted = call.state[self]
        if call.request.method not in SAFE:
            if noted.unchecked and response.status_code < 400:
                raise RuntimeError(
                    f"{self._operation.view_func.__name__} did not call check_preconditions(request, instance) "
                    "although the request has a condition. What it wrote was rolled back."
                )
            return response
        if response.status_code != 200:
            return response
        state = noted.state
        digits = None
        if self._condition.etag is True or state.hashed:
            if not isinstance(response, HttpResponse):
                # The bytes of a stream are not known yet.
                tagless = Validator(None, state.modified) if state.hashed else state
                return self._evaluate(call, tagless, response)
            digits = digest_of_body(response.content)
            if self._condition.etag is True or state.tag is None:
                state, digits = Validator(digits, state.modified), None
        return self._evaluate(call, state, response, digits)

    def _evaluate(
        self, call: Call, state: Validator, response: HttpResponseBase, digits: str | None = None
    ) -> HttpResponseBase:
        """Add the headers to a response; return it, or a 304 if the request's condition asks for one.

        ``digits`` is the hash of the body, if that is part of the ETag.
        """
        headers = response.headers
        etag = headers.get("ETag") or state.etag(self._end(call, state, digits))
        if etag is not None:
            headers["ETag"] = etag
        if state.modified is not None:
            headers.setdefault("Last-Modified", http_date(state.modified))
        if etag is None and state.modified is None:
            return response
        headers.setdefault("Cache-Control", _CACHE_CONTROL)
        # This reads only headers, so it accepts streams too.
        judged = get_conditional_response(
            call.request,
            etag=etag,
            last_modified=state.modified,
            response=cast("HttpResponse", response),
        )
        if judged is None:
            return response
        if judged.status_code == 412:
            raise PreconditionFailed
        return judged

    def _end(self, call: Call, state: Validator, digits: str | None) -> str:
        """Return the end of the ETag, which differs for each representation of a state: schema, bytes and format."""
        ends = [self._fingerprint] if state.derived else []
        if digits is not None:
            ends.append(digits)
        formats = call.formats
        if formats is not None and self._condition.etag is not True:
            with suppress(NotAcceptable):
                chosen = formats.select(call.request)
                variant = chosen.variant(call.request)
                if chosen is not formats.default or variant != chosen.name:
                    ends.append(variant)
        return "-".join(ends)


class _GuardingHook(ConditionalHook):
    """The hook of a view that writes. Nothing is stored before the condition was accepted."""

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Run the view in a transaction until ``check_preconditions`` accepts the condition."""
        noted: _Request = call.state[self]
        if noted.unchecked:
            noted.writes = HeldWrites()
        try:
            yield
        except BaseException:
            noted.abandon()
            raise
        noted.end()

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route, in the thread that runs its queries."""
        noted: _Request = call.state[self]
        if noted.unchecked:
            noted.writes = await sync_to_async(HeldWrites)()
        try:
            yield
        except BaseException:
            if noted.writes is not None:
                await sync_to_async(noted.abandon)()
            raise
        if noted.writes is not None:
            await sync_to_async(noted.end)()


def _fingerprint(operation: Operation) -> str:
    """Return a hash of the response schema: after a new release, the same row may have another response."""
    model = operation.response_models.get(200)
    if model in (None, NOT_SET):
        return digest(None)[:8]
    options = [operation.by_alias, operation.exclude_unset, operation.exclude_defaults]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schema = model.model_json_schema(mode="serialization")
    except Exception:  # noqa: BLE001 - use the fields' names if JSON Schema cannot describe the schema
        schema = sorted(model.model_fields)
    return digest(schema, options, operation.exclude_none)[:8]
