"""The hook of routes with ``@cached``: it answers before the view, and stores what the view answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.caching.answers import WAIT, Answers, Asked
from django_matt.contrib.caching.decorators import caching_of
from django_matt.contrib.caching.loads import Load, current_load
from django_matt.contrib.caching.sights import Sight, watch
from django_matt.contrib.caching.stores import get_store
from django_matt.contrib.caching.validity import uses_versions
from django_matt.hooks import Call, OperationHook

__all__ = ["CachingHook"]

_POLL = 0.01


class CachingHook(OperationHook):
    """Answers from the cache, or stores the response of the view."""

    # Outside of @conditional: a stored response has its ETag, and a 304 needs no query.
    order = -150
    never_blocks = True  # each method that may wait has an async version

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route with ``@cached``; ``None`` for another.

        Raises ``ImproperlyConfigured`` if the responses of the route cannot be stored.
        """
        caching = caching_of(operation.view_func)
        if caching is None:
            return None
        name = f"@cached of {operation.view_func.__name__}"
        if not set(operation.methods) <= {"GET", "HEAD"}:
            raise ImproperlyConfigured(f"{name}: only routes for GET and HEAD can be cached.")
        if operation.stream_format is not None:
            raise ImproperlyConfigured(f"{name}: a stream cannot be stored.")
        try:
            answers = Answers(operation, api, caching)
        except ImproperlyConfigured as error:
            raise ImproperlyConfigured(f"{name}: {error}") from error
        kind = _SeesEarly if answers.sees_early else cls
        return cast("Self", kind(answers, is_async=operation.is_async))

    def __init__(self, answers: Answers, *, is_async: bool) -> None:
        """Take the responses of the route."""
        self.answers = answers
        answers.hook = self
        self._is_async = is_async

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Return the stored response, also of another request that computes it just now."""
        noted = call.state[self] = self.answers.note(call, call.state.get(self))
        while True:
            step: Any = self.answers.look(call, noted)
            if step is not WAIT:
                return step  # type: ignore[no-any-return]
            time.sleep(_POLL)

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do the same on an async route: in a thread if the cache or the user is somewhere else."""
        early = call.state.get(self)
        try:
            noted = self.answers.note(call, early)
        except SynchronousOnlyOperation:
            noted = await sync_to_async(self.answers.note)(call, early)
        current_load.set(None)
        call.state[self] = noted
        while True:
            step = await _run(self.answers.look, call, noted)
            if step is not WAIT:
                return step  # type: ignore[no-any-return]
            await asyncio.sleep(_POLL)

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """See what the view reads."""
        noted: Asked | None = call.state.get(self)
        if noted is None or noted.reason is not None:
            yield
            return
        if noted.leased:
            self.answers.extend(noted)
        self._begin(call, noted)
        try:
            yield
        finally:
            _end(noted)
            self.answers.pass_on(noted)

    @asynccontextmanager
    async def aaround(self, call: Call) -> AsyncIterator[None]:
        """Do the same on an async route."""
        noted: Asked | None = call.state.get(self)
        if noted is None or noted.reason is not None:
            yield
            return
        if noted.leased:
            await _run(self.answers.extend, noted)
        self._begin(call, noted)
        try:
            yield
        finally:
            _end(noted)
            if noted.leased:
                await _run(self.answers.pass_on, noted)

    def _begin(self, call: Call, noted: Asked) -> None:
        keys = self.answers.keys
        noted.load = Load(is_async=self._is_async, trusts=uses_versions())
        noted.sight = Sight(noted.of.known)
        names = None if keys.query is None else (*keys.query, *_format_parameter(call))
        is_secret = not (keys.is_shared or noted.of.has_user)
        noted.watch = watch(call.request, noted.sight, names=names, is_secret=is_secret)
        noted.watch.__enter__()
        current_load.set(noted.load)

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase:
        """Store the response, and answer 304 if the client has it."""
        noted: Asked | None = call.state.get(self)
        if noted is None:
            return response
        _end(noted)
        self.answers.store(noted, self.answers.prepare(call, noted, response))
        return self.answers.finish(call, noted, response)

    async def aresponse(self, call: Call, response: HttpResponseBase) -> HttpResponseBase:
        """Do the same on an async route."""
        noted: Asked | None = call.state.get(self)
        if noted is None:
            return response
        _end(noted)
        stored = self.answers.prepare(call, noted, response)
        if stored is not None or noted.leased:
            await _run(self.answers.store, noted, stored)
        return self.answers.finish(call, noted, response)

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Add the header to the OpenAPI document."""
        header = {
            "description": "How many seconds ago the response was computed, if it was stored.",
            "schema": {"type": "integer", "minimum": 0},
        }
        for status, response in details["responses"].items():
            if str(status) == "200":
                response.setdefault("headers", {})["Age"] = header


class _SeesEarly(CachingHook):
    """Also sees what authentication and permissions read: the response depends on it."""

    def received(self, call: Call) -> None:
        """Begin to see it."""
        early = call.state[self] = self.answers.begin()
        current_load.set(early)

    async def areceived(self, call: Call) -> None:
        """Do the same on an async route."""
        early = call.state[self] = await _run(self.answers.begin)
        current_load.set(early)


def _format_parameter(call: Call) -> tuple[str, ...]:
    name = getattr(call.formats, "format_parameter", None)
    return () if name is None else (name,)


def _end(noted: Asked) -> None:
    """Watch no longer, and show what the client sent again."""
    current_load.set(None)
    watching, noted.watch = noted.watch, None
    if watching is not None:
        watching.__exit__(None, None, None)


async def _run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Use the cache: memory on the event loop, another one in a thread."""
    if get_store().is_local:
        return function(*arguments)
    return await sync_to_async(function)(*arguments)
