"""``MattAPI``: a ``NinjaExtraAPI`` with the parts of this package and the installed contrib apps; no other logic."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, URLPattern, URLResolver, path
from ninja import Router as NinjaRouter
from ninja.constants import NOT_SET, NOT_SET_TYPE
from ninja.errors import ConfigError, ValidationError, ValidationErrorContext
from ninja.openapi.docs import DocsBase
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.throttling import BaseThrottle
from ninja_extra import NinjaExtraAPI
from ninja_extra.exceptions import APIException

from django_matt.binding import bind_routers, postponed_decorators
from django_matt.controllers import forget_dead_api
from django_matt.errors.answering import ask_handler
from django_matt.errors.fields import call_of
from django_matt.errors.handlers import answer_exception, install_handler, install_handlers
from django_matt.errors.problems import ErrorResponse
from django_matt.errors.registration import ErrorRegistry, HintText, ToError
from django_matt.extensions import extend_by_apps
from django_matt.formats import Format, FormatSet, route_formats
from django_matt.formats.bodies import MattParser
from django_matt.formats.rendering import render_error
from django_matt.formats.responses import MattRenderer, respond
from django_matt.hooks import OperationHook
from django_matt.openapi.pages import MattDocs
from django_matt.openapi.urls import docs_urls, find_root
from django_matt.overrides import follow_settings
from django_matt.pages import asset_urls
from django_matt.parameters import collect_errors
from django_matt.routers import Router
from django_matt.settings import Tier, checked_tier, get_settings
from django_matt.upstream import OpenAPISchema, lost, replace_default_router
from django_matt.urls import LiteralRoutes, NotFoundFallback, SocketRoutes, root_url

if TYPE_CHECKING:
    from django_matt.foreign_views import Included, Urls
    from django_matt.openapi.contributions import Contribution
    from django_matt.operations import BoundOperation
    from django_matt.scopes import Narrow
    from django_matt.scopes.registry import Scopes
    from django_matt.sockets import Consumer, Socket

__all__ = ["MattAPI"]

Hook = TypeVar("Hook", bound=OperationHook)
C = TypeVar("C", bound="Contribution")


class MattAPI(NinjaExtraAPI):
    """A drop-in for ``NinjaExtraAPI``: swap the name, keep the project.

    It takes ``NinjaExtraAPI``'s options, Ninja's ``default_router``, and four of its own: ``problem_details`` answers
    handled errors with RFC 9457 documents instead of Ninja's bodies (default: ``MATT["PROBLEM_DETAILS"]``),
    ``formats`` names what answers and bodies may come in, the default first (default: ``MATT["FORMATS"]``),
    ``tier`` the fastest tier that answers may take (default: ``MATT["TIER"]``), and ``extensions`` the labels of the
    installed apps that may extend this API (default: ``MATT["EXTENSIONS"]``, else every app).

    >>> api = MattAPI(title="Shop", problem_details=True, formats=["json", "csv"])
    >>> api.formats.names
    ('json', 'csv')
    """

    def __init__(
        self,
        *,
        title: str = "MattAPI",
        version: str = "1.0.0",
        description: str = "",
        openapi_url: str | None = "/openapi.json",
        docs: DocsBase | None = None,
        docs_url: str | None = "/docs",
        docs_decorator: Callable[[Any], Any] | None = None,
        servers: list[dict[str, Any]] | None = None,
        urls_namespace: str | None = None,
        csrf: bool = False,
        auth: Sequence[Callable[..., Any]] | Callable[..., Any] | NOT_SET_TYPE | None = NOT_SET,
        throttle: BaseThrottle | list[BaseThrottle] | NOT_SET_TYPE = NOT_SET,
        renderer: BaseRenderer | None = None,
        parser: Parser | None = None,
        default_router: NinjaRouter | None = None,
        openapi_extra: dict[str, Any] | None = None,
        app_name: str = "ninja",
        problem_details: bool | None = None,
        formats: Sequence[str | Format] | None = None,
        tier: Tier | None = None,
        extensions: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        """Take the options, and those of a newer Ninja too; nothing is bound before the URLs are asked for."""
        self._settings = get_settings()
        self._problem_details = problem_details
        self.extensions: tuple[str, ...] | None = None if extensions is None else tuple(extensions)
        self._extended: list[str] = []
        self._formats = FormatSet(formats)
        self._formats_of_settings = self._formats if formats is None else None
        self.forgets_settings: list[Callable[[], None]] = []
        self.tier: Tier | None = None if tier is None else checked_tier(tier, "MattAPI(tier=…)")
        self.openapi_contributions: "list[Contribution]" = []
        self.registered_errors = ErrorRegistry()
        self._mounted: list[tuple[str, "Urls", int | None]] = []
        self.sockets: list[Socket] = []
        self.hooks: list[type[OperationHook]] = []
        self.hook_problems: list[str] = []  # for the system check
        self.scopes: Scopes | None = None
        self._bound: list[Any] | None = None
        super().__init__(
            title=title,
            version=version,
            description=description,
            openapi_url=openapi_url,
            docs=docs or MattDocs(),
            docs_url=docs_url,
            docs_decorator=docs_decorator,
            servers=servers,
            urls_namespace=urls_namespace,
            csrf=csrf,
            auth=auth,
            throttle=throttle,
            renderer=renderer or MattRenderer(),
            parser=parser or MattParser(self.formats),
            openapi_extra=openapi_extra,
            app_name=app_name,
            **options,
        )
        # NinjaExtraAPI always makes a default router of its own class: put the user's, or ours, in its place.
        replace_default_router(self, default_router or Router())
        follow_settings(self)

    @property
    def problem_details(self) -> bool:
        """Whether handled errors are answered by RFC 9457 documents."""
        if self._problem_details is None:
            return get_settings().PROBLEM_DETAILS
        return self._problem_details

    @problem_details.setter
    def problem_details(self, value: bool | None) -> None:
        self._problem_details = value

    @property
    def formats(self) -> FormatSet:
        """The formats of answers and bodies, the default first; set it before the URLs are asked for."""
        return self._formats

    @formats.setter
    def formats(self, value: FormatSet) -> None:
        self._formats = value
        if type(self.parser) is MattParser:
            self.parser.formats = value

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was bound: a copy, as ``setUpTestData`` makes one, is an API of its own and binds itself."""
        left_out: dict[str, Any] = {
            "_bound": None,
            "_bound_routers_cache": None,
            "_controller_routers_merged": False,
            "forgets_settings": [],
            "_extended": list(self._extended),
        }
        return {**self.__dict__, **left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what ``__getstate__`` gave; the copy follows the settings as well."""
        self.__dict__.update(state)
        follow_settings(self)

    def register_controllers(self, *controllers: Any) -> None:
        """Register controllers, each a class or the dotted name of one."""
        for controller in controllers:
            forget_dead_api(self, controller)
        super().register_controllers(*controllers)

    def set_default_exception_handlers(self) -> None:
        """Register the error layer's handlers; a user's ``exception_handler`` still wins."""
        super().set_default_exception_handlers()
        install_handlers(self)

    def add_exception_handler(
        self,
        exc_class: type[Exception],
        handler: Callable[[HttpRequest, Any], HttpResponseBase | Awaitable[HttpResponseBase]],
    ) -> None:
        """Let ``handler(request, exc)`` answer the exceptions of a class; it may be ``async def``."""
        super().add_exception_handler(exc_class, cast("Any", handler))

    def register_error(
        self,
        exc_class: type[Exception],
        to_error: ToError,
        *,
        hint: HintText | None = None,
    ) -> None:
        """Answer the exceptions of a class by what ``to_error(request, exc)`` returns, as our own errors are answered.

        It returns an ``ErrorResponse``, or a ``Problem`` as you would raise it; ``None`` for what shall be answered as
        if it were not registered. Transactions are rolled back, the answer has the form that the client wants, and the
        log says where the exception came from. An ``exception_handler`` of the project for the same class wins.

        ``hint`` is a sentence for the DEBUG page that says how to fix the mistake, or a function of the exception.
        """
        self.registered_errors.add(exc_class, to_error, hint)
        install_handler(self, exc_class)

    def on_exception(self, request: HttpRequest, exc: Any) -> Any:
        """Answer an exception by the handler that is registered for it, which may be ``async def``.

        On an event loop the response of such a handler comes as a coroutine.
        """
        if lost("handlers") is not None:
            return super().on_exception(request, exc)
        return ask_handler(self, request, exc)

    _stock_on_exception = on_exception

    def api_exception_handler(self, request: HttpRequest, exc: APIException) -> HttpResponse:
        """Answer Ninja Extra's exceptions by the error layer as well."""
        return answer_exception(request, exc, api=self)

    _stock_api_exception_handler = staticmethod(api_exception_handler)

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        """Report the first ``MAX_ERRORS`` errors; override to shape them, for functions and controllers alike."""
        return collect_errors(error_contexts)

    def create_response(
        self,
        request: HttpRequest,
        data: Any,
        *,
        status: int | None = None,
        temporal_response: HttpResponse | None = None,
    ) -> HttpResponse:
        """Answer in the format that the client accepts; a ``renderer=`` of the user's decides alone."""
        if type(self.renderer) is not MattRenderer:
            return super().create_response(
                request, data, status=status, temporal_response=temporal_response
            )
        content = self.renderer.render(request, data, response_status=status or 200)
        formats = getattr(request, "_matt_formats", self.formats)  # of a route's own
        return respond(request, formats, content, status, temporal_response)

    _stock_create_response = create_response

    def mount_views(self, prefix: str, urls: "Urls", *, max_body: int | None = None) -> None:
        """Serve views that are not routes below the API, with the API's errors: exceptions, 404, 405, 413.

        ``urls`` is a list of patterns, the dotted path of a URLconf, or what ``include()`` returns. Their names are in the API's
        namespace. ``max_body`` is the most bytes that a request may send.
        """
        self._mounted.append((prefix, urls, max_body))

    def add_socket(
        self, path: str, consumer: "Consumer", *, auth: Any = NOT_SET, name: str | None = None
    ) -> None:
        """Serve WebSockets at a path of the API, under ``django_matt.asgi``.

        ``consumer`` is an ASGI application, ``async def consumer(scope, receive, send)``, that finds ``user``, ``auth``,
        ``session`` and ``url_route`` in its scope. Before it is called the handshake passes the project's middleware, its
        origin is checked, and ``auth`` has to succeed: the API's unless another is given. Raises ``ConfigError`` once the
        URLs of the API have been asked for.
        """
        from django_matt.sockets import add_socket

        add_socket(self, path, consumer, auth=auth, name=name)

    def answer_errors(self, urls: "Urls", *, max_body: int | None = None) -> "Included":
        """Return what ``path()`` takes for views outside of the API that answer errors as the API does.

        The names of the patterns stay as they are. See ``mount_views``.
        """
        from django_matt.foreign_views import wrap_urls  # as few projects need it

        return wrap_urls(self, urls, max_body=max_body)

    def add_openapi(self, contribution: C) -> C:
        """Add an ``OpenAPIPart`` to the document, or what a function adds each time that the document is built.

        The function gets the document. It changes it, or returns an ``OpenAPIPart``. It may be decorated by this. What fails is
        logged and left out.
        """
        self.openapi_contributions.append(contribution)
        return contribution

    def render_error(self, request: HttpRequest, error: ErrorResponse) -> HttpResponse | None:
        """Let the client's format answer an error, where it has a ``render_error``; ``None`` where it has none."""
        formats: FormatSet = getattr(request, "_matt_formats", self.formats)
        if not formats.renders_errors or type(self.renderer) is not MattRenderer:
            return None
        call = call_of(request)
        return render_error(formats, request, error, None if call is None else call.operation)

    def add_hook(self, hook: type[Hook]) -> type[Hook]:
        """Let a hook see the operations of this API; call it in ``extend(api)`` or before the URLs are asked for.

        A class that is there already is not added again. Raises ``ConfigError`` once the operations are bound.
        """
        if self._bound is not None:
            raise ConfigError(
                f"{hook.__name__} comes too late: this API is bound. Call api.add_hook() in the extend(api) of an "
                "app, or before urlpatterns names api.urls."
            )
        if hook not in self.hooks:
            self.hooks.append(hook)
        return hook

    def add_scope(self, model: type[Model], narrow: "Narrow") -> None:
        """Narrow what the requests to this API may read of a model; call it where ``add_hook`` may be called.

        ``narrow(request)`` returns a ``Q``, or None where the request may read everything. What it raises is answered. An
        abstract model stands for all models derived from it. Several scopes of a model must all be met.
        """
        # Here, as an API without scopes does not import them.
        from django_matt.scopes.hooks import add_scope

        add_scope(self, model, narrow)

    def formats_of(self, operation: Operation) -> FormatSet | None:
        """Return the formats that an operation negotiates, ``None`` where a ``renderer=`` decides alone."""
        if type(self.renderer) is not MattRenderer:
            return None
        return route_formats(operation.view_func, self.formats) or self.formats

    def operations(self, *, path_prefix: str | None = None) -> "list[BoundOperation]":
        """Return every route of the API as data, in the order of the document: see ``BoundOperation``.

        ``path_prefix`` is where the API is mounted, if its paths should not be looked up in the project's URLs. The
        routes are bound by this: do not call it before the API has all of them.
        """
        # Here, as no request needs it.
        from django_matt.operations import list_operations

        return list_operations(self, path_prefix)

    def bind_operations(self) -> None:
        """Bind every operation now, and not at its first request: before a server forks, so that workers share memory.

        An operation that cannot be bound is left to ``manage.py check`` and to its requests.
        """
        for router in self._get_bound_routers():
            for view in router.path_operations.values():
                for operation in view.operations:
                    binding = getattr(operation, "_matt_binding", None)
                    if binding is not None:
                        binding.bind()

    def get_root_path(self, path_params: dict[str, Any]) -> str:
        """Return the path at which the API is mounted, also below the namespace of an ``include``."""
        try:
            return super().get_root_path(path_params)
        except NoReverseMatch:
            return find_root(self, path_params)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Build the OpenAPI 3.1 document for where the API is mounted."""
        self._extend()
        if path_prefix is None:
            path_prefix = self.get_root_path(path_params or {})
        if lost("openapi") is not None or lost("operations") is not None:
            return super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        # Here, as no other request needs it.
        from django_matt.openapi.documents import MattOpenAPISchema

        return MattOpenAPISchema(self, path_prefix)

    def _extend(self) -> None:
        """Let the installed apps extend the API, each once."""
        if self._bound is None:
            extend_by_apps(self, self._extended)

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """What ``path("api/", api.urls)`` takes, after the installed apps have extended the API."""
        self._extend()
        return super().urls

    def _get_bound_routers(self) -> list[Any]:
        """Bind every operation once, after the installed apps have extended the API."""
        if self._bound is None:
            self._extend()
            if lost("operations") is not None:
                # What Ninja makes is served as it is: matt.E005 says which name is gone.
                self._bound = super()._get_bound_routers()
                return self._bound
            with postponed_decorators(self):
                self._bound = bind_routers(self, super()._get_bound_routers())
        return self._bound

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        """Serve our pages and their assets ahead of every route, and answer what no route does."""
        ours = [*asset_urls(), *docs_urls(self)]
        openapi_url, self.openapi_url = self.openapi_url, None  # Ninja would decorate its own views
        try:
            routes = [
                url for url in super()._get_urls() if getattr(url, "name", None) != "api-root"
            ]
        finally:
            self.openapi_url = openapi_url
        mounted: list[Any] = [
            path(prefix.lstrip("/"), self.answer_errors(urls, max_body=most))
            for prefix, urls, most in self._mounted
        ]
        first: list[Any] = []
        if self.sockets:
            from django_matt.sockets import socket_url

            sockets = [socket_url(self, each) for each in self.sockets]
            first, mounted = [SocketRoutes(sockets)], [*mounted, *sockets]
        urls: list[Any] = [*ours, *routes, root_url(self), *mounted]
        return [*first, LiteralRoutes(urls), *urls, NotFoundFallback(self, urls)]
