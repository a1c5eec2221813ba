"""An operation's ``run``, sync and async: it passes a request through the steps, and handles exceptions around them."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.errors.answering import INSIDE, answer_error, arrived, challenged
from django_matt.errors.calls import attach_operation
from django_matt.errors.middlewares import leaves_view
from django_matt.steps import Binding, challenge_of, non_atomic_marks
from django_matt.upstream import ROUTE_CONTEXT_VAR

__all__ = ["answer_outside", "bind_run"]

_logger = logging.getLogger("django.request")


def bind_run(operation: Operation, binding: Binding) -> Callable[..., Any]:
    """Return the ``run`` of an operation: ``run(request, **path_parameters) -> HttpResponse``, async where it is.

    The first request decides the ``Steps``. Both functions run the same steps, and differ only in what they await.
    """
    return _bind_async(binding) if operation.is_async else _bind_sync(binding)


def _bind_sync(binding: Binding) -> Callable[..., HttpResponseBase]:
    def run(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        steps = binding.current or binding.bind()
        started = time.time() if steps.logs and _logger.isEnabledFor(logging.INFO) else None
        context = None
        try:
            context = steps.enter(request, path)
            for step in steps.before:
                refused: HttpResponseBase | None = step(context)
                if refused is not None:
                    return refused
            made: HttpResponseBase = steps.respond(context)
            if started is not None:
                steps.log(request, logging.INFO, time.time() - started)
            return made
        except Exception as error:
            answered: HttpResponseBase | None = steps.fail(request, error)
            if answered is None:
                raise
            return answered
        finally:
            ROUTE_CONTEXT_VAR.set(None)
            if context is not None:
                # The two know each other: the request and its answer would wait for the garbage collector.
                context.controller = None

    return run


def _bind_async(binding: Binding) -> Callable[..., Awaitable[HttpResponseBase]]:
    async def run(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        steps = binding.current or binding.bind()
        started = time.time() if steps.logs and _logger.isEnabledFor(logging.INFO) else None
        context = None
        try:
            context = steps.enter(request, path)
            for step in steps.before:
                pending = step(context)
                if pending is not None:
                    refused: HttpResponseBase | None = await pending
                    if refused is not None:
                        return refused
            made: HttpResponseBase = await steps.respond(context)
            if started is not None:
                steps.log(request, logging.INFO, time.time() - started)
            return made
        except Exception as error:
            answered = steps.fail(request, error)
            if answered is None:
                raise
            return await arrived(answered)
        finally:
            ROUTE_CONTEXT_VAR.set(None)
            if context is not None:
                # The two know each other: the request and its answer would wait for the garbage collector.
                context.controller = None

    return run


def answer_outside(api: Any, operation: Operation, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorated ``run`` that handles exceptions outside of its decorators.

    Exceptions of the view's decorators are handled like those of the operation.
    """
    challenge = challenge_of(operation)
    non_atomic = non_atomic_marks(operation)

    def leave(marks: dict[str, Any], request: HttpRequest) -> bool:
        # A transaction of a decorator's is checked when it ends: what it refuses, the request may have named.
        attach_operation(request, operation)
        marks[INSIDE] = False
        marks.setdefault("_matt_challenge", challenge)
        marks.update(non_atomic)
        return leaves_view(request)

    def answered(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        marks = request.__dict__
        before = marks.get(INSIDE)
        marks[INSIDE] = True
        try:
            made: HttpResponseBase = run(request, **path)
        except Exception as error:
            if leave(marks, request):
                raise
            made = challenged(answer_error(api, request, error), challenge)
        finally:
            marks[INSIDE] = before
        return made

    async def answered_async(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        marks = request.__dict__
        before = marks.get(INSIDE)
        marks[INSIDE] = True
        try:
            # Ninja's own operations return the coroutine of an async handler.
            made = await arrived(await run(request, **path))
        except Exception as error:
            if leave(marks, request):
                raise
            made = await arrived(challenged(answer_error(api, request, error), challenge))
        finally:
            marks[INSIDE] = before
        return made

    return answered_async if operation.is_async else answered
