"""The path of a request through one operation: authenticate, permit, validate, call, answer."""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.operation import Operation
from ninja_extra.constants import ROUTE_CONTEXT_VAR
from ninja_extra.controllers.base import ControllerBase
from ninja_extra.controllers.route.route_functions import RouteFunction
from ninja_extra.operation import Operation as ExtraOperation
from ninja_extra.permissions import AllowAny

from django_matt.contexts import bind_contexts, is_stock_context, makes_responses
from django_matt.controllers import controller_factory, route_function_of
from django_matt.errors.answering import ANSWERED_INSIDE, INSIDE, answer_error, arrived, challenged
from django_matt.errors.fields import attach, attach_operation
from django_matt.errors.handlers import answer_exception
from django_matt.errors.middlewares import leaves_view
from django_matt.errors.reports import NON_ATOMIC
from django_matt.formats.negotiation import operation_formats
from django_matt.hook_chains import bind_view
from django_matt.parameters import Parameters, body_formats
from django_matt.responses import ResponseBuilder, response_formats
from django_matt.settings import get_settings
from django_matt.urls import non_atomic_aliases

__all__ = ["answer_outside", "bind_run"]

_logger = logging.getLogger("django.request")

_Rebind = Callable[[Callable[[], "_Steps"]], None]
"""Takes what makes the steps of an operation, to be used from the next request on."""


class _Steps:
    """What an operation needs of a request, decided once."""

    def __init__(self, api: Any, operation: Operation) -> None:
        self.api = api
        self.operation = operation
        own_formats = operation_formats(operation, api.formats)
        formats = own_formats or api.formats
        self.parameters = Parameters(api, operation, body_formats(api, formats))
        self.answer = ResponseBuilder(api, operation, response_formats(api, formats))
        self.check, self.challenge = _bind_checks(api, operation), _challenge(operation)
        self.route = route_function_of(operation)
        self.extra = isinstance(operation, ExtraOperation)
        self.permissions = self._permissions()
        marks: dict[str, Any] = {} if own_formats is None else {"_matt_formats": own_formats}
        if self.check is not None:
            marks["_matt_challenge"] = self.challenge
        marks |= _non_atomic(operation)
        self.enter = bind_contexts(
            api,
            operation,
            self.parameters,
            permissions=self.permissions,
            marks=marks,
            early=self.check is None,
        )
        self.makes_late = self.check is not None and makes_responses(api)
        self.build: Callable[[], ControllerBase] | None = None
        self.direct: Callable[..., Any] | None = None
        self.permits = self.wants_request = False
        if self.route is not None:
            self._bind_controller(self.route)
        self.call = _bind_method(self)
        self.hooked = bind_view(api, operation, self.answer, self.call or _bind_function(operation))

    def _bind_controller(self, route: RouteFunction) -> None:
        cls = route.api_controller.controller_class
        self.build = controller_factory(route)
        own = cls.check_permissions is not ControllerBase.check_permissions
        own |= cls.async_check_permissions is not ControllerBase.async_check_permissions
        self.permits = own or any(permission is not AllowAny for permission in self.permissions)
        self.wants_request = route.has_request_param
        if self.operation.view_func is route.as_view:
            self.direct = route.route.view_func

    def _permissions(self) -> list[Any]:
        if self.route is None:
            return []
        return list(self.route.route.permissions or self.route.api_controller.permission_classes)

    def fail(self, request: HttpRequest, error: Exception) -> Any:
        """Answer an exception by the API's handlers, or return None for one that leaves the operation."""
        if isinstance(error, TypeError) and "required positional argument" in str(error):
            why = "Did you fail to use functools.wraps() in a decorator?"
            error.args = (f"{error.args[0]}: {why}", *error.args[1:])
        if self.extra and _logger.isEnabledFor(logging.WARNING):
            # On one line: what is wrong with a value names keys of dicts, which a client may have written.
            said = "\\n".join(repr(error).splitlines())
            self.log(request, logging.WARNING, getattr(error, "status_code", said))
        # Here, and not on the way in: whose fault it is matters to requests that fail.
        attach(request, self.operation, self.parameters, ROUTE_CONTEXT_VAR.get(None))
        marks = request.__dict__
        marks["_matt_challenge"] = self.challenge
        marks["_matt_plan"] = self.answer.describe  # for the DEBUG page
        if not marks.get(INSIDE):
            return challenged(answer_error(self.api, request, error), self.challenge)
        if self._leaves(error):
            return None
        # Raises what a handler raises: that leaves as well.
        return challenged(self.api.on_exception(request, error), self.challenge)

    def _leaves(self, error: Exception) -> bool:
        """Tell whether an exception leaves the operation: no handler of the project's own wants it."""
        api = self.api
        cls = type(api)
        stock = cls.on_exception is cls._stock_on_exception
        if not stock or isinstance(error, ANSWERED_INSIDE):
            return False
        handler = api._lookup_exception_handler(error)
        return getattr(handler, "func", None) is answer_exception

    def prepare(self, context: Any) -> None:
        """Make the response that the project prepares, once authentication and throttles have passed."""
        if self.makes_late and context.made is None:
            context.made = self.api.create_temporal_response(context.request)

    def log(self, request: HttpRequest, level: int, outcome: Any) -> None:
        """Log as Ninja Extra does, with what the client sent escaped."""
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


def _non_atomic(operation: Operation) -> dict[str, Any]:
    """Return the mark of a route's requests that says around which databases no transaction was opened."""
    aliases = non_atomic_aliases(operation)
    return {NON_ATOMIC: aliases} if aliases else {}


def _bind_checks(api: Any, operation: Operation) -> Callable[[HttpRequest], Any] | None:
    """Return what authenticates and throttles, None where there is nothing to do."""
    if not (operation.auth_callbacks or operation.throttle_objects or operation.csrf_exempt):
        return None
    from django_matt.operation_checks import bind_checks

    return bind_checks(api, operation)


def _challenge(operation: Operation) -> str:
    """Return what a 401 of an operation says of how to authenticate."""
    if not operation.auth_callbacks:
        return ""
    from django_matt.security_schemes import challenge_of

    return challenge_of(operation.auth_callbacks)


def bind_run(api: Any, operation: Operation) -> Callable[..., Any]:
    """Return the ``run`` of an operation: ``run(request, **path_parameters) -> HttpResponse``, async where it is."""
    made: dict[str, _Steps] = {}

    def make() -> _Steps:
        """Return the steps under the settings of now, which a test may have overridden."""
        key = repr(get_settings())
        if key not in made:
            made[key] = _Steps(api, operation)
        marked: Any = operation
        marked._matt_answer = made[key].answer  # for paginators, and matt_plan to describe
        marked._matt_inputs = made[key].parameters  # for errors that have left the operation
        return made[key]

    steps = make()
    run, rebind = _bind_async(steps) if operation.is_async else _bind_sync(steps)
    operation._matt_rebind = partial(rebind, make)  # type: ignore[attr-defined] # for override_settings
    return run


def _bind_sync(steps: _Steps) -> tuple[Callable[..., HttpResponseBase], _Rebind]:
    answer, enter, logs = steps.answer, steps.enter, steps.extra
    view, call, hooked = steps.operation.view_func, steps.call, steps.hooked

    def rebind(make: Callable[[], _Steps]) -> None:
        nonlocal enter

        def enter_first(request: HttpRequest, path: dict[str, Any]) -> Any:
            nonlocal steps, answer, enter, call, hooked
            steps = make()
            answer, enter, call, hooked = steps.answer, steps.enter, steps.call, steps.hooked
            return enter(request, path)

        enter = enter_first

    def run(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        started = time.time() if logs and _logger.isEnabledFor(logging.INFO) else None
        context = None
        try:
            context = enter(request, path)
            if steps.check is not None:
                refused: HttpResponseBase | None = steps.check(request)
                if refused is not None:
                    return refused
                steps.prepare(context)
            if steps.build is not None:
                context.controller = steps.build()
                context.controller.context = context
                if steps.permits:
                    context.controller.check_permissions()
            if not context._has_computed_route_parameters:
                context.compute_route_parameters()
            if answer.negotiates_early:
                answer.negotiate(request)
            values = context.kwargs["view_func_kwargs"]
            if hooked is None:
                result = view(context.request, **values) if call is None else call(context, values)
                made = (
                    answer.stream(context, result)
                    if answer.streams
                    else answer.make(context, result)
                )
            else:
                made = hooked(context, values)
            if started is not None:
                steps.log(request, logging.INFO, time.time() - started)
            return made
        except Exception as error:
            answered: HttpResponseBase | None = steps.fail(request, error)
            if answered is None:
                raise
            return answered
        finally:
            ROUTE_CONTEXT_VAR.set(None)
            if context is not None:
                # The two know each other: the request and its answer would wait for the garbage collector.
                context.controller = None

    return run, rebind


def _bind_async(  # noqa: C901, PLR0915 - the steps of a request in their order; a call for one of them costs each request
    steps: _Steps,
) -> tuple[Callable[..., Awaitable[HttpResponseBase]], _Rebind]:
    answer, enter, logs = steps.answer, steps.enter, steps.extra
    view, call, hooked = steps.operation.view_func, steps.call, steps.hooked
    threaded = steps.parameters.needs_thread or not is_stock_context()

    def rebind(make: Callable[[], _Steps]) -> None:
        nonlocal enter

        def enter_first(request: HttpRequest, path: dict[str, Any]) -> Any:
            nonlocal steps, answer, enter, call, hooked
            steps = make()
            answer, enter, call, hooked = steps.answer, steps.enter, steps.call, steps.hooked
            return enter(request, path)

        enter = enter_first

    async def run(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        started = time.time() if logs and _logger.isEnabledFor(logging.INFO) else None
        context = None
        try:
            context = enter(request, path)
            if steps.check is not None:
                refused: HttpResponseBase | None = await steps.check(request)
                if refused is not None:
                    return refused
                steps.prepare(context)
            if steps.build is not None:
                context.controller = steps.build()
                context.controller.context = context
                if steps.permits:
                    await context.controller.async_check_permissions()
            if not context._has_computed_route_parameters:
                if threaded:
                    await context.async_compute_route_parameters()
                else:
                    context.compute_route_parameters()
            if answer.negotiates_early:
                answer.negotiate(request)
            values = context.kwargs["view_func_kwargs"]
            if hooked is None:
                result = view(context.request, **values) if call is None else call(context, values)
                if answer.streams:
                    made = await answer.stream_async(context, result)
                else:
                    made = await answer.make_async(context, await result)
            else:
                made = await hooked(context, values)
            if started is not None:
                steps.log(request, logging.INFO, time.time() - started)
            return made
        except Exception as error:
            answered = steps.fail(request, error)
            if answered is None:
                raise
            return await arrived(answered)
        finally:
            ROUTE_CONTEXT_VAR.set(None)
            if context is not None:
                # The two know each other: the request and its answer would wait for the garbage collector.
                context.controller = None

    return run, rebind


def _bind_function(operation: Operation) -> Callable[[Any, dict[str, Any]], Any]:
    """Return what calls a function that is the view."""
    view = operation.view_func
    return lambda context, values: view(context.request, **values)


def _bind_method(steps: _Steps) -> Callable[[Any, dict[str, Any]], Any] | None:
    """Return what calls a controller's method on the instance of this request, or None where a function is the view."""
    method = steps.direct
    if method is None:
        return None
    if steps.wants_request:
        return lambda context, values: method(context.controller, request=context.request, **values)
    return lambda context, values: method(context.controller, **values)


def answer_outside(api: Any, operation: Operation, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``run``, with all that decorates it, from which exceptions leave: they are answered around it.

    What a decorator of the view raises is answered like what the operation raises.
    """
    challenge = _challenge(operation)
    non_atomic = _non_atomic(operation)

    def leave(marks: dict[str, Any], request: HttpRequest) -> bool:
        # A transaction of a decorator's is checked when it ends: what it refuses, the request may have named.
        attach_operation(request, operation)
        marks[INSIDE] = False
        marks.setdefault("_matt_challenge", challenge)
        marks.update(non_atomic)
        return leaves_view(request)

    def answered(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        marks = request.__dict__
        before = marks.get(INSIDE)
        marks[INSIDE] = True
        try:
            made: HttpResponseBase = run(request, **path)
        except Exception as error:
            if leave(marks, request):
                raise
            made = challenged(answer_error(api, request, error), challenge)
        finally:
            marks[INSIDE] = before
        return made

    async def answered_async(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        marks = request.__dict__
        before = marks.get(INSIDE)
        marks[INSIDE] = True
        try:
            # Ninja's own operations return the coroutine of an async handler.
            made = await arrived(await run(request, **path))
        except Exception as error:
            if leave(marks, request):
                raise
            made = await arrived(challenged(answer_error(api, request, error), challenge))
        finally:
            marks[INSIDE] = before
        return made

    return answered_async if operation.is_async else answered
