"""The context of a request: Ninja Extra's ``RouteContext``, created without keyword arguments, and found by injection."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja_extra import ControllerBase
from ninja_extra.context import RouteContext

from django_matt import upstream
from django_matt.hooks import Call
from django_matt.parameters import Parameters
from django_matt.upstream import ROUTE_CONTEXT_VAR

__all__ = [
    "BoundContext",
    "Enter",
    "bind_contexts",
    "context_class",
    "is_stock_context",
    "makes_responses",
]

Enter = Callable[[HttpRequest, dict[str, Any]], Any]
"""Makes the context of a request of its path's parameters, and lets it be found by injection."""

_new = object.__new__


class BoundContext(RouteContext):
    """A ``RouteContext`` that uses the operation's own readers, and creates its response when it is first used."""

    parameters: Parameters
    operation: Operation
    request: HttpRequest
    path: dict[str, Any]
    controller: ControllerBase | None = None
    made: HttpResponse | None = None
    call: Call | None = None  # where hooks go around the view, while they do

    @property
    def response(self) -> HttpResponse:
        made = self.made
        if made is None:
            made = self.made = self.api.create_temporal_response(self.request)
        return made

    @response.setter
    def response(self, value: HttpResponse | None) -> None:
        self.made = value

    def compute_route_parameters(self) -> None:
        if not self._has_computed_route_parameters:
            values = self.parameters.read(self.request, self)
            self.kwargs.update(values)
            self.kwargs["view_func_kwargs"] = values
            self._has_computed_route_parameters = True


def bind_contexts(
    api: Any,
    operation: Operation,
    parameters: Parameters,
    *,
    permissions: list[Any],
    marks: dict[str, Any],
    early: bool,
) -> Enter:
    """Return what makes an operation's contexts; ``marks`` are what its requests carry for others to find.

    With ``early``, ``create_temporal_response`` of a project's own is called at once. An operation with authentication or
    throttles calls it when these have passed (``Steps._prepare``), as Ninja does: it then finds who is signed in.
    """
    cls, signature = context_class(), operation.signature
    stock = cls is BoundContext
    own_response = early and makes_responses(api)

    def enter(request: HttpRequest, path: dict[str, Any]) -> Any:
        if marks:
            request.__dict__.update(marks)
        if stock:
            # What RouteContext.__init__ does, without a call with five keywords.
            context: Any = _new(BoundContext)
            context.request = request
            context.args = []
            context.kwargs = {**path, "view_func_kwargs": {}}
            context.permission_classes = permissions
            context._api = api
            context._view_signature = signature
            context._has_computed_route_parameters = parameters.reads_nothing
        else:
            context = cls(
                request=request,
                permission_classes=permissions,
                kwargs=path.copy(),
                api=api,
                view_signature=signature,
            )
        context.parameters = parameters
        context.operation = operation
        context.path = path
        ROUTE_CONTEXT_VAR.set(context)
        if own_response:
            context.made = api.create_temporal_response(request)
        return context

    return enter


def is_stock_context() -> bool:
    """Tell whether no ``ROUTE_CONTEXT_CLASS`` of the project's own computes the parameters."""
    return context_class().compute_route_parameters is BoundContext.compute_route_parameters


def makes_responses(api: Any) -> bool:
    """Tell whether a project overrides ``create_temporal_response``; else a response is made when asked for."""
    return type(api).create_temporal_response is not NinjaAPI.create_temporal_response


def context_class() -> type[Any]:
    """The project's ``ROUTE_CONTEXT_CLASS`` over ours: what it overrides is kept, its ``super()`` is ours."""
    cls = upstream.context_class()
    return BoundContext if cls is RouteContext else type(cls.__name__, (cls, BoundContext), {})
