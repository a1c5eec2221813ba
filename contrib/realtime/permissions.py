"""``allow``: whether a request may have a stream or a socket, decided by a sync or an async function of the project."""

from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_matt.errors.exceptions import PermissionDenied

__all__ = ["Allow", "check_callable", "require", "require_async"]

Allow = Callable[..., Any] | None


def check_callable(allow: Any, name: str) -> None:
    """Raise ``ImproperlyConfigured`` for an ``allow`` that cannot be called."""
    if allow is not None and not callable(allow):
        raise ImproperlyConfigured(
            f"allow={allow!r} of {name} must be a function of the request, sync or async."
        )


def require(allow: Allow, request: HttpRequest, **parameters: Any) -> None:
    """Raise ``PermissionDenied`` unless ``allow`` returns something true; from sync code."""
    if allow is None:
        return
    found = allow(request, **parameters)
    if isawaitable(found):
        found = async_to_sync(_wait)(found)
    if not found:
        raise PermissionDenied


async def require_async(allow: Allow, request: HttpRequest, **parameters: Any) -> None:
    """Do the same from async code; a sync function is called in a thread."""
    if allow is None:
        return
    is_async = iscoroutinefunction(allow) or iscoroutinefunction(type(allow).__call__)
    call = allow if is_async else sync_to_async(allow)
    found = await call(request, **parameters)
    # A lambda may return what an async function returns.
    if not (await found if isawaitable(found) else found):
        raise PermissionDenied


async def _wait(found: Any) -> Any:
    return await found
