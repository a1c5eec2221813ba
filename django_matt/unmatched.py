"""Requests that no operation handles (404 or 405), for hooks with ``bind_unmatched``."""

import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from django_matt.errors.answering import answer_error, arrived
from django_matt.hook_chains import bind_answered, bind_received
from django_matt.hooks import OperationHook

__all__ = ["bind_unmatched"]

logger = logging.getLogger("django_matt")


class _Unmatched:
    """Takes the place of an operation, with the attributes that the chains of hooks read."""

    def __init__(self, hooks: tuple[OperationHook, ...], *, is_async: bool) -> None:
        self._matt_hooks = hooks
        self.is_async = is_async


def bind_unmatched(
    api: Any, refuse: Callable[..., Any], *, is_async: bool = False
) -> Callable[..., Any]:
    """Return a ``refuse(request, **path)`` that calls the hooks before and after it.

    It is returned unchanged if no hook handles such requests.
    """
    hooks = _bind_hooks(api)
    if not hooks:
        return refuse
    stand_in: Any = _Unmatched(hooks, is_async=is_async)
    received = bind_received(stand_in, refuse)

    def answer(request: HttpRequest, /, **path: Any) -> Any:
        try:
            return received(request, **path)
        except Exception as error:  # noqa: BLE001 - what a hook raises is answered
            return answer_error(api, request, error)

    async def answer_async(request: HttpRequest, /, **path: Any) -> Any:
        try:
            return await received(request, **path)
        except Exception as error:  # noqa: BLE001 - the same
            return await arrived(answer_error(api, request, error))

    return bind_answered(api, stand_in, answer_async if is_async else answer)


def _bind_hooks(api: Any) -> tuple[OperationHook, ...]:
    found: list[OperationHook] = []
    for kind in sorted(api.hooks, key=lambda kind: kind.order):
        try:
            hook = kind.bind_unmatched(api)
        except Exception as error:
            name = f"{kind.__module__}.{kind.__qualname__}"
            problem = f"The hook {name} gets no unknown URLs: {type(error).__name__}: {error}"
            if problem not in api.hook_problems:
                logger.exception("%s", problem)
                api.hook_problems.append(problem)
            continue
        if hook is not None:
            found.append(hook)
    return tuple(found)
