"""Django views that are not routes, with the errors and limits of an API."""

import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include

from django_matt.errors.answering import answer_error, arrived
from django_matt.errors.exceptions import MethodNotAllowed, PayloadTooLarge
from django_matt.errors.middlewares import ANSWER, leaves_view, watch_views
from django_matt.upstream import lost

__all__ = ["Included", "Urls", "wrap_urls", "wrap_view"]

Included = tuple[list[URLPattern | URLResolver], str | None, str | None]
"""The second argument of ``path()`` that includes patterns."""

Urls = str | Sequence[URLPattern | URLResolver] | tuple[Any, str | None, str | None]
"""A list of patterns, the dotted path of a URLconf, or what ``include()`` returns."""


def wrap_urls(api: Any, urls: Urls, *, max_body: int | None = None) -> Included:
    """Return URL patterns for ``path()``, whose errors are handled by ``api``."""
    included: Any = urls
    if not (isinstance(urls, tuple) and len(urls) == 3 and not isinstance(urls[0], URLPattern)):
        patterns_or_module: Any = urls
        included = include(patterns_or_module)
    given, app_name, namespace = included
    patterns = getattr(given, "urlpatterns", given)
    watch_views()
    return [_wrap_pattern(api, each, max_body) for each in patterns], app_name, namespace


def _wrap_pattern(api: Any, pattern: Any, max_body: int | None) -> Any:
    if type(pattern) is URLResolver:
        inner = [_wrap_pattern(api, each, max_body) for each in pattern.url_patterns]
        return URLResolver(
            pattern.pattern,
            inner,
            pattern.default_kwargs,
            pattern.app_name,
            pattern.namespace,
        )
    # A pattern of an API among them has its own class, or a view that answers its errors already.
    if type(pattern) is URLPattern and not hasattr(pattern.callback, ANSWER):
        view = wrap_view(api, pattern.callback, max_body=max_body)
        return URLPattern(pattern.pattern, view, pattern.default_args, pattern.name)
    return pattern


def wrap_view(
    api: Any, view: Callable[..., Any], *, max_body: int | None = None
) -> Callable[..., Any]:
    """Return a view whose exceptions, and wrong methods, are handled by ``api``.

    A body of more than ``max_body`` bytes is refused with 413 before the view runs.
    """

    def answer(request: HttpRequest, error: Exception) -> Any:
        return answer_error(api, request, error)

    def finish(request: HttpRequest, response: HttpResponseBase) -> Any:
        if isinstance(response, HttpResponseNotAllowed):
            error = MethodNotAllowed(headers={"Allow": response["Allow"]})
            error.routing = True
            return api.on_exception(request, error)
        return response

    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _limit(request, max_body)
            response: HttpResponseBase = finish(request, view(request, *args, **kwargs))
        except Exception as error:
            if leaves_view(request):
                raise
            response = answer(request, error)
        return response

    async def answered_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _limit(request, max_body)
            response = await arrived(finish(request, await view(request, *args, **kwargs)))
        except Exception as error:
            if leaves_view(request):
                raise
            response = await arrived(answer(request, error))
        return response

    made: Any = wraps(view)(answered_async if iscoroutinefunction(view) else answered)
    setattr(made, ANSWER, answer)
    return made  # type: ignore[no-any-return]


def _limit(request: HttpRequest, max_body: int | None) -> None:
    if max_body is not None and _length(request) > max_body:
        raise PayloadTooLarge(f"The request body is larger than {max_body:,} bytes.")


def _length(request: HttpRequest) -> int:
    """Return how long the body is; without a length Django reads it under ASGI alone, where it has arrived by now."""
    given = request.META.get("CONTENT_LENGTH")
    if not given and isinstance(request, ASGIRequest) and lost("forms") is None:
        stream: Any = request._stream
        if hasattr(stream, "seekable") and stream.seekable():
            place = stream.tell()
            length: int = stream.seek(0, os.SEEK_END)
            stream.seek(place)
            return length
    try:
        return int(given or 0)
    except ValueError:
        return 0
