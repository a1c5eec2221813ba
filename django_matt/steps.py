"""The steps of a request through one operation: authenticate, permit, validate, call, respond."""

import logging
import os
from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any

from django.http import HttpRequest
from ninja.errors import ConfigError
from ninja.operation import Operation
from ninja_extra import ControllerBase
from ninja_extra.operation import Operation as ExtraOperation
from ninja_extra.permissions import AllowAny
from pydantic import ValidationError

from django_matt.contexts import (
    BoundContext,
    bind_contexts,
    context_class,
    is_stock_context,
    makes_responses,
)
from django_matt.controllers import controller_factory, route_function_of
from django_matt.errors.answering import ANSWERED_INSIDE, INSIDE, answer_error, challenged
from django_matt.errors.calls import attach
from django_matt.errors.handlers import answer_exception
from django_matt.errors.reports import NON_ATOMIC
from django_matt.formats.negotiation import operation_formats
from django_matt.hook_chains import bind_view
from django_matt.parameters import Parameters, body_formats
from django_matt.responses import ResponseBuilder, response_formats
from django_matt.settings import get_settings
from django_matt.signatures import innermost, name_function
from django_matt.upstream import ROUTE_CONTEXT_VAR, RouteFunction
from django_matt.urls import non_atomic_aliases

__all__ = ["Binding", "Steps", "challenge_of", "non_atomic_marks"]

_logger = logging.getLogger("django.request")

Step = Callable[[Any], Any]
"""One step of a request: it gets the ``RouteContext``, and returns a response to end the request.

A step of an async operation returns ``None`` if it is done, or an awaitable of ``None`` or of a response.
"""


class Steps:
    """What an operation does with a request, decided once.

    A request passes ``enter``, each of ``before``, and ``respond``. ``fail`` handles their exceptions.
    """

    def __init__(self, api: Any, operation: Operation) -> None:
        """Decide the steps; this compiles the validators and the plans of the responses."""
        self.api = api
        self.operation = operation
        own_formats = operation_formats(operation, api.formats)
        formats = own_formats or api.formats
        self.parameters = Parameters(api, operation, body_formats(api, formats))
        self.answer = ResponseBuilder(api, operation, response_formats(api, formats))
        self.route = route_function_of(operation)
        self.logs = isinstance(operation, ExtraOperation)
        self._challenge = challenge_of(operation)
        checks = bool(
            operation.auth_callbacks or operation.throttle_objects or operation.csrf_exempt
        )
        self._permissions = self._find_permissions()
        marks: dict[str, Any] = {} if own_formats is None else {"_matt_formats": own_formats}
        if checks:
            marks["_matt_challenge"] = self._challenge
        marks |= non_atomic_marks(operation)
        self.enter = bind_contexts(
            api,
            operation,
            self.parameters,
            permissions=self._permissions,
            marks=marks,
            early=not checks,
        )
        self._makes_late = checks and makes_responses(api)
        self.before: tuple[Step, ...] = tuple(self._choose_steps(checks))
        self.respond = self._bind_response()

    def _choose_steps(self, checks: bool) -> Iterator[Step]:
        """Yield the steps before the view, in order. A sync and an async operation differ only in what they await."""
        waits = self.operation.is_async
        if checks:
            # Here, as an operation that anybody may call needs none of it.
            from django_matt.operation_checks import bind_checks

            yield bind_checks(self.api, self.operation, self._prepare)
        if self.route is not None:
            yield _controller_builder(self.route)
            if self._checks_permissions(self.route):
                yield _permit_async if waits else _permit
        if not (self.parameters.reads_nothing and context_class() is BoundContext):
            if waits and (self.parameters.needs_thread or not is_stock_context()):
                yield _read_async
            else:
                yield BoundContext.compute_route_parameters if is_stock_context() else _read
        if self.answer.negotiates_early:
            yield self.negotiate

    def negotiate(self, context: Any) -> None:
        """Refuse a client that accepts no format, before anything is written."""
        self.answer.negotiate(context.request)

    def _checks_permissions(self, route: RouteFunction) -> bool:
        cls = route.api_controller.controller_class
        own = cls.check_permissions is not ControllerBase.check_permissions
        own |= cls.async_check_permissions is not ControllerBase.async_check_permissions
        return own or any(permission is not AllowAny for permission in self._permissions)

    def _find_permissions(self) -> list[Any]:
        if self.route is None:
            return []
        return list(self.route.route.permissions or self.route.api_controller.permission_classes)

    def _bind_response(self) -> Callable[[Any], Any]:
        """Return a function that calls the view with the validated values, and creates the response."""
        answer, view = self.answer, self.operation.view_func
        call = _bind_call(self.operation, self.route)
        hooked = bind_view(self.api, self.operation, answer, call)
        if hooked is not None:
            return lambda context: hooked(context, context.kwargs["view_func_kwargs"])
        if not self.operation.is_async:
            make = answer.stream if answer.streams else answer.make
            if self.route is None:  # one call less for functions
                return lambda context: make(
                    context, view(context.request, **context.kwargs["view_func_kwargs"])
                )
            return lambda context: make(context, call(context, context.kwargs["view_func_kwargs"]))
        if answer.streams:
            return lambda context: answer.stream_async(
                context, call(context, context.kwargs["view_func_kwargs"])
            )

        async def respond(context: Any) -> Any:
            return await answer.make_async(
                context, await call(context, context.kwargs["view_func_kwargs"])
            )

        return respond

    def fail(self, request: HttpRequest, error: Exception) -> Any:
        """Return the response of the API's handlers to an exception, or None if it must leave the operation."""
        if isinstance(error, TypeError) and "required positional argument" in str(error):
            why = "Did you fail to use functools.wraps() in a decorator?"
            error.args = (f"{error.args[0]}: {why}", *error.args[1:])
        if self.logs and _logger.isEnabledFor(logging.WARNING):
            # On one line: what is wrong with a value names keys of dicts, which a client may have written.
            # pydantic's text contains the value, and so would run the query of a queryset.
            is_pydantic = isinstance(error, ValidationError)
            said = type(error).__name__ if is_pydantic else "\\n".join(repr(error).splitlines())
            self.log(request, logging.WARNING, getattr(error, "status_code", said))
        # Here, and not on the way in: whose fault it is matters to requests that fail.
        attach(request, self.operation, self.parameters, ROUTE_CONTEXT_VAR.get(None))
        marks = request.__dict__
        marks["_matt_challenge"] = self._challenge
        marks["_matt_plan"] = self.answer.describe  # for the DEBUG page
        if not marks.get(INSIDE):
            return self._challenged(answer_error(self.api, request, error))
        if self._leaves(error):
            return None
        # Raises what a handler raises: that leaves as well.
        return self._challenged(self.api.on_exception(request, error))

    def _leaves(self, error: Exception) -> bool:
        """Tell whether an exception leaves the operation, because the project has no handler for it."""
        api = self.api
        cls = type(api)
        stock = cls.on_exception is cls._stock_on_exception
        if not stock or isinstance(error, ANSWERED_INSIDE):
            return False
        handler = api._lookup_exception_handler(error)
        return getattr(handler, "func", None) is answer_exception

    def _prepare(self, context: Any) -> None:
        """Create the response that the project prepares, after authentication and throttles."""
        if self._makes_late and context.made is None:
            context.made = self.api.create_temporal_response(context.request)

    def _challenged(self, response: Any) -> Any:
        return challenged(response, self._challenge)

    def log(self, request: HttpRequest, level: int, outcome: Any) -> None:
        """Log as Ninja Extra does, but escape what the client sent."""
        name = self.operation.view_func.__name__
        if self.route is not None:
            name = f"{self.route.api_controller.controller_class.__name__}[{name}]"
        path = request.path.encode("unicode_escape").decode("ascii")
        _logger.log(
            level,
            '"%s - %s %s" %s',
            request.method,
            name,
            path,
            outcome,
            extra={"request": request},
        )


def _controller_builder(route: RouteFunction) -> Step:
    build = controller_factory(route)

    def build_controller(context: Any) -> None:
        controller = context.controller = build()
        controller.context = context

    return build_controller


def _permit(context: Any) -> None:
    context.controller.check_permissions()


def _permit_async(context: Any) -> Any:
    return context.controller.async_check_permissions()


def _read(context: Any) -> None:
    # A permission may have read the parameters already.
    if not context._has_computed_route_parameters:
        context.compute_route_parameters()


def _read_async(context: Any) -> Any:
    if context._has_computed_route_parameters:
        return None
    return context.async_compute_route_parameters()


def _bind_call(
    operation: Operation, route: RouteFunction | None
) -> Callable[[Any, dict[str, Any]], Any]:
    """Return a function that calls the view, or the controller's method on the instance of the request."""
    view = operation.view_func
    if route is None or view is not route.as_view:
        return lambda context, values: view(context.request, **values)
    method = route.route.view_func
    if route.has_request_param:
        return lambda context, values: method(context.controller, request=context.request, **values)
    return lambda context, values: method(context.controller, **values)


def non_atomic_marks(operation: Operation) -> dict[str, Any]:
    """Return the marks on a route's requests that name the databases without a transaction of ``ATOMIC_REQUESTS``."""
    aliases = non_atomic_aliases(operation)
    return {NON_ATOMIC: aliases} if aliases else {}


def challenge_of(operation: Operation) -> str:
    """Return the ``WWW-Authenticate`` header of an operation's 401."""
    if not operation.auth_callbacks:
        return ""
    from django_matt.security_schemes import challenge_of as challenge_of_callbacks

    return challenge_of_callbacks(operation.auth_callbacks)


class _NoSteps:
    """The steps of an operation that cannot be bound: every request fails with the reason."""

    parameters = answer = None
    logs = False
    before: tuple[Step, ...] = ()

    def __init__(self, api: Any, reason: Exception) -> None:
        self._api = api
        self.reason = reason

    def enter(self, request: HttpRequest, path: dict[str, Any]) -> Any:
        raise self.reason

    def fail(self, request: HttpRequest, error: Exception) -> Any:
        return None if request.__dict__.get(INSIDE) else answer_error(self._api, request, error)


_LOCK = RLock()
"""Routes share schemas and paginators, so only one thread at a time may bind an operation."""


def _renew_lock() -> None:
    global _LOCK  # noqa: PLW0603 - the thread that had it is not in the child of a fork
    _LOCK = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class Binding:
    """Decides the steps of an operation when they are first needed, and again after the settings have changed.

    Validators and plans take milliseconds and about a hundred kilobytes for each route, which many processes never
    need. Changes of objects that routes share are made earlier, when the API is bound.
    """

    def __init__(
        self,
        api: Any,
        operation: Operation,
        where: str,
        problem: str | None = None,
        check: str = "matt.E004",
    ) -> None:
        """Bind nothing yet. ``where`` names the operation; a ``problem`` is why it cannot be bound."""
        self._api = api
        self._operation = operation
        self._where = where
        self._problem = problem
        self._made: dict[str, Steps] = {}
        self.check = check
        """The id of the system check that reports a problem."""
        self.current: Any = None
        """The steps, or None if they have to be asked for: see ``steps``."""

    @property
    def steps(self) -> Any:
        """The steps under the current settings, which a test may have overridden."""
        return self.current or self.bind()

    def bind(self) -> Any:
        """Decide the steps. If that fails, return steps that fail; the next request tries again."""
        with _LOCK:
            if self.current is None:
                key = repr(get_settings())
                if key not in self._made:
                    try:
                        self._made[key] = self._make()
                    except ConfigError as reason:
                        return _NoSteps(self._api, reason)
                self.current = self._made[key]
            return self.current

    def _make(self) -> Steps:
        if self._problem is not None:
            raise ConfigError(f"{self._where}: {self._problem}")
        try:
            return Steps(self._api, self._operation)
        except Exception as error:
            name = name_function(innermost(self._operation.view_func))
            raise ConfigError(
                f"{self._where}: {name} cannot be bound: {type(error).__name__}: {error}"
            ) from error

    @property
    def problem(self) -> str | None:
        """Why the operation cannot be bound; None if it can. This binds it."""
        reason: Exception | None = getattr(self.steps, "reason", None)
        return None if reason is None else str(reason)

    @property
    def answer(self) -> ResponseBuilder | None:
        """The builder of the responses; None if the operation cannot be bound."""
        found: ResponseBuilder | None = self.steps.answer
        return found

    @property
    def inputs(self) -> Parameters | None:
        """The reader of the parameters; None if the operation cannot be bound."""
        found: Parameters | None = self.steps.parameters
        return found

    def forget(self) -> None:
        """Decide again from the next request on."""
        self.current = None
