"""One pass over an API's bound operations that gives each its fast path.

At start-up each operation gets its id, its hooks, its decorators and a new ``run``, which decides the steps of a request when
the first one arrives (``steps.Binding``). The steps and their order are those of Ninja and Ninja Extra. If the class of an
operation is unknown here, it keeps its own ``run``.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from ninja.constants import NOT_SET
from ninja.operation import AsyncOperation as NinjaAsyncOperation
from ninja.operation import Operation
from ninja.utils import normalize_path
from ninja_extra.operation import AsyncOperation
from ninja_extra.operation import Operation as ExtraOperation
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from django_matt.aliases import complete_names
from django_matt.controllers import (
    BoundController,
    controller_view,
    route_function_of,
    written_name,
)
from django_matt.errors.middlewares import has_exception_middleware, watch_views
from django_matt.formats.negotiation import operation_formats
from django_matt.hook_chains import (
    HookUnbound,
    bind_answered,
    bind_hooks,
    bind_received,
    has_outside_hooks,
)
from django_matt.limits import cap_pages, distrust_forwarded_for, restrict_ordering
from django_matt.requests import answer_outside, bind_run
from django_matt.responses import prepare_stream
from django_matt.serialization.foreign_keys import type_foreign_keys
from django_matt.signatures import explain_response, resolve_signature
from django_matt.steps import Binding
from django_matt.upstream import (
    BoundRouter,
    ControllerBoundRouter,
    bound_controllers,
    resolves_as_ninja,
)
from django_matt.urls import BoundPathView

__all__ = ["bind_routers", "postponed_decorators"]

_THEIRS = {"abc", "builtins", "ninja_extra", "typing"}
_KNOWN = (Operation, NinjaAsyncOperation, ExtraOperation, AsyncOperation)


def bind_routers(api: Any, routers: Iterable[Any]) -> list[Any]:
    """Return the routers of an API with every operation bound: its ``run``, its view, its operationId."""
    bound = [
        BoundController(router, api) if isinstance(router, ControllerBoundRouter) else router
        for router in routers
    ]
    taken: set[str] = set()
    watch_views()
    for router in bound:
        controller = isinstance(router, BoundController)
        decorators = api.default_router._decorators if controller else _decorators(router)
        for path, path_view in router.path_operations.items():
            for operation in path_view.operations:
                where = f"{router.prefix}/{path}"
                _name(api, operation, where, taken)
                problem, check = resolve_signature(operation), "matt.E004"
                if controller:
                    # Behind the signature: what is decorated is the method, whose ``self`` no request sends.
                    _decorate_function(operation, decorators)
                if problem is None:
                    if type(operation) in _KNOWN:
                        restrict_ordering(operation)
                        cap_pages(operation)
                        distrust_forwarded_for(operation)
                    try:
                        bind_hooks(api, operation, only_outside=type(operation) not in _KNOWN)
                        if type(operation) in _KNOWN:
                            _prepare(api, operation)
                        _bind(api, operation, decorators, where)
                    except (PydanticUndefinedAnnotation, PydanticUserError) as error:
                        problem = explain_response(operation, error)
                    except HookUnbound as error:
                        problem, check = str(error), "matt.E006"
                if problem is not None:
                    _fail(api, operation, where, problem, check)
            router.path_operations[path] = BoundPathView(api, path_view)
    return bound


def _fail(api: Any, operation: Operation, path: str, problem: str, check: str) -> None:
    """Let an operation that cannot be bound respond with the reason, which ``check`` reports; all others work."""
    binding = _begin(api, operation, path, problem, check)
    failing: Any = answer_outside(api, operation, bind_run(operation, binding))
    if has_outside_hooks(operation):
        failing = bind_answered(api, operation, failing)
    operation.run = failing  # type: ignore[method-assign]
    operation.include_in_schema = False  # no document can describe it


def _begin(api: Any, operation: Operation, path: str, *problem: str) -> Binding:
    """Return the ``Binding`` of an operation, and register it for errors, paginators and checks."""
    binding = Binding(api, operation, f"{operation.methods[0]} {normalize_path(path)}", *problem)
    operation._matt_binding = binding  # type: ignore[attr-defined]
    return binding


def _prepare(api: Any, operation: Operation) -> None:
    """Change what routes share, and find mistakes, before there are requests.

    If a schema class is rebuilt while another thread validates with it, that thread accepts any data.
    """
    taken: Any = {*operation.models, *operation.signature.models}
    for model in taken:
        if resolves_as_ninja(model):
            complete_names(model)
    for model in (*taken, *operation.response_models.values(), operation.stream_item_model):
        if model not in (None, NOT_SET):
            type_foreign_keys(model)
    prepare_stream(operation)
    operation_formats(
        operation, api.formats
    )  # raises if @formats names one whose library is missing


class _Postponed:
    """Replaces a decorator of views while Ninja binds: what Ninja would decorate is replaced afterwards."""

    def __init__(self, decorator: Any) -> None:
        self.decorator = decorator

    def __call__(self, run: Any) -> Any:
        return run


_LOCK = RLock()


@contextmanager
def postponed_decorators(api: Any) -> Iterator[None]:
    """Let Ninja bind an API's routers without decorating ``run``, so that each decorator is applied once, to the new ``run``.

    A decorator may register a metric by a name, or count what it decorates.
    """
    kept: list[tuple[Any, str, Any]] = []

    def postpone(holder: Any, name: str, value: Any) -> None:
        kept.append((holder, name, getattr(holder, name)))
        setattr(holder, name, value)

    with _LOCK:
        try:
            for holder in _templates(api):
                if isinstance(holder, Operation):
                    found = [_Postponed(decorator) for decorator in holder._run_decorators]  # type: ignore[attr-defined]
                    postpone(holder, "_run_decorators", found)
                else:
                    postpone(
                        holder,
                        "_decorators",
                        [
                            (_Postponed(decorator) if mode == "view" else decorator, mode)
                            for decorator, mode in holder._decorators
                        ],
                    )
            yield
        finally:
            for holder, name, value in reversed(kept):
                setattr(holder, name, value)


def _templates(api: Any) -> Iterator[Any]:
    """Yield each router and each operation of an API that has decorators."""
    waiting = [registration[1] for registration in api._router_registrations]
    waiting += [router.controller for router in bound_controllers(api)]
    seen: set[int] = set()
    while waiting:
        router = waiting.pop()
        if id(router) in seen:
            continue
        seen.add(id(router))
        waiting += [child[1] for child in getattr(router, "_routers", ())]
        if getattr(router, "_decorators", None):
            yield router
        for view in router.path_operations.values():
            yield from (each for each in view.operations if hasattr(each, "_run_decorators"))


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


def _bind(api: Any, operation: Operation, decorators: Iterable[tuple[Any, str]], path: str) -> None:
    """Replace ``run``, decorate it, and handle exceptions outside of the decorators.

    The decorators come in Ninja's order: ``decorate_view``'s, then the outer routers' and the API's, then the router's.
    """
    found = list(getattr(operation, "_run_decorators", ()))
    if found:
        operation._run_decorators = [  # type: ignore[attr-defined]
            each.decorator if isinstance(each, _Postponed) else each for each in found
        ]
    found += [decorator for decorator, mode in decorators if mode == "view"]
    known = type(operation) in _KNOWN
    run: Any = operation.run
    if known:
        run = bind_run(operation, _begin(api, operation, path))
    for each in found:
        if isinstance(each, _Postponed):
            run = each.decorator(run)
        elif known:
            run = each(run)
    outside = has_outside_hooks(operation)
    if outside:
        run = bind_received(operation, run)
    if found or outside or not known or has_exception_middleware():
        run = answer_outside(api, operation, run)
    if outside:
        run = bind_answered(api, operation, run)
    operation.run = run  # type: ignore[method-assign]  # this instance's alone


def _name(api: Any, operation: Operation, path: str, taken: set[str]) -> None:
    """Give an operation an id that is unique in its API and the same at every start.

    Ninja Extra adds random digits to the ids of controllers, so two workers would serve different documents.
    """
    route_function = route_function_of(operation)
    name = operation.operation_id
    if route_function is not None and name is not None:
        name = _stable_name(route_function, name)
    name = name or api.get_openapi_operation_id(operation)
    if name in taken:
        where = re.sub(r"\W+", "_", normalize_path(path)).strip("_")
        name = "_".join(filter(None, (name, operation.methods[0].lower(), where)))
    taken.add(name)
    operation.operation_id = name


def _stable_name(route_function: Any, name: str) -> str:
    """Return the id of a controller's route, made of its class and function; an id that the project chose is kept.

    Ninja Extra writes its own into the function's options, where a second controller that inherits the function finds
    the first one's; and it ends the names of a model controller's functions in digits too.
    """
    controller, view = (
        route_function.api_controller.controller_class,
        route_function.route.view_func,
    )
    function = view.__name__
    plain = written_name(view)
    bases = [cls for cls in controller.__mro__ if cls.__module__.split(".")[0] not in _THEIRS]
    for cls in {controller}.union(*map(_family, bases)):
        if re.fullmatch(f"{_short(cls)}_{function}(_[0-9a-f]{{8}})?", name):
            return f"{_short(controller)}_{plain}"
    return name


def _short(cls: type) -> str:
    return cls.__name__.lower().replace("controller", "")


def _family(cls: type) -> set[type]:
    """Return a class and all of its subclasses."""
    return {cls}.union(*map(_family, cls.__subclasses__()))
