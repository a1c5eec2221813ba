"""The hook of routes that accept an ``Idempotency-Key``."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.idempotency.decorators import Idempotency, idempotency_of
from django_matt.contrib.idempotency.keys import digest_of, fingerprint_of, read_key
from django_matt.contrib.idempotency.services import Claim
from django_matt.contrib.idempotency.settings import get_settings
from django_matt.errors.answering import INSIDE, answer_error, arrived
from django_matt.errors.exceptions import SAFE
from django_matt.errors.middlewares import leaves_view
from django_matt.errors.registration import find_error
from django_matt.errors.reports import roll_back
from django_matt.hooks import Call, OperationHook

__all__ = ["IdempotencyHook"]

T = TypeVar("T")

_METHODS = frozenset({"POST", "PATCH"})
"""The methods that ``MATT_IDEMPOTENCY["APIS"]`` covers: the others of HTTP are idempotent themselves (RFC 9110, 9.2.2)."""


class _Request:
    """The state of one request with a key."""

    __slots__ = ("claim", "response")

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.response: HttpResponseBase | None = None


class IdempotencyHook(OperationHook):
    """Runs a write and stores its response in one transaction, and answers a repeated request from the store."""

    order = -200  # outside of @conditional: a repeated write must not be compared with what it has changed itself

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route that accepts keys; ``None`` for another.

        Raises ``ImproperlyConfigured`` if the route cannot be repeated.
        """
        own = idempotency_of(operation.view_func)
        chosen = _covered(operation, api) if own is None else own
        if chosen is None or not chosen.enabled:
            return None
        name = f"@idempotent of {operation.view_func.__name__}"
        if set(operation.methods) <= SAFE:
            raise ImproperlyConfigured(
                f"{name}: the route only reads, so clients may repeat it anyway."
            )
        if operation.stream_format is not None:
            raise ImproperlyConfigured(
                f"{name}: a stream cannot be kept, so it cannot be sent again."
            )
        return cls(chosen)

    def __init__(self, chosen: Idempotency) -> None:
        """Take the arguments of the route's decorator."""
        self._chosen = chosen

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Read the key, and return the response of an earlier request."""
        request = call.request
        if request.method in SAFE:
            return None
        key = read_key(request, required=self._chosen.required)
        if key is None:
            return None
        claim = Claim(digest_of(request, key, self._chosen.owner), fingerprint_of(request))
        found = claim.find()
        if found is None:
            call.state[self] = _Request(claim)
        return found

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do the same on an async route, in a thread if there is a key."""
        if call.request.method in SAFE:
            return None
        if read_key(call.request, required=self._chosen.required) is None:
            return None
        return await sync_to_async(self.admitted)(call)

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Run the view in the transaction of its key."""
        noted: _Request | None = call.state.get(self)
        if noted is None:
            yield
            return
        claim = noted.claim
        call.answer = claim.begin()
        if call.answer is not None:
            yield
            return
        try:
            yield
        except Exception as error:
            with _abandoned_if_raised(claim):
                claim.drop_writes()
                response = _answer(call, error)
                if response is None:
                    raise
            claim.keep(response)
            call.answer = response
            _leave_rolled_back(call, response)
        except BaseException:
            _abandon(claim)
            raise
        else:
            _keep(noted)

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route, in the thread that runs its queries."""
        noted: _Request | None = call.state.get(self)
        if noted is None:
            yield
            return
        claim = noted.claim
        call.answer = await _begin(claim)
        if call.answer is not None:
            yield
            return
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever nobody answers is raised again
            try:
                await sync_to_async(claim.drop_writes)()
                found = _answer(call, error)
                if found is None:
                    raise
                response = await arrived(found)
            except BaseException:
                await sync_to_async(_abandon)(claim)
                raise
            await sync_to_async(claim.keep)(response)
            call.answer = response
        except BaseException:
            await sync_to_async(_abandon)(claim)
            raise
        else:
            await sync_to_async(_keep)(noted)

    def response(self, call: Call, response: HttpResponseBase) -> None:
        """Note the response, which is stored when the transaction ends."""
        noted: _Request | None = call.state.get(self)
        if noted is not None:
            noted.response = response

    async def aresponse(self, call: Call, response: HttpResponseBase) -> None:
        """Do the same on an async route."""
        self.response(call, response)

    def error_statuses(self, method: str) -> list[int]:
        """Return the statuses of a key that is missing, in use, or used for something else."""
        return [] if method in SAFE else [400, 409, 422]

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Add the headers to the OpenAPI document."""
        if method in SAFE:
            return
        details.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "description": "A random key, such as a UUID. Send the same one to repeat a request safely.",
                "required": self._chosen.required,
                "schema": {"type": "string", "minLength": 1, "maxLength": 257},
            }
        )
        header = {
            "description": "Present if this is the response of an earlier request.",
            "schema": {"type": "string", "enum": ["true"]},
        }
        for status, response in details["responses"].items():
            if str(status).startswith("2"):
                response["headers"] = {
                    **response.get("headers", {}),
                    "Idempotency-Replayed": header,
                }


def _covered(operation: Operation, api: Any) -> Idempotency | None:
    """Return the options of a route without a decorator, if the settings name its API."""
    named = get_settings().APIS
    if "*" not in named and api.urls_namespace not in named:
        return None
    accepts = set(operation.methods) & _METHODS and operation.auth_callbacks
    return Idempotency() if accepts and operation.stream_format is None else None


def _answer(call: Call, error: Exception) -> Any:
    """Return the response to an exception of the view if the client is at fault; ``None`` if it must be raised again.

    On an event loop it may be a coroutine of the response.
    """
    request, operation = call.request, call.operation
    binding: Any = operation._matt_binding  # type: ignore[attr-defined]
    response = binding.steps.fail(request, error)
    if response is not None:
        return response
    # It would be answered outside of the operation, after the transaction.
    if leaves_view(request):
        return None
    found = find_error(call.api, request, error)
    if found is None or found.status >= 500:
        return None
    marks = request.__dict__
    before, marks[INSIDE] = marks.get(INSIDE), False
    try:
        return answer_error(call.api, request, error)
    finally:
        marks[INSIDE] = before


def _leave_rolled_back(call: Call, response: HttpResponseBase) -> None:
    """Mark the transaction of ``ATOMIC_REQUESTS`` again: that of the key has ended between the error and it."""
    if response.status_code >= 500:
        roll_back(call.request)


def _keep(noted: _Request) -> None:
    if noted.response is None:
        noted.claim.abandon()
        raise RuntimeError(
            "A hook inside of the idempotency hook has answered, so there is nothing to keep."
        )
    noted.claim.keep(noted.response)


def _abandon(claim: Claim) -> None:
    """Roll back without hiding the exception of the view."""
    with suppress(DatabaseError):
        claim.abandon()


@contextmanager
def _abandoned_if_raised(claim: Claim) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _abandon(claim)
        raise


async def _begin(claim: Claim) -> HttpResponseBase | None:
    """Claim the key in a thread. If the client disconnects meanwhile, wait for the thread, and roll back there."""
    begun = asyncio.ensure_future(_in_thread(claim.begin))
    try:
        return await asyncio.shield(begun)
    except asyncio.CancelledError:
        with suppress(Exception):
            await begun
        await sync_to_async(_abandon)(claim)
        raise


async def _in_thread(function: Callable[[], T]) -> T:
    return await sync_to_async(function)()
