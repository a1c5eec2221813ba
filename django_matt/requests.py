"""The path of a request through one operation: authenticate, permit, validate, call, answer."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja_extra.constants import ROUTE_CONTEXT_VAR
from ninja_extra.context import RouteContext
from ninja_extra.controllers.base import ControllerBase
from ninja_extra.controllers.route.route_functions import RouteFunction
from ninja_extra.lazy import settings_lazy
from ninja_extra.operation import Operation as ExtraOperation
from ninja_extra.permissions import AllowAny

from django_matt.answers import Answer, answer_formats
from django_matt.controllers import controller_factory, route_function_of
from django_matt.formats.negotiation import operation_formats
from django_matt.parameters import Parameters, body_formats

__all__ = ["bind_run"]

_logger = logging.getLogger("django.request")


class _BoundContext(RouteContext):
    """A ``RouteContext`` whose parameters are read by the operation's own readers."""

    _parameters: Parameters
    _path: dict[str, Any]
    controller: ControllerBase | None = None

    def compute_route_parameters(self) -> None:
        if not self._has_computed_route_parameters:
            values = self._parameters.read(self.request, self._path, self.response)
            self.kwargs.update(values)
            self.kwargs["view_func_kwargs"] = values
            self._has_computed_route_parameters = True


class _Steps:
    """What an operation needs of a request, decided once."""

    def __init__(self, api: Any, operation: Operation) -> None:
        self.api = api
        self.operation = operation
        self.own_formats = operation_formats(operation, api.formats)
        formats = self.own_formats or api.formats
        self.parameters = Parameters(api, operation, body_formats(api, formats))
        self.answer = Answer(api, operation, answer_formats(api, formats))
        self.checks = bool(
            operation.auth_callbacks or operation.throttle_objects or operation.csrf_exempt
        )
        self.challenge = _challenge(operation)
        self.route = route_function_of(operation)
        self.extra = isinstance(operation, ExtraOperation)
        self.make_response = self._response_maker()
        self.make_context = self._context_maker() if self.extra else None
        self.view = operation.view_func
        self.permits = False
        if self.route is not None:
            self._bind_controller(self.route)

    def _bind_controller(self, route: RouteFunction) -> None:
        cls = route.api_controller.controller_class
        self.build = controller_factory(route)
        own = cls.check_permissions is not ControllerBase.check_permissions
        own |= cls.async_check_permissions is not ControllerBase.async_check_permissions
        self.permits = own or any(permission is not AllowAny for permission in self._permissions())
        plain = (
            getattr(self.view, "__wrapped__", None) is route.route.view_func
            and self.view is route.as_view
        )
        self.direct = route.route.view_func if plain else None
        self.wants_request = route.has_request_param

    def _permissions(self) -> list[Any]:
        if self.route is None:
            return []
        return list(self.route.route.permissions or self.route.api_controller.permission_classes)

    def _response_maker(self) -> Callable[[HttpRequest], HttpResponse]:
        api = self.api
        if type(api).create_temporal_response is not NinjaAPI.create_temporal_response:
            make: Callable[[HttpRequest], HttpResponse] = api.create_temporal_response
            return make
        content_type = api.get_content_type()
        return lambda request: HttpResponse(b"", content_type=content_type)

    def _context_maker(self) -> Callable[[HttpRequest, dict[str, Any], HttpResponse], RouteContext]:
        cls: type[Any] = settings_lazy().ROUTE_CONTEXT_CLASS  # type: ignore[assignment]
        cls = getattr(cls, "_setup", lambda: cls)()
        if cls.compute_route_parameters is RouteContext.compute_route_parameters:
            cls = (
                _BoundContext
                if cls is RouteContext
                else type(cls.__name__, (_BoundContext, cls), {})
            )
        api, signature, parameters = self.api, self.operation.signature, self.parameters
        permissions = self._permissions()

        def make(
            request: HttpRequest, path: dict[str, Any], response: HttpResponse
        ) -> RouteContext:
            context = cls(
                request=request,
                permission_classes=permissions,
                kwargs=dict(path),
                response=response,
                api=api,
                view_signature=signature,
            )
            context._parameters = parameters
            context._path = path
            return context

        return make

    def log(self, request: HttpRequest, started: float, error: Exception | None = None) -> None:
        """Log as Ninja Extra does, with what the client sent escaped, and only where somebody listens."""
        level = logging.INFO if error is None else logging.WARNING
        if not self.extra or not _logger.isEnabledFor(level):
            return
        name = self.operation.view_func.__name__
        if self.route is not None:
            name = f"{self.route.api_controller.controller_class.__name__}[{name}]"
        path = request.path.encode("unicode_escape").decode("ascii")
        outcome = (
            time.time() - started if error is None else getattr(error, "status_code", repr(error))
        )
        _logger.log(
            level,
            '"%s - %s %s" %s',
            request.method,
            name,
            path,
            outcome,
            extra={"request": request},
        )


def _challenge(operation: Operation) -> str:
    """The ``WWW-Authenticate`` of an operation's authentication (RFC 9110, 11.6.1)."""
    challenges = []
    for callback in operation.auth_callbacks:
        schema = getattr(callback, "openapi_security_schema", None) or {}
        if schema.get("type") == "http":
            scheme = str(schema.get("scheme", "bearer")).title()
            challenges.append('Basic realm="api", charset="UTF-8"' if scheme == "Basic" else scheme)
        elif schema.get("type") == "apiKey":
            where, name = schema.get("in", "header"), schema.get("name", "key")
            challenges.append(f'ApiKey in="{where}", name="{name}"')
    return ", ".join(dict.fromkeys(challenges)) or "Bearer"


def bind_run(api: Any, operation: Operation) -> Callable[..., Any]:
    """Return the ``run`` of an operation: ``run(request, **path_parameters) -> HttpResponse``, async where it is."""
    steps = _Steps(api, operation)
    return _bind_async(steps) if operation.is_async else _bind_sync(steps)


def _explain_wraps(error: Exception) -> None:
    if isinstance(error, TypeError) and "required positional argument" in str(error):
        error.args = (
            f"{error.args[0]}: Did you fail to use functools.wraps() in a decorator?",
            *error.args[1:],
        )


def _bind_sync(steps: _Steps) -> Callable[..., HttpResponseBase]:
    api, operation = steps.api, steps.operation
    read, answer, call = steps.parameters.read, steps.answer, _bind_call(steps)

    def run(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        started = time.time()
        try:
            if steps.own_formats is not None:
                request._matt_formats = steps.own_formats  # type: ignore[attr-defined]
            response = steps.make_response(request)
            context = None
            if steps.make_context is not None:
                context = steps.make_context(request, path, response)
                ROUTE_CONTEXT_VAR.set(context)
            if steps.checks:
                request._matt_challenge = steps.challenge  # type: ignore[attr-defined]
                refused = operation._run_checks(request)
                if refused is not None:
                    return _challenged(refused, steps.challenge)
            controller = None
            if steps.route is not None:
                controller = context.controller = steps.build()
                controller.context = context
                if steps.permits:
                    controller.check_permissions()
            if context is None:
                values = read(request, path, response)
            else:
                context.compute_route_parameters()
                values = context.kwargs["view_func_kwargs"]
            answer.negotiate(request)
            result = call(request, controller, values)
            made = (
                answer.stream(request, result, response)
                if answer.streams
                else answer.make(request, result, response)
            )
            steps.log(request, started)
            return made
        except Exception as error:  # noqa: BLE001
            _explain_wraps(error)
            steps.log(request, started, error)
            request._matt_challenge = steps.challenge  # type: ignore[attr-defined]
            return _challenged(api.on_exception(request, error), steps.challenge)
        finally:
            if steps.extra:
                ROUTE_CONTEXT_VAR.set(None)

    return run


def _bind_async(steps: _Steps) -> Callable[..., Awaitable[HttpResponseBase]]:
    api, operation = steps.api, steps.operation
    read, answer, call = steps.parameters.read, steps.answer, _bind_call(steps)

    async def run(request: HttpRequest, /, **path: Any) -> HttpResponseBase:
        started = time.time()
        try:
            if steps.own_formats is not None:
                request._matt_formats = steps.own_formats  # type: ignore[attr-defined]
            response = steps.make_response(request)
            context = None
            if steps.make_context is not None:
                context = steps.make_context(request, path, response)
                ROUTE_CONTEXT_VAR.set(context)
            if steps.checks:
                request._matt_challenge = steps.challenge  # type: ignore[attr-defined]
                refused = await operation._run_checks(request)  # type: ignore[misc]
                if refused is not None:
                    return _challenged(refused, steps.challenge)
            controller = None
            if steps.route is not None:
                controller = context.controller = steps.build()
                controller.context = context
                if steps.permits:
                    await controller.async_check_permissions()
            if context is None:
                values = read(request, path, response)
            else:
                context.compute_route_parameters()
                values = context.kwargs["view_func_kwargs"]
            answer.negotiate(request)
            result = call(request, controller, values)
            if answer.streams:
                made = await answer.stream_async(request, result, response)
            else:
                result = await result
                made = await answer.make_async(request, result, response)
            steps.log(request, started)
            return made
        except Exception as error:  # noqa: BLE001
            _explain_wraps(error)
            steps.log(request, started, error)
            request._matt_challenge = steps.challenge  # type: ignore[attr-defined]
            return _challenged(api.on_exception(request, error), steps.challenge)
        finally:
            if steps.extra:
                ROUTE_CONTEXT_VAR.set(None)

    return run


def _challenged(response: HttpResponseBase, challenge: str) -> HttpResponseBase:
    if response.status_code == 401 and "WWW-Authenticate" not in response.headers:
        response.headers["WWW-Authenticate"] = challenge
    return response


def _bind_call(steps: _Steps) -> Callable[[HttpRequest, Any, dict[str, Any]], Any]:
    """Return what calls the view: a function, or a controller's method on the instance of this request."""
    view = steps.view
    if steps.route is None:
        return lambda request, controller, values: view(request, **values)
    if steps.direct is None:
        return lambda request, controller, values: view(request, **values)
    method = steps.direct
    if steps.wants_request:
        return lambda request, controller, values: method(controller, request=request, **values)
    return lambda request, controller, values: method(controller, **values)
