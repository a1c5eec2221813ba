"""Computes an old response again, in a thread of its own, while clients get the old one."""

import copy
import logging
from threading import BoundedSemaphore, Thread
from typing import Any

from asgiref.sync import async_to_sync
from django.db import connections
from django.http import HttpRequest
from django.utils import timezone, translation

from django_matt.hooks import CALL, Call
from django_matt.upstream import ROUTE_CONTEXT_VAR

__all__ = ["REFRESHED_KEY", "start_refresh"]

REFRESHED_KEY = "_matt_caching_key"
"""The attribute of a request that is repeated, with the key whose response it computes."""
_MOST = 4

_logger = logging.getLogger(__name__)
_slots = BoundedSemaphore(_MOST)


def start_refresh(call: Call, hook: Any, key: str, early: Any) -> bool:
    """Call the view again for a copy of the request that was admitted; return whether that has begun.

    Authentication and throttles do not run again: the client has sent one request.
    """
    if not _slots.acquire(blocking=False):
        return False
    repeated = Call(_repeat(call.request, key), call.operation, call.api, call.path)
    repeated.state[hook] = early
    context: Any = copy.copy(call.context)
    context.request, context.call, context.made = repeated.request, None, None
    if context.controller is not None:
        context.controller = copy.copy(context.controller)
        context.controller.context = context
    repeated.request.__dict__[CALL] = repeated
    around = (translation.get_language(), timezone.get_current_timezone())
    Thread(
        target=_refresh, args=(context, *around), name="matt-caching-refresh", daemon=True
    ).start()
    return True


def _repeat(request: Any, key: str) -> HttpRequest:
    repeated: Any = copy.copy(request)
    repeated.META = {**request.META}
    marks = repeated.__dict__
    marks[REFRESHED_KEY] = key
    if "session" in marks:
        marks["session"] = copy.copy(marks["session"])
    return repeated  # type: ignore[no-any-return]


def _refresh(context: Any, language: Any, zone: Any) -> None:
    operation = context.operation
    try:
        ROUTE_CONTEXT_VAR.set(context)
        respond = operation._matt_binding.steps.respond
        with translation.override(language), timezone.override(zone):
            if operation.is_async:
                response = async_to_sync(_arrive)(respond, context)
            else:
                response = respond(context)
        response.close()
    except Exception:
        _logger.exception("A response could not be computed again: %s", context.request.path)
    finally:
        connections.close_all()
        _slots.release()


async def _arrive(respond: Any, context: Any) -> Any:
    return await respond(context)
