"""Ninja Extra's private names: controllers, their routes, and what its decorators leave on a view."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from django_matt.upstream.names import ABSENT, expect, find, lost, resolve
from django_matt.upstream.ninja import place_of

__all__ = [
    "ORDERATOR_OBJECT",
    "PAGINATOR_OBJECT",
    "ROUTE_CONTEXT_VAR",
    "SEARCH_OPERATOR_OBJECT",
    "APIController",
    "ControllerBoundRouter",
    "RouteFunction",
    "args_to_inject",
    "bound_controllers",
    "build_instance",
    "builds_as_ninja_extra",
    "context_class",
    "controller_of",
    "decoration",
    "extra_settings",
    "forget_registration",
    "is_list_of_page",
    "registered_controllers",
]

_find, _expect = partial(find, "django-ninja-extra"), partial(expect, "django-ninja-extra")

if TYPE_CHECKING:
    from ninja_extra.constants import (
        ORDERATOR_OBJECT,
        PAGINATOR_OBJECT,
        ROUTE_CONTEXT_VAR,
        SEARCH_OPERATOR_OBJECT,
    )
    from ninja_extra.controllers.base import APIController, ControllerBoundRouter
    from ninja_extra.controllers.route.route_functions import RouteFunction
else:
    _BASE = "ninja_extra.controllers.base"
    APIController = _find(f"{_BASE}.APIController", "operations")
    ControllerBoundRouter = _find(f"{_BASE}.ControllerBoundRouter", "operations")
    RouteFunction = _find(
        "ninja_extra.controllers.route.route_functions.RouteFunction", "operations"
    )
    _CONSTANTS = "ninja_extra.constants"
    PAGINATOR_OBJECT = _find(f"{_CONSTANTS}.PAGINATOR_OBJECT", "operations")
    ORDERATOR_OBJECT = _find(f"{_CONSTANTS}.ORDERATOR_OBJECT", "operations")
    SEARCH_OPERATOR_OBJECT = _find(f"{_CONSTANTS}.SEARCH_OPERATOR_OBJECT", "operations")
    ROUTE_CONTEXT_VAR = _find(
        f"{_CONSTANTS}.ROUTE_CONTEXT_VAR",
        "operations",
        otherwise=ContextVar("ROUTE_CONTEXT_VAR", default=None),
    )

_get_instance = _find(
    "ninja_extra.controllers.route.route_functions.RouteFunction._get_controller_instance",
    "operations",
)
_get_injector: Any = _find("ninja_extra.dependency_resolver.get_injector", "operations")
_settings: Any = _find("ninja_extra.lazy.settings_lazy", "operations")
_reflect: Any = _find("ninja_extra.reflect.reflect", "operations controllers")
_INSTANCE: Any = _find("ninja_extra.constants.API_CONTROLLER_INSTANCE", "controllers")
_REGISTERED: Any = _find(
    "ninja_extra.constants.NINJA_EXTRA_API_CONTROLLER_REGISTERED_KEY", "controllers"
)
_registry: Any = _find("ninja_extra.controllers.registry.controller_registry", "controllers")


def _probe_context() -> Any:
    return resolve("ninja_extra.context.RouteContext")(request=None)


_expect(
    "ninja_extra.context.RouteContext",
    "_api _view_signature _has_computed_route_parameters",
    "operations",
    _probe_context,
)


def _probe_api() -> Any:
    return resolve("ninja_extra.NinjaExtraAPI")(urls_namespace="django_matt_probe")


_expect("ninja_extra.NinjaExtraAPI", "_controller_routers", "operations controllers", _probe_api)
_expect("ninja_extra.NinjaExtraAPI", "_controller_routers_merged", "operations", _probe_api)


def bound_controllers(api: Any) -> list[Any]:
    """Return the routers of the controllers that are registered on an API."""
    return list(api._controller_routers)


def decoration(key: Any, function: Any) -> Any:
    """Return what a decorator of Ninja Extra's, as ``@paginate`` is, left on a function under a key."""
    return _reflect.get_metadata(key, function)


def extra_settings() -> Any:
    """Return the project's ``NINJA_EXTRA`` settings."""
    return _settings()


def context_class() -> Any:
    """Return the project's ``ROUTE_CONTEXT_CLASS``, which the settings may name by a dotted path."""
    cls: Any = _settings().ROUTE_CONTEXT_CLASS
    return getattr(cls, "_setup", lambda: cls)()


def controller_of(cls: type[Any]) -> Any:
    """Return the ``APIController`` behind a controller's class, or None."""
    return None if lost("controllers") else _reflect.get_metadata(_INSTANCE, cls)


def registered_controllers() -> list[type[Any]]:
    """Return the class of every controller of the project that is made already."""
    return [] if lost("controllers") else list(_registry.get_controllers().values())


def forget_registration(api: Any, controller: Any) -> None:
    """Let a controller be registered on an API again."""
    ids = _reflect.get_metadata(_REGISTERED, controller) or set()
    if id(api) in ids:
        _reflect.delete_metadata(_REGISTERED, controller)
        _reflect.define_metadata(_REGISTERED, ids - {id(api)}, controller)


def builds_as_ninja_extra(route_function: Any) -> bool:
    """Tell whether a route makes the instance of its controller by Ninja Extra's own code."""
    return type(route_function)._get_controller_instance is _get_instance


def build_instance(route_function: Any) -> Callable[[], Any]:
    """Return what makes the instance of a route's controller, as Ninja Extra does."""
    build: Callable[[], Any] = route_function._get_controller_instance
    return build


def args_to_inject(cls: type[Any], init: Any, bindings: Any) -> dict[str, Any]:
    """Return what the injector gives to the ``__init__`` of a controller."""
    found: dict[str, Any] = _get_injector().args_to_inject(
        function=init, bindings=bindings, owner_key=cls
    )
    return found


_page_items = _find(
    "ninja_extra.schemas.response.NinjaPaginationResponseSchema.validate_items", "instances"
)


def is_list_of_page(function: Any) -> bool:
    """Tell whether a validator is the one with which Ninja Extra's page schema makes a list of its items."""
    return _page_items is not ABSENT and place_of(function) == place_of(_page_items)
