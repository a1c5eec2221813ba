"""How an operation calls its hooks, decided once: the steps around authentication, and those around its view."""

from collections.abc import Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
)
from functools import partial
from typing import Any, TypeGuard

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.decorators import needed_hooks
from django_matt.errors.answering import answer_error, arrived
from django_matt.errors.middlewares import FINISH
from django_matt.hooks import CALL, Call, OperationHook, bound_hooks

__all__ = [
    "HookUnbound",
    "bind_answered",
    "bind_hooks",
    "bind_received",
    "bind_view",
    "has_outside_hooks",
    "see_page",
    "see_page_async",
    "sees_page",
]

_INSIDE = ("admitted", "around", "result", "response")


class HookUnbound(Exception):  # noqa: N818 - a reason, shown by the system check
    """A hook that cannot be bound to an operation, and why."""


def bind_hooks(api: Any, operation: Operation, *, only_outside: bool) -> None:
    """Bind the API's hooks to an operation; raise ``HookUnbound`` for the first that fails.

    With ``only_outside``, the operation keeps its own ``run``, inside of which hooks cannot be called.
    """
    found: list[OperationHook] = []
    kinds: list[type[OperationHook]] = list(api.hooks)
    added = {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds}
    for decorator, path in needed_hooks(operation.view_func).items():
        if isinstance(path, type):
            kinds += [path] if path not in kinds else []
        elif path not in added:
            raise HookUnbound(
                f"@{decorator} needs the hook {path}, which no app has added to this API. "
                "Add its app to INSTALLED_APPS."
            )
    for kind in sorted(kinds, key=lambda kind: kind.order):
        name = f"{kind.__module__}.{kind.__qualname__}"
        try:
            hook = kind.bind(operation, api)
        except Exception as error:
            raise HookUnbound(
                f"The hook {name} cannot be bound: {type(error).__name__}: {error}"
            ) from error
        if hook is None:
            continue
        if only_outside and any(_defines(hook, each) for each in _INSIDE):
            raise HookUnbound(
                f"The hook {name} does not work with {type(operation).__name__}, an operation class that is not "
                "Ninja's."
            )
        if not operation.is_async and _has(hook, "aaround") and not _has(hook, "around"):
            raise HookUnbound(
                f"The hook {name} has aaround() and no around(), which a sync route needs."
            )
        found.append(hook)
    if found:
        operation._matt_hooks = tuple(found)  # type: ignore[attr-defined]


def _has(hook: OperationHook, name: str) -> bool:
    return getattr(type(hook), name) is not getattr(OperationHook, name)


def _defines(hook: OperationHook, name: str) -> bool:
    """Tell whether a hook's class defines a method, or its async twin."""
    return _has(hook, name) or _has(hook, f"a{name}")


_Numbered = list[tuple[int, Callable[..., Any]]]
"""Methods of hooks, each with the index of its hook."""


def _methods(operation: Operation, name: str, *, reverse: bool = False) -> _Numbered:
    """Return the methods of one name, as the operation calls them: an async operation awaits them."""
    choose = _async_method if operation.is_async else _sync_method
    found = [
        (number, choose(hook, name))
        for number, hook in enumerate(bound_hooks(operation))
        if _defines(hook, name)
    ]
    return found[::-1] if reverse else found


def _sync_method(hook: OperationHook, name: str) -> Callable[..., Any]:
    if _has(hook, name):
        method: Callable[..., Any] = getattr(hook, name)
        return method
    return async_to_sync(getattr(hook, f"a{name}"))


def _async_method(hook: OperationHook, name: str) -> Callable[..., Awaitable[Any]]:
    if _has(hook, f"a{name}"):
        twin: Callable[..., Awaitable[Any]] = getattr(hook, f"a{name}")
        return twin
    method = getattr(hook, name)
    if not hook.never_blocks:
        return sync_to_async(method)

    async def call_directly(*arguments: Any) -> Any:
        return method(*arguments)

    return call_directly


class _Threaded(AbstractAsyncContextManager[Any]):
    """A sync context manager in an async operation: it is entered and left in the thread of the request's queries."""

    def __init__(
        self,
        make: Callable[[Call], AbstractContextManager[Any]],
        directly: bool,
        call: Call,
    ) -> None:
        self._make = make
        self._call = call
        self._directly = directly

    async def __aenter__(self) -> Any:
        return self._enter() if self._directly else await sync_to_async(self._enter)()

    def _enter(self) -> Any:
        self._manager = self._make(self._call)
        return self._manager.__enter__()

    async def __aexit__(self, *raised: Any) -> Any:
        leave = self._manager.__exit__
        return leave(*raised) if self._directly else await sync_to_async(leave)(*raised)


def bind_view(
    api: Any, operation: Operation, answer: Any, view: Callable[[Any, dict[str, Any]], Any]
) -> Callable[[Any, dict[str, Any]], Any] | None:
    """Return ``view(context, values)`` and the making of its response with the hooks that go around these.

    ``None`` if no hook does. ``answer`` is what makes the operation's responses.
    """
    if not any(_defines(hook, name) for hook in bound_hooks(operation) for name in _INSIDE):
        return None
    bind = _bind_view_async if operation.is_async else _bind_view_sync
    return bind(api, operation, answer, view)


def _call_of(context: Any, operation: Operation, api: Any, values: dict[str, Any]) -> Call:
    """Return the call of a request, which outside hooks may have seen already."""
    call: Call | None = context.request.__dict__.get(CALL)
    if call is None or call.operation is not operation:
        call = Call(context.request, operation, api, context.path)
    call.context, call.values, call._result_seen, call.answer = context, values, False, None
    return call


def _ended(call: Call, operation: Operation) -> HttpResponseBase:
    """Return the response of an ``around`` that has skipped the view or ended its exception."""
    if call.answer is not None:
        return call.answer
    raise RuntimeError(
        f"A hook around {operation.view_func.__name__} swallowed an exception, so there is no response. "
        "Let the context manager of the hook raise it again, or set call.answer."
    )


def _bind_view_sync(
    api: Any, operation: Operation, answer: Any, view: Callable[[Any, dict[str, Any]], Any]
) -> Callable[[Any, dict[str, Any]], Any]:
    admitted = _methods(operation, "admitted")
    results = [method for _, method in _methods(operation, "result", reverse=True)]
    responses = _methods(operation, "response", reverse=True)
    make = answer.stream if answer.streams else answer.make

    def respond(call: Call, response: Any, before: int | None) -> Any:
        for number, method in responses:
            if before is None or number < before:
                replaced = method(call, response)
                response = response if replaced is None else replaced
        return response

    def answer_view(call: Call) -> Any:
        context = call.context
        result = view(context, call.values)
        if not call._result_seen:
            for method in results:
                result = method(call, result)
        return respond(call, make(context, result), None)

    def enter(manager: Any, inner: Callable[[Call], Any], call: Call) -> Any:
        with manager(call):
            if call.answer is None:
                return inner(call)
        return _ended(call, operation)

    inside: Callable[[Call], Any] = answer_view
    for hook in reversed(bound_hooks(operation)):
        if _has(hook, "around"):
            inside = partial(enter, hook.around, inside)

    def run(context: Any, values: dict[str, Any]) -> Any:
        call = context.call = _call_of(context, operation, api, values)
        try:
            for number, method in admitted:
                response = method(call)
                if response is not None:
                    return respond(call, response, number)
            return inside(call)
        finally:
            context.call = None  # the two know each other

    _leave_results(operation, results)
    return run


def _bind_view_async(
    api: Any, operation: Operation, answer: Any, view: Callable[[Any, dict[str, Any]], Any]
) -> Callable[[Any, dict[str, Any]], Any]:
    admitted = _methods(operation, "admitted")
    results = [method for _, method in _methods(operation, "result", reverse=True)]
    responses = _methods(operation, "response", reverse=True)
    streams = answer.streams
    make = answer.stream_async if streams else answer.make_async

    async def respond(call: Call, response: Any, before: int | None) -> Any:
        for number, method in responses:
            if before is None or number < before:
                replaced = await method(call, response)
                response = response if replaced is None else replaced
        return response

    async def answer_view(call: Call) -> Any:
        context = call.context
        result = view(context, call.values)
        if not streams:
            result = await result
        if not call._result_seen:
            for method in results:
                result = await method(call, result)
        return await respond(call, await make(context, result), None)

    async def enter(manager: Any, inner: Callable[[Call], Any], call: Call) -> Any:
        async with manager(call):
            if call.answer is None:
                return await inner(call)
        return _ended(call, operation)

    inside: Callable[[Call], Any] = answer_view
    for hook in reversed(bound_hooks(operation)):
        if _defines(hook, "around"):
            has_twin = _has(hook, "aaround")
            in_thread = partial(_Threaded, hook.around, hook.never_blocks)
            inside = partial(enter, hook.aaround if has_twin else in_thread, inside)

    async def run(context: Any, values: dict[str, Any]) -> Any:
        call = context.call = _call_of(context, operation, api, values)
        try:
            for number, method in admitted:
                response = await method(call)
                if response is not None:
                    return await respond(call, response, number)
            return await inside(call)
        finally:
            context.call = None  # the two know each other

    _leave_results(operation, results)
    return run


def _leave_results(operation: Any, results: list[Callable[..., Any]]) -> None:
    """Register the operation's ``result`` methods for ``see_page``."""
    operation._matt_results = results


def sees_page(call: Call | None) -> TypeGuard[Call]:
    """Tell whether hooks want to see what a view passes to its paginator."""
    operation: Any = None if call is None else call.operation
    return call is not None and bool(operation._matt_results) and not call._result_seen


def see_page(call: Call, items: Any) -> Any:
    """Return what the ``result`` hooks make of what a view passes to its paginator; of an async one in a thread too."""
    operation: Any = call.operation
    if operation.is_async:
        return async_to_sync(see_page_async)(call, items)
    call._result_seen = True
    for method in operation._matt_results:
        items = method(call, items)
    return items


async def see_page_async(call: Call, items: Any) -> Any:
    """Do the same on an event loop."""
    operation: Any = call.operation
    call._result_seen = True
    for method in operation._matt_results:
        items = await method(call, items)
    return items


def bind_received(operation: Operation, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``run`` that calls the ``received`` hooks first; it needs ``bind_answered`` around it."""
    received = _methods(operation, "received")
    if not received:
        return run

    def receive(request: HttpRequest, /, **path: Any) -> Any:
        call: Call = request.__dict__[CALL]
        for number, method in received:
            call._reached = number
            response = method(call)
            if response is not None:
                return response
        call._reached = None
        return run(request, **path)

    async def receive_async(request: HttpRequest, /, **path: Any) -> Any:
        call: Call = request.__dict__[CALL]
        for number, method in received:
            call._reached = number
            response = await method(call)
            if response is not None:
                return response
        call._reached = None
        return await run(request, **path)

    return receive_async if operation.is_async else receive


def has_outside_hooks(operation: Operation) -> bool:
    """Tell whether a hook sees the operation from outside."""
    return any(
        _defines(hook, name) for hook in bound_hooks(operation) for name in ("received", "answered")
    )


def bind_answered(api: Any, operation: Operation, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``run`` that calls the ``received`` hooks, and the ``answered`` hooks with every response."""
    answered = _methods(operation, "answered", reverse=True)
    # An unknown URL has a replacement, which is not an Operation.
    shown: Any = operation if isinstance(operation, Operation) else None

    def finish(call: Call, response: Any) -> Any:
        reached = call._reached
        for number, method in answered:
            if reached is None or number < reached:
                try:
                    replaced = method(call, response)
                except Exception as error:  # noqa: BLE001 - answered like an exception of the view
                    replaced = answer_error(api, call.request, error)
                response = response if replaced is None else replaced
        return response

    async def finish_async(call: Call, response: Any) -> Any:
        reached = call._reached
        for number, method in answered:
            if reached is None or number < reached:
                try:
                    replaced = await method(call, response)
                except Exception as error:  # noqa: BLE001 - answered like an exception of the view
                    replaced = await arrived(answer_error(api, call.request, error))
                response = response if replaced is None else replaced
        return response

    def around(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        marks = request.__dict__
        before, call = marks.get(CALL), Call(request, shown, api, path)
        marks[CALL] = call
        try:
            response = run(request, **path)
        except Exception:
            # A middleware of the project sees it first: what it answers, or we do, is seen then.
            marks[FINISH] = partial(finish, call)
            raise
        finally:
            marks[CALL] = before
        made: HttpResponseBase = finish(call, response)
        return made

    async def around_async(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        marks = request.__dict__
        before, call = marks.get(CALL), Call(request, shown, api, path)
        marks[CALL] = call
        try:
            response = await run(request, **path)
        except Exception:
            marks[FINISH] = partial(async_to_sync(finish_async), call)
            raise
        finally:
            marks[CALL] = before
        made: HttpResponseBase = await finish_async(call, response)
        return made

    return around_async if operation.is_async else around
