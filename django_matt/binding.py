"""One pass over an API's bound operations that gives each its fast path.

Whatever can be decided at start-up is decided here, and the request is left with: authenticate, validate, call, encode.
The steps and their order are Ninja's and Ninja Extra's; an operation of a class unknown here keeps its own ``run``.
"""

import re
from collections.abc import Iterable
from typing import Any

from ninja.operation import AsyncOperation as NinjaAsyncOperation
from ninja.operation import Operation
from ninja.router import BoundRouter
from ninja.utils import normalize_path
from ninja_extra.controllers.base import ControllerBoundRouter
from ninja_extra.operation import AsyncOperation
from ninja_extra.operation import Operation as ExtraOperation

from django_matt.controllers import BoundController, controller_view, route_function_of
from django_matt.limits import cap_pages, distrust_forwarded_for, restrict_ordering
from django_matt.requests import bind_run
from django_matt.views import BoundPathView

__all__ = ["bind_routers"]

_KNOWN = (Operation, NinjaAsyncOperation, ExtraOperation, AsyncOperation)


def bind_routers(api: Any, routers: Iterable[Any]) -> list[Any]:
    """Return the routers of an API with every operation bound: its ``run``, its view, its operationId."""
    bound = [
        BoundController(router, api) if isinstance(router, ControllerBoundRouter) else router
        for router in routers
    ]
    taken: set[str] = set()
    for router in bound:
        controller = isinstance(router, BoundController)
        decorators = api.default_router._decorators if controller else _decorators(router)
        for path, path_view in router.path_operations.items():
            for operation in path_view.operations:
                if controller:
                    _decorate_function(operation, decorators)
                _name(api, operation, f"{router.prefix}/{path}", taken)
                if type(operation) in _KNOWN:
                    restrict_ordering(operation)
                    cap_pages(operation)
                    distrust_forwarded_for(operation)
                    _bind(api, operation, decorators)
            router.path_operations[path] = BoundPathView(api, path_view)
    return bound


def _decorators(router: Any) -> list[tuple[Any, str]]:
    if not isinstance(router, BoundRouter):
        return []
    return [*router.mount.inherited_decorators, *router.template._decorators]


def _decorate_function(operation: Operation, decorators: Iterable[tuple[Any, str]]) -> None:
    """Apply ``api.add_decorator`` to a controller's operation, as Ninja's ``BoundRouter`` does for functions."""
    route_function = route_function_of(operation)
    found = [decorator for decorator, mode in decorators if mode == "operation"]
    if route_function is None or not found:
        return
    view = controller_view(route_function)
    for decorator in found:
        view = decorator(view)
    view.get_route_function = lambda: route_function  # type: ignore[attr-defined]
    operation.view_func = view


def _bind(api: Any, operation: Operation, decorators: Iterable[tuple[Any, str]]) -> None:
    """Replace ``run`` and put the decorators of views around it again: ``decorate_view``'s, then the routers'."""
    run = bind_run(api, operation)
    for decorator in getattr(operation, "_run_decorators", ()):
        run = decorator(run)
    for decorator, mode in decorators:
        if mode == "view":
            run = decorator(run)
    operation.run = run  # type: ignore[method-assign]  # this instance's alone


def _name(api: Any, operation: Operation, path: str, taken: set[str]) -> None:
    """Give an operation an id that is the same at every start and the only one of its API.

    Ninja Extra ends a controller's id in random digits: two workers then serve different documents.
    """
    route_function = route_function_of(operation)
    name = operation.operation_id
    if route_function is not None and name is not None:
        cls = route_function.api_controller.controller_class.__name__.lower().replace(
            "controller", ""
        )
        plain = f"{cls}_{route_function.route.view_func.__name__}"
        if re.fullmatch(re.escape(plain) + "_[0-9a-f]{8}", name):
            name = plain
    name = name or api.get_openapi_operation_id(operation)
    if name in taken:
        where = re.sub(r"\W+", "_", normalize_path(path)).strip("_")
        name = "_".join(filter(None, (name, operation.methods[0].lower(), where)))
    taken.add(name)
    operation.operation_id = name
