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
from django_matt.errors.calls import call_of
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
from django_matt.urls import NotFoundFallback, RouteIndex, SocketRoutes, root_url

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
    """A drop-in replacement for ``NinjaExtraAPI``: change the name, and your project keeps working.

    It accepts the options of ``NinjaExtraAPI``, Ninja's ``default_router``, and four options of its own.
    ``problem_details`` sends handled errors as RFC 9457 documents (default: ``MATT["PROBLEM_DETAILS"]``). ``formats``
    lists the formats of responses and bodies, the default first (default: ``MATT["FORMATS"]``). ``tier`` is the
    fastest tier that responses may use (default: ``MATT["TIER"]``). ``extensions`` lists the labels of the installed
    apps that may extend this API (default: ``MATT["EXTENSIONS"]``, otherwise every app).

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
        """Create the API. Unknown options are passed to Ninja; operations are bound when the URLs are first used."""
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
        """Whether handled errors are sent as RFC 9457 documents."""
        if self._problem_details is None:
            return get_settings().PROBLEM_DETAILS
        return self._problem_details

    @problem_details.setter
    def problem_details(self, value: bool | None) -> None:
        self._problem_details = value

    @property
    def formats(self) -> FormatSet:
        """The formats of responses and bodies, the default first; set it before the URLs are first used."""
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
        """Restore what ``__getstate__`` returned; the copy follows the settings as well."""
        self.__dict__.update(state)
        follow_settings(self)

    def register_controllers(self, *controllers: Any) -> None:
        """Register controllers: classes, or dotted paths of classes."""
        for controller in controllers:
            forget_dead_api(self, controller)
        super().register_controllers(*controllers)

    def set_default_exception_handlers(self) -> None:
        """Register the handlers of Django Matt; an ``exception_handler`` of the project still overrides them."""
        super().set_default_exception_handlers()
        install_handlers(self)

    def add_exception_handler(
        self,
        exc_class: type[Exception],
        handler: Callable[[HttpRequest, Any], HttpResponseBase | Awaitable[HttpResponseBase]],
    ) -> None:
        """Handle the exceptions of a class with ``handler(request, exc)``, which may be ``async def``."""
        super().add_exception_handler(exc_class, cast("Any", handler))

    def register_error(
        self,
        exc_class: type[Exception],
        to_error: ToError,
        *,
        hint: HintText | None = None,
    ) -> None:
        """Handle the exceptions of a class with what ``to_error(request, exc)`` returns, like Django Matt's own errors.

        It returns an ``ErrorResponse``, a ``Problem`` as you would raise it, or ``None`` to handle the exception as if
        it were not registered. Transactions are rolled back, the response has the format that the client accepts, and
        the log says where the exception was raised. The project's ``exception_handler`` for the same class wins.

        ``hint`` says on the DEBUG page how to fix the mistake. It is a sentence, or a function of the exception.
        """
        self.registered_errors.add(exc_class, to_error, hint)
        install_handler(self, exc_class)

    def on_exception(self, request: HttpRequest, exc: Any) -> Any:
        """Return the response of the handler that is registered for an exception.

        If the handler is ``async def`` and an event loop runs, return a coroutine.
        """
        if lost("handlers") is not None:
            return super().on_exception(request, exc)
        return ask_handler(self, request, exc)

    _stock_on_exception = on_exception

    def api_exception_handler(self, request: HttpRequest, exc: APIException) -> HttpResponse:
        """Handle Ninja Extra's exceptions like all others."""
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
        """Write a response in the format that the client accepts, or with the ``renderer=`` of the project."""
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
        namespace. ``max_body`` is the largest request body in bytes.
        """
        self._mounted.append((prefix, urls, max_body))

    def add_socket(
        self, path: str, consumer: "Consumer", *, auth: Any = NOT_SET, name: str | None = None
    ) -> None:
        """Serve WebSockets at a path of the API, under ``django_matt.asgi``.

        ``consumer`` is an ASGI application, ``async def consumer(scope, receive, send)``. Its scope has ``user``, ``auth``,
        ``session`` and ``url_route``. Before it is called, the handshake passes the project's middleware, its origin is
        checked, and ``auth`` must succeed: by default, that of the API. Raises ``ConfigError`` after the URLs of the API
        have been used.
        """
        from django_matt.sockets import add_socket

        add_socket(self, path, consumer, auth=auth, name=name)

    def answer_errors(self, urls: "Urls", *, max_body: int | None = None) -> "Included":
        """Return an argument for ``path()`` that serves views outside of the API with the errors of the API.

        The names of the patterns do not change. See ``mount_views``.
        """
        from django_matt.foreign_views import wrap_urls  # as few projects need it

        return wrap_urls(self, urls, max_body=max_body)

    def add_openapi(self, contribution: C) -> C:
        """Add an ``OpenAPIPart`` to the document, or a function that is called each time the document is built.

        The function gets the document, and changes it or returns an ``OpenAPIPart``. You can use this method as its decorator.
        A function that fails is logged and ignored.
        """
        self.openapi_contributions.append(contribution)
        return contribution

    def render_error(self, request: HttpRequest, error: ErrorResponse) -> HttpResponse | None:
        """Render an error with the ``render_error`` of the client's format; return ``None`` if it has none."""
        formats: FormatSet = getattr(request, "_matt_formats", self.formats)
        if not formats.renders_errors or type(self.renderer) is not MattRenderer:
            return None
        call = call_of(request)
        return render_error(formats, request, error, None if call is None else call.operation)

    def add_hook(self, hook: type[Hook]) -> type[Hook]:
        """Add a hook to the operations of this API. Call it in ``extend(api)``, or before the URLs are first used.

        A class is added only once. Raises ``ConfigError`` after the operations have been bound.
        """
        if self._bound is not None:
            raise ConfigError(
                f"{hook.__name__} was added too late: this API is already bound. Call api.add_hook() in the extend(api) of an "
                "app, or before urlpatterns names api.urls."
            )
        if hook not in self.hooks:
            self.hooks.append(hook)
        return hook

    def add_scope(self, model: type[Model], narrow: "Narrow") -> None:
        """Limit the rows of a model that requests to this API may read. Call it when ``add_hook`` may be called.

        ``narrow(request)`` returns a ``Q``, or None if the request may read everything. Its exceptions become responses. A
        scope of an abstract model applies to all models that inherit from it. A row must match all scopes of its model.
        """
        # Here, as an API without scopes does not import them.
        from django_matt.scopes.hooks import add_scope

        add_scope(self, model, narrow)

    def formats_of(self, operation: Operation) -> FormatSet | None:
        """Return the formats of an operation, ``None`` if a ``renderer=`` of the project writes the responses."""
        if type(self.renderer) is not MattRenderer:
            return None
        return route_formats(operation.view_func, self.formats) or self.formats

    def operations(self, *, path_prefix: str | None = None) -> "list[BoundOperation]":
        """Return every route of the API as data, in the order of the document: see ``BoundOperation``.

        ``path_prefix`` is the path of the API, if it should not be looked up in the project's URLs. This binds the
        routes: call it after all routes have been added.
        """
        # Here, as no request needs it.
        from django_matt.operations import list_operations

        return list_operations(self, path_prefix)

    def bind_operations(self) -> None:
        """Bind every operation now instead of at its first request: before a server forks, so that workers share memory.

        If an operation cannot be bound, ``manage.py check`` and its requests report it.
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
        """Build the OpenAPI 3.1 document for the path at which the API is mounted."""
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
        """The URLs for ``path("api/", api.urls)``, after the installed apps have extended the API."""
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
        """Put Django Matt's pages and their assets before the routes, and the handler of unknown URLs after them."""
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
        return [*first, RouteIndex(urls), *urls, NotFoundFallback(self, urls)]
