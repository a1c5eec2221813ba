"""The operations of an API as data for commands, checks and apps: what each route accepts, returns and reads."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch
from ninja import NinjaAPI
from ninja.constants import NOT_SET
from ninja.errors import ConfigError
from ninja.operation import Operation
from ninja.pagination import PaginationBase
from ninja.streaming import StreamFormat
from ninja.throttling import BaseThrottle
from ninja.utils import normalize_path
from ninja_extra import ControllerBase
from pydantic import BaseModel

from django_matt.controllers import route_function_of, written_name
from django_matt.discovery import find_apis
from django_matt.limits import bound_pages, find_paginators, ordered_fields, searched_fields
from django_matt.openapi.documents import MattOpenAPISchema, name_schemes
from django_matt.security_schemes import each_callback, schemes_of
from django_matt.signatures import innermost
from django_matt.upstream import routers_of, source_of

if TYPE_CHECKING:
    from django_matt.reads import Reads, Source

__all__ = [
    "BoundOperation",
    "Pagination",
    "Rendered",
    "Stream",
    "component_classes",
    "find_operation",
    "list_operations",
]


@dataclass(frozen=True, slots=True)
class Pagination:
    """A paginator of a route, and the largest value of each of its query parameters."""

    paginator: PaginationBase
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stream:
    """What a streaming route sends: ``SSE``, ``JSONL`` or a subclass, and the annotation of one item."""

    format: type[StreamFormat[Any]]
    item: Any


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body of a response and its content type, as the route writes them."""

    body: bytes
    content_type: str


class _Shared:
    """Data of an API that its operations share. Each part is computed when it is first read."""

    def __init__(self, api: NinjaAPI, path_prefix: str | None) -> None:
        self.api = api
        self._path_prefix = path_prefix

    @cached_property
    def root(self) -> str:
        prefix = _find_root(self.api) if self._path_prefix is None else self._path_prefix
        # As the document names parameters: {tenant} for Django's <str:tenant>.
        return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", prefix)

    @cached_property
    def documented(self) -> list[Operation]:
        return [operation for _, _, operation in _walk(self.api) if operation.include_in_schema]

    @cached_property
    def schemes(self) -> dict[str, dict[str, Any]]:
        return name_schemes(self.documented)

    @cached_property
    def document(self) -> MattOpenAPISchema | None:
        # Another class of APIs makes documents of its own.
        found = self.api.get_openapi_schema(path_prefix="")
        return found if isinstance(found, MattOpenAPISchema) else None


@dataclass(frozen=True, repr=False)
class BoundOperation:
    """One route of an API, with everything that the API, its routers and controllers add to it.

    A route with several methods is one operation. Attributes are computed when you read them. Two objects are equal
    if they are the same route of the same API.

    >>> [operation.path for operation in api.operations() if not operation.auth]    # doctest: +SKIP
    ['/api/books']
    """

    operation: Operation
    """Ninja's own operation, for what is not an attribute here."""
    _route: str = field(compare=False)
    _router: Any = field(compare=False)
    _shared: _Shared = field(compare=False)

    def __repr__(self) -> str:
        """Show the methods, the path below the API and the id."""
        methods = "|".join(self.methods)
        return f"<BoundOperation {methods} {normalize_path(f'/{self._route}')} {self.operation_id}>"

    @property
    def api(self) -> NinjaAPI:
        """The API of the route; a controller on two APIs has an operation in each."""
        return self._shared.api

    # ---- where it is ----

    @property
    def path(self) -> str:
        """The whole path as the OpenAPI document has it: ``/api/books/{book_id}``.

        It begins with the path at which the project's URLs mount the API. Without URLs, it is relative to the API.
        """
        return _in_document(f"{self._shared.root}/{self._route}")

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods that the route declares. A route with GET also accepts HEAD."""
        return tuple(self.operation.methods)

    @property
    def url_name(self) -> str:
        """The name of the URL below the API's namespace."""
        name = getattr(self.operation, "url_name", "")
        if name or self.controller is not None:
            return str(name or "")
        name = self.api.get_operation_url_name(
            self.operation, router=getattr(self._router, "template", self._router)
        )
        prefix = getattr(self._router, "url_name_prefix", None)
        return f"{prefix}_{name}" if prefix and name else name

    @property
    def view_name(self) -> str:
        """The name for Django's ``reverse()``, with its namespaces: ``api-1.0.0:list_books``.

        If the API is mounted in an ``include`` with a namespace, put that namespace in front.
        """
        controller = getattr(self._router, "controller", None)
        namespaces = (self.api.urls_namespace, getattr(controller, "urls_namespace", None))
        return ":".join([*filter(None, namespaces), self.url_name])

    # ---- what it is called ----

    @property
    def operation_id(self) -> str:
        """The id, which is unique in the API; see ``operation_ids`` for a route with several methods."""
        return self.operation.operation_id or self.api.get_openapi_operation_id(self.operation)

    @property
    def operation_ids(self) -> Mapping[str, str]:
        """The id of each method in the OpenAPI document, which omits HEAD if there is GET."""
        methods = [each for each in self.methods if each != "HEAD" or "GET" not in self.methods]
        several = sum(method != "HEAD" for method in self.methods) > 1
        name = self.operation_id
        return {method: f"{name}_{method.lower()}" if several else name for method in methods}

    @property
    def summary(self) -> str:
        """The summary in the OpenAPI document; by default, Ninja derives it from the function's name."""
        return str(self.operation.summary or "")

    @property
    def description(self) -> str:
        """The description in the OpenAPI document; by default, the function's docstring."""
        return str(self.operation.description or "")

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the route, or of its router or controller."""
        return tuple(self.operation.tags or ())

    @property
    def deprecated(self) -> bool:
        """Whether the OpenAPI document marks it as deprecated."""
        return bool(self.operation.deprecated)

    @property
    def documented(self) -> bool:
        """Whether the OpenAPI document contains it."""
        return self.operation.include_in_schema

    @property
    def problem(self) -> str | None:
        """Why every request to the route fails, such as an annotation that cannot be resolved; normally None."""
        binding = getattr(self.operation, "_matt_binding", None)
        found: str | None = None if binding is None else binding.problem
        return found

    # ---- the code ----

    @property
    def controller(self) -> type[ControllerBase] | None:
        """The class of the controller; None if the view is a function."""
        route = route_function_of(self.operation)
        return None if route is None else route.api_controller.controller_class

    @property
    def function(self) -> Callable[..., Any]:
        """Your function or method, without its decorators."""
        found: Callable[..., Any] = innermost(self.operation.view_func)
        return found

    @property
    def name(self) -> str:
        """The name of the function or of the controller's method: of a model controller ``list``, ``create``, …"""
        route = route_function_of(self.operation)
        return written_name(self.function if route is None else route.route.view_func)

    @property
    def is_async(self) -> bool:
        """Whether the view runs on the event loop."""
        return self.operation.is_async

    # ---- who may call it ----

    @property
    def auth(self) -> tuple[Callable[[HttpRequest], Any], ...]:
        """The authentication callbacks, of which the first that succeeds wins; empty if the route is public."""
        return tuple(self.operation.auth_callbacks)

    @property
    def security_schemes(self) -> Mapping[str, Mapping[str, Any]]:
        """The security schemes of the callbacks, by their names in the OpenAPI document; a plain function has none."""
        mine = [scheme for each in each_callback(self.auth) for scheme in schemes_of(each).values()]
        return {name: scheme for name, scheme in self._shared.schemes.items() if scheme in mine}

    @property
    def permissions(self) -> tuple[Any, ...]:
        """The permissions of the route, or of its controller; empty for a function."""
        route = route_function_of(self.operation)
        if route is None:
            return ()
        return tuple(route.route.permissions or route.api_controller.permission_classes)

    @property
    def throttles(self) -> tuple[BaseThrottle, ...]:
        """The throttles of the route, or of its router or API."""
        return tuple(self.operation.throttle_objects)

    # ---- what it takes ----

    @property
    def request_models(self) -> Mapping[str, type[BaseModel]]:
        """The models that validate a request, by source (``path``, ``query``, ``header``, ``cookie``, ``body``, ``form``, ``file``).

        Each model has one field for each parameter of the view from that source.
        """
        return {source_of(model): model for model in self.operation.models}

    @property
    def paginators(self) -> tuple[Pagination, ...]:
        """The paginators with the limits of their query parameters, the outermost first."""
        bounds = bound_pages(self.operation.view_func)
        found: dict[int, Pagination] = {}
        for _, paginator in find_paginators(self.operation.view_func):
            limits = {
                name: most
                for name, most in bounds[paginator.Input].items()
                if name in paginator.Input.model_fields
            }
            for name, attribute in (("limit", "max_limit"), ("page_size", "max_page_size")):
                own = getattr(paginator, attribute, None)
                if own not in (None, inf) and name in paginator.Input.model_fields:
                    limits[name] = int(own)
            # Ninja Extra notes a paginator on each layer of a view.
            found[id(paginator)] = Pagination(paginator, limits)
        return tuple(found.values())

    @property
    def search_fields(self) -> tuple[str, ...]:
        """The lookups that ``?search=`` uses; empty if the route has no search."""
        return searched_fields(self.operation)

    @property
    def ordering_fields(self) -> tuple[str, ...] | None:
        """The fields that ``?ordering=`` accepts; empty if the route has no ordering, None for every field."""
        return ordered_fields(self.operation)

    # ---- what it answers ----

    @property
    def response_schemas(self) -> Mapping[int | EllipsisType, Any]:
        """The annotation of each status: ``list[BookOut]``; None for no body, ``Any`` if nothing is declared."""
        return {
            status: _annotation(model) for status, model in self.operation.response_models.items()
        }

    @property
    def stream(self) -> Stream | None:
        """What the route streams, or None. (A long list may be sent in parts even if this is None.)"""
        stream_format = self.operation.stream_format
        if stream_format is None:
            return None
        return Stream(stream_format, _annotation(self.operation.stream_item_model))

    @property
    def components(self) -> Mapping[str, type]:
        """The classes of the components that the route refers to in the OpenAPI document, by component name."""
        document = self._shared.document
        if document is None or not self.documented:
            return {}
        shown = document["paths"].get(_in_document(self._route), {})
        return document.classes_in([shown.get(method.lower()) for method in self.operation_ids])

    # ---- how it answers ----

    @property
    def unplanned(self) -> str | None:
        """Why Django Matt has no plan for the route's responses; normally None."""
        answer = self._found_answer
        if answer is None:
            return self.problem or ("a custom operation class keeps Ninja's own run()")
        reason: str | None = answer.unplanned
        return reason

    def reads(self, source: "Source" = None) -> "tuple[Reads, ...]":
        """Return for each status the tier, and what the response reads: models, tables, columns, relations, queries.

        ``source`` is the model, or the view's queryset with its filters, if the response schema does not name its model;
        for a page, that of its items. The database is not queried. If ``unplanned`` is set, the result is empty.
        """
        if self.unplanned is not None:
            return ()
        controller = self.controller
        config = getattr(controller, "model_config", None)
        # Of a model controller's own schemas none names its model.
        usual = getattr(config, "model", None)
        found: tuple[Reads, ...] = self._answer.introspection.reads(source, usual=usual)
        return found

    @property
    def built_schemas(self) -> tuple[str, ...]:
        """The response schemas that the view's code names. If it creates instances of them, responses are slower."""
        return (
            () if self.unplanned is not None else tuple(self._answer.introspection.built_schemas())
        )

    @property
    def _answer(self) -> Any:
        answer = self._found_answer
        if answer is None:
            raise ConfigError(f"{self.operation_id}: {self.unplanned}")
        return answer

    @property
    def _found_answer(self) -> Any:
        """What makes the responses, which binds the operation; None if it is not one of Django Matt's classes."""
        binding = getattr(self.operation, "_matt_binding", None)
        return None if binding is None else binding.answer

    def render(
        self, value: Any, request: HttpRequest | None = None, status: int | None = None
    ) -> Rendered:
        """Return the JSON that the route would send if its view returned ``value``.

        ``value`` is a queryset, or any other value that the view may return. If the route is paginated, a queryset or a
        list becomes an array of the items. If it streams, ``value`` is one item. Resolvers find ``request`` in their
        context. ``status`` selects another status of the route; one that it does not declare raises ``ValueError``. The
        result is always JSON, and never streamed.
        """
        if getattr(self.api, "scopes", None) is None:
            return Rendered(*self._answer.introspection.render(value, request, status))
        # Here, as an API without scopes does not import them.
        from django_matt.scopes.hooks import settled

        with settled(self.api, request, value) as obeying:
            return Rendered(*self._answer.introspection.render(obeying, request, status))

    async def arender(
        self, value: Any, request: HttpRequest | None = None, status: int | None = None
    ) -> Rendered:
        """Do what ``render`` does in async code; queries run in the thread of ``sync_to_async``."""
        if getattr(self.api, "scopes", None) is None:
            return Rendered(*await self._answer.introspection.render_async(value, request, status))
        return await sync_to_async(self.render)(value, request, status)


def list_operations(api: NinjaAPI, path_prefix: str | None = None) -> list[BoundOperation]:
    """Return the operations of any Ninja API, in the order of the document. A ``MattAPI`` has ``operations()``.

    ``path_prefix`` is the path of the API (see ``discovery.find_apis``), if you know it already.
    """
    shared = _Shared(api, path_prefix)
    return [
        BoundOperation(operation, "/".join(filter(None, (router.prefix, path))), router, shared)
        for router, path, operation in _walk(api)
    ]


def find_operation(api: NinjaAPI, operation: Operation) -> BoundOperation:
    """Return one of Ninja's operations as data.

    A hook gets Ninja's operation, whose ``path`` is relative to its controller or router. Call this during a request,
    not in ``bind()``, because the API does not have all of its routes then. Raises ``LookupError`` for an operation
    of another API.
    """
    for found in list_operations(api):
        if found.operation is operation:
            return found
    raise LookupError(f"{operation.path!r} is not an operation of {api.title!r}.")


def component_classes(api: NinjaAPI) -> dict[str, type]:
    """Return the class behind each component schema of an API's OpenAPI document, by the component's name.

    Components without a class, such as those of errors, are left out.
    """
    document = _Shared(api, "").document
    return {} if document is None else document.classes_in(document["paths"])


def _walk(api: NinjaAPI) -> Iterator[tuple[Any, str, Operation]]:
    for router in routers_of(api):
        for path, view in router.path_operations.items():
            for operation in view.operations:
                yield router, path, operation


def _find_root(api: NinjaAPI) -> str:
    """Return the path at which the project's URLs mount an API; empty if they do not."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return ""
    try:
        return api.get_root_path({})
    except NoReverseMatch:
        # Its prefix may have parameters of its own.
        return next((prefix for found, prefix in find_apis() if found is api), "")


def _in_document(path: str) -> str:
    """Return a path as the OpenAPI document writes it: one slash at a time, without Django's converters."""
    return re.sub(r"{[^}:]+:", "{", normalize_path(f"/{path}"))


def _annotation(model: Any) -> Any:
    """Return the annotation inside of Ninja's wrapper of a response model."""
    if model is NOT_SET:
        return Any
    return None if model is None else model.model_fields["response"].annotation
