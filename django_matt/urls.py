"""The view of a path: one per set of operations, chosen by method; and what answers where nothing matches."""

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from functools import cached_property, partial
from itertools import takewhile
from types import FrameType
from typing import Any

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import (
    NoReverseMatch,
    Resolver404,
    ResolverMatch,
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    get_urlconf,
    path,
)
from django.urls.resolvers import RoutePattern
from django.utils.translation import get_language
from ninja.operation import Operation, PathView

from django_matt.errors.answering import answer_error, arrived
from django_matt.errors.calls import attach_operation
from django_matt.errors.exceptions import MethodNotAllowed, NotFound
from django_matt.errors.middlewares import ANSWER
from django_matt.limits import find_views
from django_matt.unmatched import bind_unmatched

__all__ = [
    "BoundPathView",
    "NotFoundFallback",
    "RouteIndex",
    "SocketRoutes",
    "non_atomic_aliases",
    "root_url",
    "shakes_hands",
]


class BoundPathView(PathView):
    """A path's operations behind one view: HEAD is answered by GET, an unknown method by 405 in the error format."""

    def __init__(self, api: Any, source: PathView) -> None:
        """Take the operations of an API's own copy of a ``PathView``."""
        super().__init__()
        self.operations = source.operations
        self.url_name = source.url_name
        self.is_async = source.is_async or any(
            operation.is_async for operation in source.operations
        )
        self._api = api
        exempt = [non_atomic_aliases(operation) for operation in self.operations]
        # Django opens a transaction for a view or does not, and this view has several operations. Where one of them wants none,
        # Django opens none, and `_in_transactions` opens it for the others.
        self._exempt = frozenset[str]().union(*exempt)
        if self.is_async and atomic_aliases():
            # Django refuses the whole path, whatever the method.
            self._exempt = frozenset(connections)
        view: Any = self._make_async_view() if self.is_async else self._make_view()
        view.csrf_exempt = True
        if self._exempt:
            view._non_atomic_requests = set(self._exempt)
        setattr(view, ANSWER, self._answer)
        self._view: Callable[..., Any] = view

    def get_view(self) -> Callable[..., Any]:
        """Return the view, the same for every operation of the path."""
        return self._view

    def _answer(self, request: HttpRequest, exc: Exception) -> HttpResponseBase:
        """Answer an exception that has left the view and that no middleware has answered."""
        method = "GET" if request.method == "HEAD" else request.method
        for operation in self.operations:
            if method in operation.methods:
                attach_operation(request, operation)
                break
        response: HttpResponseBase = answer_error(self._api, request, exc)
        return _without_body(response) if request.method == "HEAD" else response

    def _by_method(self, ready: Callable[[Operation], Callable[..., Any]]) -> dict[str, Any]:
        """What runs each method; GET answers HEAD too."""
        runs: dict[str, Any] = {}
        for operation in self.operations:
            for method in operation.methods:
                runs.setdefault(method, ready(operation))
        if "GET" in runs and "HEAD" not in runs:
            runs["HEAD"] = (_bodiless_async if self.is_async else _bodiless)(runs["GET"])
        return runs

    def _in_transactions(self, operation: Operation) -> Callable[..., HttpResponseBase]:
        """Return a sync ``run`` in the transactions of ``ATOMIC_REQUESTS`` that the view leaves to its operations."""
        run: Callable[..., HttpResponseBase] = operation.run
        aliases = self._exempt - non_atomic_aliases(operation)
        if not aliases:
            return run

        def atomic(request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
            with ExitStack() as stack:
                for alias in atomic_aliases() & aliases:
                    stack.enter_context(transaction.atomic(using=alias))
                return run(request, **parameters)

        return atomic

    def _make_view(self) -> Callable[..., HttpResponseBase]:
        api, runs = self._api, self._by_method(self._in_transactions)
        refuse = bind_unmatched(api, partial(_refuse_method, api, runs))

        def view(request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
            run = runs.get(request.method or "")
            if run is None:
                run = refuse
            response: HttpResponseBase = run(request, **parameters)
            return response

        return view

    def _make_async_view(self) -> Callable[..., Any]:
        def ready(operation: Operation) -> Callable[..., Any]:
            if not operation.is_async:
                return sync_to_async(self._in_transactions(operation))
            aliases = atomic_aliases() - non_atomic_aliases(operation)
            return _refuse_transactions(api, operation, aliases) if aliases else operation.run

        api = self._api
        runs = self._by_method(ready)

        async def refuse_async(request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
            return await arrived(_refuse_method(api, runs, request))

        refuse = bind_unmatched(api, refuse_async, is_async=True)

        # Hands on the coroutine of the operation instead of wrapping it in one more.
        def view(request: HttpRequest, /, **parameters: Any) -> Awaitable[HttpResponseBase]:
            run = runs.get(request.method or "") or refuse
            answer: Awaitable[HttpResponseBase] = run(request, **parameters)
            return answer

        return markcoroutinefunction(view)


def atomic_aliases() -> frozenset[str]:
    """The databases with ``ATOMIC_REQUESTS``: Django opens a transaction in each of them around every view."""
    databases = connections.settings.items()
    return frozenset(alias for alias, database in databases if database["ATOMIC_REQUESTS"])


def non_atomic_aliases(operation: Operation) -> frozenset[str]:
    """The databases that ``@transaction.non_atomic_requests`` names on a route: no transaction is opened for it."""
    layers = (*find_views(operation.view_func), operation.run)
    return frozenset[str]().union(*(getattr(layer, "_non_atomic_requests", ()) for layer in layers))


def transactions_around(operation: Operation) -> frozenset[str]:
    """The databases with ``ATOMIC_REQUESTS`` of which a route has not asked to be left alone."""
    return atomic_aliases() - non_atomic_aliases(operation)


HINT = (
    "Put @transaction.non_atomic_requests on the route, and open transactions where you need them: in a function that "
    "sync_to_async calls. Or write the route as a plain def."
)
"""What to do with an async route in a project with ``ATOMIC_REQUESTS``."""


class _AsyncRouteError(RuntimeError):
    """An async route was called, and the project wraps every request in a transaction."""

    matt_hint = HINT


def _refuse_transactions(
    api: Any, operation: Operation, aliases: frozenset[str]
) -> Callable[..., Awaitable[HttpResponseBase]]:
    """Return a ``run`` that answers with an error: a transaction around an async route is impossible in Django."""
    message = (
        f"{operation.view_func.__name__} is an async route, and ATOMIC_REQUESTS is on for "
        f"{', '.join(sorted(aliases))}: Django has no transactions around async views."
    )

    async def refused(request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
        try:
            raise _AsyncRouteError(message)
        except _AsyncRouteError as error:
            return await arrived(answer_error(api, request, error))

    return refused


def _bodiless(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    def head(request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
        return _without_body(run(request, **parameters))

    return head


def _bodiless_async(run: Callable[..., Any]) -> Callable[..., Any]:
    async def head(request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
        return _without_body(await run(request, **parameters))

    return head


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    """Keep the headers that GET would send (RFC 9110, 9.3.2); servers complain of a body they have to drop."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _no_content() if response.is_async else ()
    elif isinstance(response, HttpResponse) and response.status_code != 304:
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.content = b""
    return response


async def _no_content() -> AsyncIterator[bytes]:
    return
    yield b""


def _refuse_method(
    api: Any, runs: Mapping[Any, Any], request: HttpRequest, /, **parameters: Any
) -> HttpResponseBase:
    error = MethodNotAllowed(headers={"Allow": ", ".join(sorted(runs))})
    error.routing = True
    response: HttpResponseBase = api.on_exception(request, error)
    return response


def root_url(api: Any) -> URLPattern:
    """Return the pattern named ``api-root``, by which Ninja finds where an API is mounted."""
    # Ninja's export_openapi_schema finds the API among the keywords of this view.
    answer = bind_unmatched(api, partial(_refuse_root, api))
    return path("", partial(_answer_root, api=api, answer=answer), name="api-root")


def _answer_root(
    request: HttpRequest, api: Any, answer: Callable[..., HttpResponseBase], **parameters: Any
) -> HttpResponseBase:
    return answer(request, **parameters)


def _refuse_root(api: Any, request: HttpRequest, /, **parameters: Any) -> HttpResponseBase:
    docs = api.docs_url and f"The documentation is at {request.path}{api.docs_url.lstrip('/')}"
    return _not_found(api, request, docs or None)


def _not_found(api: Any, request: HttpRequest, detail: str | None = None) -> HttpResponseBase:
    error = NotFound(detail)
    error.routing = True
    response: HttpResponseBase = api.on_exception(request, error)
    return response


class _NoPattern(RoutePattern):
    """A pattern that matches nothing, for tools that walk a project's URLs by regular expression, as Sentry does."""

    # Reversing looks into every pattern, and cannot read a lookahead.
    regex: Any = re.compile(r"\b\B")

    def __init__(self) -> None:
        super().__init__("", is_endpoint=False)

    def match(self, path: str) -> None:
        """Match nothing."""

    def check(self) -> list[Any]:
        """Find no fault."""
        return []


class _Finder(URLResolver):
    """Finds the routes of others. It has none itself, so that tools that list a project's URLs list each route once."""

    def __init__(self) -> None:
        super().__init__(_NoPattern(), [])


class RouteIndex(_Finder):
    """The first pattern of an API: it finds a route by one lookup or a few tries, however many routes there are.

    Django tries one pattern after the other. This finds the same pattern; if it finds none, Django tries the others.
    """

    def __init__(self, patterns: Iterable[URLPattern | URLResolver]) -> None:
        """Take the patterns after this one."""
        super().__init__()
        # What comes after a resolver, as a controller with a namespace of its own is, Django alone finds.
        self._patterns: list[Any] = list(
            takewhile(lambda each: isinstance(each, URLPattern), patterns)
        )

    @cached_property
    def _matches(self) -> dict[str, ResolverMatch]:
        """The match of each route without parameters, which may be that of a pattern before it."""
        routes = map(str, (each.pattern for each in self._patterns if _is_literal(each)))
        return {
            route: next(filter(None, (each.resolve(route) for each in self._patterns)))
            for route in routes
        }

    @cached_property
    def _by_segment(self) -> dict[str | None, list[URLPattern]]:
        """The other patterns, in their order, by the first segment of the URLs that they can match; None for any other."""
        others = [(_first_segment(each), each) for each in self._patterns if not _is_literal(each)]
        return {
            segment: [each for first, each in others if first in (segment, None)]
            for segment in (None, *(first for first, _ in others))
        }

    def resolve(self, path: str) -> ResolverMatch | None:  # type: ignore[override]
        """Return the match of a route, or None if Django has to look for one."""
        found = self._matches.get(path)
        if found is None:
            known = self._by_segment
            for each in known.get(path.partition("/")[0]) or known[None]:
                if found := each.resolve(path):
                    break
        return found


def _is_literal(pattern: URLPattern) -> bool:
    """Tell whether a pattern matches one URL only."""
    return isinstance(pattern.pattern, RoutePattern) and not pattern.pattern.converters


def _first_segment(pattern: URLPattern) -> str | None:
    """Return the first segment of every URL that a pattern matches; None if they may differ in it."""
    segment, slash, _ = str(pattern.pattern).partition("/")
    is_route = isinstance(pattern.pattern, RoutePattern)
    return segment if is_route and slash and "<" not in segment else None


shakes_hands: ContextVar[bool] = ContextVar("matt_shakes_hands", default=False)
"""Whether the URL that Django resolves is that of a WebSocket's handshake."""


class SocketRoutes(_Finder):
    """The first pattern of an API with sockets: a handshake finds its socket, whichever route has the same URL."""

    def __init__(self, patterns: Iterable[URLPattern]) -> None:
        """Take the patterns of the sockets, which also come after the routes: for requests, and to be reversed."""
        super().__init__()
        self._patterns = list(patterns)

    def resolve(self, path: str) -> ResolverMatch | None:  # type: ignore[override]
        """Return the match of a socket for a handshake."""
        if not shakes_hands.get():
            return None
        return next(filter(None, (each.resolve(path) for each in self._patterns)), None)


_reached: ContextVar[list["NotFoundFallback"] | None] = ContextVar(
    "matt_reached_unknown_urls", default=None
)


class NotFoundFallback(_Finder):
    """The last pattern of an API: it matches URLs under the API's prefix that nothing else in the project matches.

    It does not match if another pattern of the project would, so that an API at ``api/`` may come before one at
    ``api/v2/``, or if Django would redirect to the URL with a slash. Under a prefix with parameters, which cannot be
    reversed without them, Django sends its own 404. An API at the root of a site only matches URLs below the first
    segments of its own routes, and leaves the other URLs to the site.

    Only Django's handler finds it, for the URL of a request. Code that asks whether a URL is valid, as
    ``LocaleMiddleware`` does before it redirects, does not.
    """

    def __init__(self, api: Any, patterns: Iterable[URLPattern | URLResolver]) -> None:
        """Make the pattern for one API, whose own ``patterns`` come before it."""

        refuse = bind_unmatched(api, lambda request, /, **parameters: _not_found(api, request))

        def unknown(request: HttpRequest, **parameters: Any) -> HttpResponseBase:
            return refuse(request, **parameters)  # type: ignore[no-any-return]

        unknown.csrf_exempt = True  # type: ignore[attr-defined]
        super().__init__()
        self._unknown = unknown
        self._api = api
        self._patterns = list(patterns)

    @cached_property
    def _segments(self) -> set[str]:
        """The first segments of the API's own routes."""
        return {str(each.pattern).partition("/")[0] for each in self._patterns} - {""}

    def resolve(self, path: str) -> ResolverMatch | None:  # type: ignore[override]
        """Match whatever is left, if nothing else of the project does."""
        reached = _reached.get()
        if reached is not None:
            reached.append(self)
            return None
        if not _is_handling():
            return None
        try:
            root = self._api.get_root_path({})
        except NoReverseMatch:
            return None
        full = root + path
        site = get_script_prefix()
        if root in (site, f"{site}{get_language()}/") and not self._is_below_routes(path):
            return None
        reached = []
        token = _reached.set(reached)
        try:
            # Reached only if this API is mounted: a pattern tried on its own, as test clients do, matches nothing.
            if _resolves(full) or self not in reached:
                return None
            if settings.APPEND_SLASH and not full.endswith("/") and _resolves(full + "/"):
                return None
        finally:
            _reached.reset(token)
        # The same route for every unknown URL: logs and metrics are grouped by it.
        more: Any = {"route": "<path:unknown>", "captured_kwargs": {}, "extra_kwargs": {}}
        return ResolverMatch(self._unknown, (), {}, **more)

    def _is_below_routes(self, path: str) -> bool:
        """Tell whether a URL of an API at the root of a site is the API's: the site may consist of nothing else."""
        alone = len(get_resolver(get_urlconf()).url_patterns) == 1
        return alone or path.partition("/")[0] in self._segments


def _is_handling() -> bool:
    """Tell whether Django's handler resolves the URL of a request, which is when a 404 is about to be answered."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is BaseHandler.resolve_request.__code__:
            return True
        frame = frame.f_back
    return False


def _resolves(full: str) -> bool:
    prefix = get_script_prefix()
    inside = "/" + full.removeprefix(prefix) if full.startswith(prefix) else full
    try:
        get_resolver(get_urlconf()).resolve(inside)
    except Resolver404:
        return False
    return True
