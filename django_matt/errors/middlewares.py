"""Exceptions that leave a view: the project's middlewares see them first, as on Django's own views, then we answer.

Django offers no place behind ``process_exception``, so its handler is extended here. That is done where a project has
such a middleware, or transactions around its views (``ATOMIC_REQUESTS``), which may fail when they end.
"""

from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

__all__ = ["ANSWER", "FINISH", "has_exception_middleware", "leaves_view", "watch_views"]

ANSWER = "_matt_answer_exception"
"""The attribute of our views with what answers an exception that has left them: ``answer(request, exc)``."""

FINISH = "_matt_finish"
"""The attribute of a request whose exception has left the view, with what still has to see the response."""


def has_exception_middleware() -> bool:
    """Tell whether a middleware of the project has a ``process_exception``."""
    for path in settings.MIDDLEWARE:
        try:
            if _processes(path):
                return True
        except Exception:  # noqa: BLE001, S112 - Django says better, and later, what is wrong with a middleware
            continue
    return False


@cache
def _processes(path: str) -> bool:
    return hasattr(import_string(path), "process_exception")


def watch_views() -> None:
    """Extend Django's handler where the project may need it."""
    atomic = any(database["ATOMIC_REQUESTS"] for database in connections.settings.values())
    if atomic or has_exception_middleware():
        _extend_handler()


def leaves_view(request: HttpRequest) -> bool:
    """Tell whether an exception shall leave our view: Django's handler called it, and a middleware wants to see it.

    Test clients and factories call a view without a handler: they get the answer from the view.
    """
    if type(request) is HttpRequest or not has_exception_middleware():
        return False
    match = getattr(request, "resolver_match", None)
    if not hasattr(getattr(match, "func", None), ANSWER):
        return False
    _extend_handler()
    return True


def _extend_handler() -> None:
    """Let our views answer where no middleware did, once for the process."""
    original: Any = BaseHandler.process_exception_by_middleware
    if hasattr(original, ANSWER):
        return

    @wraps(original)
    def process(
        handler: BaseHandler, exception: Exception, request: HttpRequest
    ) -> HttpResponseBase | None:
        response: HttpResponseBase | None = original(handler, exception, request)
        if response is None:
            answer = getattr(getattr(request.resolver_match, "func", None), ANSWER, None)
            if answer is not None:
                response = answer(request, exception)
        finish = request.__dict__.pop(FINISH, None)
        return response if finish is None or response is None else finish(response)

    setattr(process, ANSWER, True)
    BaseHandler.process_exception_by_middleware = process  # type: ignore[method-assign,assignment]
