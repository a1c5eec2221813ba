"""Keeps the context of a request for its stream, which is read after the request has ended, maybe by another thread."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from django_matt.streams import close_stream, close_stream_async
from django_matt.upstream import ROUTE_CONTEXT_VAR

__all__ = ["keep_context", "keep_in_streams"]

T = TypeVar("T")

_KEPT: list[ContextVar[Any]] = [ROUTE_CONTEXT_VAR]


def keep_in_streams(variable: ContextVar[Any]) -> None:
    """Let a context variable have in a request's stream the value that it had when the view returned.

    The stream is read after the request has ended, maybe by another thread. All other variables are those of the reader.
    """
    if variable not in _KEPT:
        _KEPT.append(variable)


def keep_context(items: Any) -> Any:
    """Return an iterator, sync or async as ``items`` is, that makes each item with the variables' values of now."""
    values = _Values()
    if hasattr(items, "__aiter__"):
        return values.iterate_async(items)
    return values.iterate(items)


class _Values:
    """The values of the variables that a stream keeps, for each of its steps."""

    def __init__(self) -> None:
        """Keep the values of now."""
        self._values = [
            (variable, variable.get()) for variable in _KEPT if variable.get(None) is not None
        ]

    def run(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function with these values."""
        tokens = [(variable, variable.set(value)) for variable, value in self._values]
        try:
            return step(*arguments)
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)

    def iterate(self, items: Iterator[T]) -> Generator[T]:
        """Yield the items, each of them made with these values."""
        try:
            while True:
                try:
                    item = self.run(next, items)
                except StopIteration:
                    return
                yield item
        finally:
            self.run(close_stream, items)

    async def iterate_async(self, items: AsyncIterator[T]) -> AsyncIterator[T]:
        """Do the same for an async iterator."""
        try:
            while True:
                try:
                    item = await _Kept(self, anext(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            await _Kept(self, close_stream_async(items))


class _Kept(Generic[T]):
    """Runs each step of a coroutine with kept values, in the task that awaits this."""

    def __init__(self, kept: _Values, awaited: Awaitable[T]) -> None:
        self._run = kept.run
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, T]:
        steps: Any = self._awaited.__await__()
        step, given = steps.send, None
        while True:
            try:
                waited = self._run(step, given)
            except StopIteration as done:
                result: T = done.value
                return result
            try:
                given = yield waited
                step = steps.send
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is the coroutine's
                step, given = steps.throw, error
