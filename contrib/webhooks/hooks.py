"""The hook of a route with ``@webhook``: it verifies the signature, and lets each webhook through once."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.webhooks.decorators import Webhook
from django_matt.contrib.webhooks.receipts import Receipt
from django_matt.contrib.webhooks.signatures import is_signed
from django_matt.decorators import get_metadata
from django_matt.errors.exceptions import SAFE, BadRequest, NotAuthenticated
from django_matt.hooks import Call, OperationHook

__all__ = ["WebhookHook"]

_TOLERANCE = 300
"""How many seconds the time of a webhook may be away from the clock, both ways."""
# Without a full stop, which separates what is signed.
_ID = re.compile(r"[!-\-/-~]{1,255}")
_TIME = re.compile(r"[0-9]{1,12}")
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class _Request:
    """The state of one request."""

    __slots__ = ("digest", "status")

    def __init__(self, digest: str) -> None:
        self.digest = digest
        self.status = 500


class WebhookHook(OperationHook):
    """Verifies a webhook before authentication, and runs the view in a transaction with its receipt."""

    order = -200  # outside of hooks that compare what a client has read with what the view writes

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route with ``@webhook``; raise ``ImproperlyConfigured`` if the route only reads."""
        found: Webhook | None = get_metadata("webhook", operation.view_func)
        if found is None:
            return None
        name = f"@webhook of {operation.view_func.__name__}"
        if set(operation.methods) & SAFE:
            raise ImproperlyConfigured(f"{name}: webhooks are sent by POST.")
        if operation.stream_format is not None:
            raise ImproperlyConfigured(f"{name}: nobody reads a stream that answers a webhook.")
        return cls(found)

    def __init__(self, webhook: Webhook) -> None:
        """Take the arguments of the route's decorator."""
        self._webhook = webhook

    def received(self, call: Call) -> HttpResponseBase | None:
        """Verify the webhook; raise ``NotAuthenticated`` or ``BadRequest`` if something is wrong."""
        request = call.request
        message_id, stamp, signature = (request.headers.get(name) for name in _HEADERS)
        if message_id is None or stamp is None or signature is None:
            raise NotAuthenticated(
                f"A webhook has the headers {', '.join(_HEADERS)}.", code="webhook_unsigned"
            )
        if not _ID.fullmatch(message_id) or not _TIME.fullmatch(stamp):
            raise BadRequest(
                "The webhook-id or the webhook-timestamp is malformed.", code="webhook_malformed"
            )
        seconds = int(stamp)
        if abs(time.time() - seconds) > _TOLERANCE:
            raise NotAuthenticated(
                "The webhook-timestamp is more than five minutes away from the time of the server.",
                code="webhook_time",
            )
        keys = self._webhook.keys(request)
        if not is_signed(keys, signature, message_id, seconds, request.body):
            raise NotAuthenticated("The webhook-signature is wrong.", code="webhook_signature")
        # The path: senders do not share their ids.
        digest = sha256(f"{request.path}\n{message_id}".encode("utf-8", "replace")).hexdigest()
        call.state[self] = _Request(digest)
        return None

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Run the view in a transaction with the receipt, or answer if there is one already."""
        state: _Request = call.state[self]
        receipt = Receipt(state.digest)
        if not receipt.begin():
            call.answer = HttpResponse(status=204)
            yield
            return
        try:
            yield
        except BaseException:
            _drop(receipt)
            raise
        receipt.end(keep=state.status < 400)

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route, in the thread that runs its queries."""
        state: _Request = call.state[self]
        receipt = Receipt(state.digest)
        if not await _begin(receipt):
            call.answer = HttpResponse(status=204)
            yield
            return
        try:
            yield
        except BaseException:
            await sync_to_async(_drop)(receipt)
            raise
        await sync_to_async(receipt.end)(keep=state.status < 400)

    def response(self, call: Call, response: HttpResponseBase) -> None:
        """Note the status: what is answered with an error is sent again."""
        state: _Request | None = call.state.get(self)
        if state is not None:
            state.status = response.status_code

    async def aresponse(self, call: Call, response: HttpResponseBase) -> None:
        """Do the same on an async route."""
        self.response(call, response)

    def error_statuses(self, method: str) -> list[int]:
        """Return the statuses of a webhook that is malformed, wrongly signed, or too large."""
        return [400, 401, 413]

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Add the headers to the OpenAPI document, and the response to a repetition."""
        details.setdefault("parameters", []).extend(
            {"in": "header", "name": name, "required": True, "schema": {"type": "string"}}
            for name in _HEADERS
        )
        details["responses"].setdefault(204, {"description": "The webhook was processed before."})


def _drop(receipt: Receipt) -> None:
    """Roll back without hiding the exception of the view."""
    with suppress(Exception):
        receipt.end(keep=False)


async def _begin(receipt: Receipt) -> bool:
    """Begin in a thread. If the client disconnects meanwhile, wait for the thread, and roll back there."""
    begun = asyncio.ensure_future(sync_to_async(receipt.begin)())
    try:
        return await asyncio.shield(begun)
    except asyncio.CancelledError:
        with suppress(Exception):
            if await begun:
                await sync_to_async(_drop)(receipt)
        raise
