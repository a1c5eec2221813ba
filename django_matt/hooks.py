"""Hooks: what an app does around the operations of an API, without a decorator on each route."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ClassVar, Self

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

__all__ = ["CALL", "Call", "OperationHook", "bound_hooks"]

CALL = "_matt_hook_call"
"""The attribute of a request with its ``Call``, while an operation with outside hooks runs."""


class Call:
    """One request to one operation, as its hooks see it.

    It exists only if hooks are bound. ``context`` and ``values`` are set from ``admitted`` on: ``values`` are the
    validated arguments of the view by name.
    """

    __slots__ = (
        "_reached",
        "_result_seen",
        "answer",
        "api",
        "context",
        "operation",
        "path",
        "request",
        "state",
        "values",
    )

    def __init__(
        self, request: HttpRequest, operation: Operation, api: Any, path: dict[str, Any]
    ) -> None:
        """Begin a call; ``path`` are the parameters of the URL as Django parsed them."""
        self.request = request
        self.operation = operation
        self.api = api
        self.path = path
        self.context: Any = None
        """Ninja Extra's ``RouteContext`` of the request."""
        self.values: dict[str, Any] = {}
        self.state: dict[Any, Any] = {}
        """What hooks remember between their methods; use the hook itself as the key."""
        self.answer: HttpResponseBase | None = None
        """Set by an ``around`` that has the response: before it yields, to skip the view; or where it ends an exception."""
        self._result_seen = False
        self._reached: int | None = None

    @property
    def formats(self) -> Any:
        """The formats that the response may have; ``None`` if the project renders it itself."""
        chosen = self.request.__dict__.get("_matt_formats")
        if chosen is not None:
            return chosen
        binding: Any = getattr(self.operation, "_matt_binding", None)
        answer = None if binding is None else binding.answer
        return None if answer is None else answer.formats

    @property
    def prepared(self) -> HttpResponse | None:
        """The response on which the view sets headers and cookies; ``None`` if it was not used."""
        made: HttpResponse | None = None if self.context is None else self.context.made
        return made


class OperationHook:
    """Code that an app runs around an operation. Subclass it, define the methods that you need, and add the class.

    Call ``api.add_hook(YourHook)`` in the ``extend(api)`` of your app. When the API is bound, ``bind`` is called once for
    each operation. A method that you do not define costs nothing.

    The methods are called in this order::

        received          before authentication; may return a response
        (authentication, throttles, permissions, validation)
        admitted          may return a response
        around            a context manager around everything that follows, except ``answered``
        (the view)
        result            gets what the view returned; may return another value
        (encoding)
        response          gets the finished response of the view; may return another
        answered          gets every response, also of errors and refused requests; may return another

    Hooks nest like middleware. ``received``, ``admitted`` and ``around`` are called in the order of the hooks,
    ``result``, ``response`` and ``answered`` in the reverse order. If a hook returns a response early, only the hooks
    before it get that response. Hooks are sorted by ``order``, then by the order in which they were added.

    Each method has an ``async`` twin, whose name begins with an ``a``. An async route calls the twin, a sync route the
    plain method. If there is only the plain method, an async route calls it in a thread, or on the event loop if
    ``never_blocks`` is True. If there is only the twin, a sync route waits for it.

    An exception in a method is handled like an exception in the view.

    >>> class Timing(OperationHook):
    ...     never_blocks = True
    ...
    ...     def received(self, call):
    ...         call.state[self] = perf_counter()
    ...
    ...     def answered(self, call, response):
    ...         response.headers["X-Seconds"] = f"{perf_counter() - call.state[self]:.3f}"
    """

    order: ClassVar[int] = 0
    """A lower number is further outside. A hook that filters querysets needs a high one, close to the view."""

    never_blocks: ClassVar[bool] = False
    """Whether async routes may call the plain methods on the event loop."""

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of an operation, or ``None`` if the operation does not need it.

        If it raises, the system check ``matt.E006`` reports it, and the operation returns a 500.
        """
        return cls()

    @classmethod
    def bind_unmatched(cls, api: Any) -> Self | None:
        """Return the hook of requests that no operation handles, a 404 or a 405; ``None`` if you do not need them.

        Its ``received`` and ``answered`` are called, with a ``call.operation`` that is ``None``.
        """
        return None

    def received(self, call: Call) -> HttpResponseBase | None:
        """Called before authentication. Return a response to end the request, or ``None``."""

    async def areceived(self, call: Call) -> HttpResponseBase | None:
        """Do what ``received`` does, on an async route."""

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Called before the view, for a valid request. Return a response to skip the view, or ``None``."""

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do what ``admitted`` does, on an async route."""

    def around(self, call: Call) -> AbstractContextManager[Any]:
        """Return a context manager, such as ``transaction.atomic()``, around the view and the encoding of its result.

        Exceptions of these pass through it. A streamed response is created inside, but its items are produced outside.
        If you set ``call.answer`` to a response before you yield, the view is not called. If you set it and end an
        exception, it is sent instead of an error.
        """
        raise NotImplementedError

    def aaround(self, call: Call) -> AbstractAsyncContextManager[Any]:
        """Return an async context manager, for an async route."""
        raise NotImplementedError

    def result(self, call: Call, result: Any) -> Any:
        """Return the view's result, or another value to send instead.

        You can filter a queryset here: its rows are read afterwards. On a paginated route, ``result`` is what the view
        passes to the paginator. On a route that streams, it is the generator.
        """

    async def aresult(self, call: Call, result: Any) -> Any:
        """Do what ``result`` does, on an async route."""

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Called with the response of the view, for a stream before its first byte. Return it, or another."""

    async def aresponse(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do what ``response`` does, on an async route."""

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Called with every response of the operation. Return it, or another.

        It is not called if the client has disconnected, because there is no response.
        """

    async def aanswered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do what ``answered`` does, on an async route."""

    def error_statuses(self, method: str) -> Iterable[int]:
        """Return the statuses of the errors that the hook may cause for a method, for the OpenAPI document."""
        return ()

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Change the Operation Object of a method in the OpenAPI document."""


def bound_hooks(operation: Operation) -> tuple[OperationHook, ...]:
    """Return the hooks that are bound to an operation, the outermost first."""
    found: tuple[OperationHook, ...] = getattr(operation, "_matt_hooks", ())
    return found
