"""The hooks by which an operation obeys the scopes of its API."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.hooks import Call, OperationHook
from django_matt.scopes.current import CURRENT, entered
from django_matt.scopes.keys import ChecksKeys
from django_matt.scopes.queries import RequestScopes, reads
from django_matt.scopes.registry import Scopes
from django_matt.stream_contexts import keep_context
from django_matt.streams import Event, close_stream, close_stream_async

__all__ = ["EntersScopes", "NarrowsResults", "add_scope", "settled"]


def add_scope(api: Any, model: Any, narrow: Any) -> None:
    """Add a scope to an API, and with the first one the hooks that obey it; see ``MattAPI.add_scope``."""
    for hook in (EntersScopes, NarrowsResults, ChecksKeys):
        api.add_hook(hook)
    if api.scopes is None:
        api.scopes = Scopes()
    api.scopes.add(model, narrow)


class EntersScopes(OperationHook):
    """Lets the managers know the request, from the first hook after authentication to the finished response."""

    order = -1_000

    _problem: str | None = None

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Let the managers of the API's narrowed models narrow."""
        hook = cls()
        # The system check has the others, with hints. Until they are fixed, nothing is answered.
        hook._problem = next((problem for problem, _ in api.scopes.problems()), None)
        if hook._problem is None:
            api.scopes.install()
        return hook

    def _enter(self, call: Call) -> RequestScopes:
        if self._problem is not None:
            raise ImproperlyConfigured(self._problem)
        scopes: Any = call.api.scopes
        scopes.install()
        call.state[self] = CURRENT.get()
        current = RequestScopes(scopes, call.request)
        CURRENT.set(current)
        return current

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Begin."""
        self._enter(call)
        return None

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Begin, with every scope asked: one that queries cannot do so on the event loop later."""
        current = self._enter(call)
        try:
            current.ask()
        except SynchronousOnlyOperation:
            await sync_to_async(current.ask)()
        return None

    def _leave(self, call: Call) -> None:
        if self in call.state:
            CURRENT.set(call.state.pop(self))

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """End after the view and its response, whatever they raise."""
        try:
            yield
        finally:
            self._leave(call)

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route."""
        try:
            yield
        finally:
            self._leave(call)

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """End where another hook has answered instead of the view."""
        self._leave(call)
        return None

    async def aanswered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do the same on an async route."""
        self._leave(call)
        return None


class NarrowsResults(OperationHook):
    """Narrows the querysets that a view returns, and refuses instances that the request may not read."""

    order = 1_000

    def result(self, call: Call, result: Any) -> Any:
        """Return the result narrowed; raise ``OutOfScope`` for what cannot be."""
        if isinstance(result, HttpResponseBase):
            return _kept(result)
        if _streams(call):
            return _checked(result)
        return _settle(result)

    async def aresult(self, call: Call, result: Any) -> Any:
        """Do the same on an event loop, which is left where instances must be looked up."""
        if isinstance(result, HttpResponseBase):
            return _kept(result)
        if _streams(call):
            return _checked_async(result) if hasattr(result, "__aiter__") else _checked(result)
        return await _settle_async(result)


@contextmanager
def settled(api: Any, request: HttpRequest | None, value: Any) -> Iterator[Any]:
    """Give what a request to an API may read of a value, and let the rest be read as that request may."""
    with entered(api, request):
        yield _settle(value)


def _streams(call: Call) -> bool:
    return call.operation.stream_format is not None


def _current() -> RequestScopes:
    current = CURRENT.get()
    if current is None:
        raise RuntimeError("The view has left the scopes of its request.")
    return current


def _settle(value: Any) -> Any:
    loaded: list[Model] = []
    current = _current()
    settled = current.settle(value, loaded)
    if loaded:
        current.verify(loaded)
    return settled


async def _settle_async(value: Any) -> Any:
    if reads(value):
        return await sync_to_async(_settle)(value)
    loaded: list[Model] = []
    current = _current()
    settled = current.settle(value, loaded)
    if loaded:
        await sync_to_async(current.verify)(loaded)
    return settled


def _kept(response: Any) -> Any:
    """Let a response of the view's own read as its request may where that happens later: a stream, or a template."""
    if response.streaming:
        # A file is handed to the server as it is.
        if getattr(response, "file_to_stream", None) is None:
            response.streaming_content = keep_context(response.streaming_content)
    elif not getattr(response, "is_rendered", True):
        current = CURRENT.get()

        def render() -> Any:
            vars(response).pop("render", None)  # a response may be pickled, for a cache
            token = CURRENT.set(current)
            try:
                return response.render()
            finally:
                CURRENT.reset(token)

        response.render = render
    return response


def _data(item: Any) -> Any:
    return item.data if isinstance(item, Event) else item


def _with_data(item: Any, data: Any) -> Any:
    if data is _data(item):
        return item
    return replace(item, data=data) if isinstance(item, Event) else data


def _checked(items: Any) -> Iterator[Any]:
    """Check each item of a stream."""
    try:
        for item in items:
            yield _with_data(item, _settle(_data(item)))
    finally:
        close_stream(items)


async def _checked_async(items: Any) -> AsyncIterator[Any]:
    try:
        async for item in items:
            yield _with_data(item, await _settle_async(_data(item)))
    finally:
        await close_stream_async(items)
