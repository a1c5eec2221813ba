"""Hooks: what an app does around the operations of an API, without a decorator on each route."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, ClassVar, Self

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation

__all__ = ["CALL", "Call", "OperationHook", "bound_hooks"]

CALL = "_matt_hook_call"
"""The attribute of a request that holds its ``Call`` while an operation with outside hooks runs."""


class Call:
    """One request to one operation, as its hooks see it.

    It exists only where hooks are bound. ``context`` and ``values`` are there from ``admitted`` on: ``values`` are the
    validated arguments of the view by name.
    """

    __slots__ = (
        "_reached",
        "_result_seen",
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
        """Begin a call; ``path`` holds the parameters of the URL as Django read them."""
        self.request = request
        self.operation = operation
        self.api = api
        self.path = path
        self.context: Any = None
        """Ninja Extra's ``RouteContext`` of the request."""
        self.values: dict[str, Any] = {}
        self.state: dict[Any, Any] = {}
        """What hooks remember between their methods; use the hook itself as the key."""
        self._result_seen = False
        self._reached: int | None = None

    @property
    def formats(self) -> Any:
        """The ``FormatSet`` that the response is negotiated from; ``None`` where the project renders it itself."""
        chosen = self.request.__dict__.get("_matt_formats")
        if chosen is not None:
            return chosen
        binding: Any = getattr(self.operation, "_matt_binding", None)
        answer = None if binding is None else binding.answer
        return None if answer is None else answer.formats

    @property
    def prepared(self) -> HttpResponse | None:
        """The response on which the view sets headers and cookies; ``None`` where nothing asked for it."""
        made: HttpResponse | None = None if self.context is None else self.context.made
        return made


class OperationHook:
    """What an app does around one operation. Derive from it, define the methods you need, and register the class.

    ``api.add_hook(YourHook)`` in the ``extend(api)`` of your app registers it. When the API is bound, ``bind`` is called
    once for each operation. A method that you do not define costs nothing on any request.

    A request passes the methods in this order::

        received          before authentication; may answer
        (authentication, throttles, permissions, validation)
        admitted          may answer
        around            a context manager around all that follows, but ``answered``
        (the view)
        result            what the view returned; may return another
        (encoding)
        response          the finished response of the view; may return another
        answered          every response, of errors and of refused requests too; may return another

    Hooks nest like middlewares. ``received``, ``admitted`` and ``around`` are called in the order of the hooks,
    ``result``, ``response`` and ``answered`` in the reverse order. Where a hook answers early, only the hooks before it
    see that response. The order is ``order``, and then that of registration, which is the order of ``INSTALLED_APPS``.

    Each method has an ``async`` twin, whose name begins with an ``a``. An async route calls the twin, a sync route the
    plain method. Where only the plain method exists, an async route calls it in a thread, unless ``never_blocks`` says
    that it neither queries nor waits. Where only the twin exists, a sync route waits for it.

    What a method raises is answered like an exception of the view.

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
    """Lower is further outside. Give a hook that scopes querysets a high one: it stands close to the view."""

    never_blocks: ClassVar[bool] = False
    """Whether async routes may call the plain methods on the event loop."""

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of an operation, or ``None`` where the operation needs none.

        What it raises is the system check ``matt.E006``, and the operation answers 500.
        """
        return cls()

    @classmethod
    def bind_unmatched(cls, api: Any) -> Self | None:
        """Return the hook of requests below the API that no operation takes, a 404 or a 405; ``None`` to see none of them.

        Its ``received`` and ``answered`` are called, with a ``call.operation`` that is ``None``.
        """
        return None

    def received(self, call: Call) -> HttpResponseBase | None:
        """Look at a request before authentication; return a response to answer it."""

    async def areceived(self, call: Call) -> HttpResponseBase | None:
        """Do what ``received`` does, on an async route."""

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Look at a request that may and can be answered; return a response to answer it without the view."""

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do what ``admitted`` does, on an async route."""

    def around(self, call: Call) -> AbstractContextManager[Any]:
        """Return a context manager, such as ``transaction.atomic()``, around the view and the making of its response.

        It sees the exceptions that leave these. A streamed response is made inside, and its items outside.
        """
        raise NotImplementedError

    def aaround(self, call: Call) -> AbstractAsyncContextManager[Any]:
        """Return an async context manager, for an async route."""
        raise NotImplementedError

    def result(self, call: Call, result: Any) -> Any:
        """Return what is answered instead of what the view returned, or the same.

        A queryset may be filtered here: its rows are read afterwards. On a paginated route it is what the view gives to
        the paginator. A route that streams gives its generator.
        """

    async def aresult(self, call: Call, result: Any) -> Any:
        """Do what ``result`` does, on an async route."""

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Look at the response to a view's result, of a stream before its first byte; return another to replace it."""

    async def aresponse(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do what ``response`` does, on an async route."""

    def answered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Look at any response that leaves the operation; return another to replace it.

        It is not called where the client has left, and there is no response.
        """

    async def aanswered(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """Do what ``answered`` does, on an async route."""

    def error_statuses(self, method: str) -> Iterable[int]:
        """Return the statuses of errors that the hook may answer a method with, for the OpenAPI document."""
        return ()

    def describe(self, details: dict[str, Any], method: str) -> None:
        """Change the operation's part of the OpenAPI document, an Operation Object, for a method."""


def bound_hooks(operation: Operation) -> tuple[OperationHook, ...]:
    """Return the hooks that are bound to an operation, the outermost first."""
    found: tuple[OperationHook, ...] = getattr(operation, "_matt_hooks", ())
    return found
