"""Controllers bound to one API: their operations cloned, their instances built once per request."""

import re
from collections.abc import Callable, Iterator
from functools import wraps
from types import SimpleNamespace
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from django.utils.module_loading import import_string
from injector import get_bindings
from ninja.constants import NOT_SET
from ninja.operation import Operation, PathView
from ninja.throttling import BaseThrottle
from ninja_extra import ControllerBase, ModelControllerBase

from django_matt import upstream
from django_matt.model_controllers import fit_schemas
from django_matt.upstream import (
    ROUTE_CONTEXT_VAR,
    APIController,
    ControllerBoundRouter,
    RouteFunction,
)

__all__ = [
    "BoundController",
    "controller_factory",
    "controller_view",
    "forget_dead_api",
    "route_function_of",
    "written_name",
]


class BoundController:
    """An API's own copy of a controller's operations, like ``BoundRouter`` for a router.

    Ninja Extra shares one set of operations among APIs, so the handlers of the last API are used for all of them.
    """

    url_name_prefix: str | None = None

    def __init__(self, router: ControllerBoundRouter, api: Any) -> None:
        """Clone the controller's operations, which inherit the authentication, throttles and tags of the API."""
        self.prefix = router.prefix
        self.controller = router.controller
        self.api = api
        self.path_operations: dict[str, PathView] = {}
        self._fit_schemas()
        for path, view in router.path_operations.items():
            clone = self.path_operations[path] = view.clone()
            for operation in clone.operations:
                self._inherit(operation)

    def _fit_schemas(self) -> None:
        cls = self.controller.controller_class
        config = cls.model_config if issubclass(cls, ModelControllerBase) else None
        if config is not None:
            views = self.controller.path_operations.values()
            fit_schemas(config, [operation for view in views for operation in view.operations])

    def _inherit(self, operation: Operation) -> None:
        api, controller = self.api, self.controller
        operation.api = api
        auth: Any = controller.auth  # Ninja Extra's annotation leaves NOT_SET out
        if operation.auth_param is NOT_SET and auth is NOT_SET:
            operation.auth_callbacks = []
            upstream.inherit_auth(operation, api.auth)
        if operation.throttle_param is NOT_SET:
            throttle = [] if api.throttle is NOT_SET else api.throttle
            operation.throttle_objects = (
                [throttle] if isinstance(throttle, BaseThrottle) else list(throttle)
            )
        if operation.tags is None:
            operation.tags = controller.tags

    def urls_paths(self, prefix: str) -> Iterator[URLPattern | URLResolver]:
        """Make the URL patterns as Ninja Extra does, of the bound operations."""
        bound: Any = SimpleNamespace(
            path_operations=self.path_operations, urls_namespace=self.controller.urls_namespace
        )
        return APIController.urls_paths(bound, prefix)


def forget_dead_api(api: Any, controller: Any) -> None:
    """Let a controller be registered on an API with the ``id()`` of an API that no longer exists.

    Ninja Extra remembers by ``id()`` where a controller is registered. Python uses an ``id()`` again once its object is
    gone, as happens in test suites that make many APIs, and the new API would silently have no routes.
    """
    cls = import_string(controller) if isinstance(controller, str) else controller
    known = upstream.controller_of(cls)
    if known is None:
        return
    if all(router.controller is not known for router in upstream.bound_controllers(api)):
        upstream.forget_registration(api, known)


def route_function_of(operation: Operation) -> RouteFunction | None:
    """Return the controller's route behind an operation, or None for a plain function."""
    get_route_function = getattr(operation.view_func, "get_route_function", None)
    return None if get_route_function is None else get_route_function()


def written_name(function: Any) -> str:
    """Return a function's name, without the six digits that ``ModelEndpointFactory`` adds to those that it makes."""
    name: str = function.__name__
    written: str = function.__qualname__.rpartition(".")[2]
    return written if re.fullmatch(f"{written}_[0-9a-f]{{6}}", name) else name


def controller_factory(route_function: RouteFunction) -> Callable[[], ControllerBase]:
    """Return a function that creates the controller of a request.

    Ninja Extra's injector parses the signature of ``__init__`` for every instance. It is read here, once; a class
    without an ``__init__`` of its own is simply called.
    """
    cls = route_function.api_controller.controller_class
    stock = upstream.builds_as_ninja_extra(route_function)
    if not stock or issubclass(cls, ModelControllerBase):
        return upstream.build_instance(route_function)
    if cls.__init__ is object.__init__:
        return cls
    init = cls.__init__
    bindings = get_bindings(init)
    if not bindings:
        return cls

    def build() -> ControllerBase:
        return cls(**upstream.args_to_inject(cls, init, bindings))

    return build


def controller_view(route_function: RouteFunction) -> Callable[..., Any]:
    """Return a controller's method as a function of the request, for decorators to wrap.

    It uses the instance of the request; Ninja Extra's own function would create another one.
    """
    method, wants_request = route_function.route.view_func, route_function.has_request_param

    @wraps(method)
    def view(request: HttpRequest, /, **values: Any) -> Any:
        context: Any = ROUTE_CONTEXT_VAR.get()
        if wants_request:
            values["request"] = request
        return method(context.controller, **values)

    return markcoroutinefunction(view) if iscoroutinefunction(method) else view
