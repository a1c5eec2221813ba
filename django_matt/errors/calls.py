"""The call of an operation that failed: the request keeps it for the errors that ask what was called, and with what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest
from ninja.operation import Operation

__all__ = ["Call", "Inputs", "attach", "attach_operation", "call_of"]


class Inputs(Protocol):
    """Reads again what a request sent, before validation."""

    def raw(self, request: HttpRequest, path: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each parameter model of Ninja's with the data of the request for it."""
        ...


@dataclass(slots=True)
class Call:
    """The operation whose call failed, and what it was called with."""

    operation: Operation
    inputs: Inputs
    path: Mapping[str, Any]
    values: Mapping[str, Any]
    """The view's keyword arguments, empty where the request was refused before."""
    sent: list[Any] | None = None
    """What ``fields.sent_fields`` has found, once it was asked."""


def attach(request: HttpRequest, operation: Operation, inputs: Inputs, context: Any) -> None:
    """Let the errors of a request find its operation and values.

    ``context`` is the ``RouteContext`` of the call, or None where there is none any more. Do this only where a call
    fails: a request that succeeds does not need it.
    """
    if context is not None:
        values = context.kwargs.get("view_func_kwargs") or {}
        request.__dict__["_matt_call"] = Call(operation, inputs, context.path, values)
    elif call_of(request) is None:
        path = getattr(getattr(request, "resolver_match", None), "kwargs", {})
        request.__dict__["_matt_call"] = Call(operation, inputs, path, {})


def attach_operation(request: HttpRequest, operation: Operation) -> None:
    """Let an error that has left its operation find what the request sent: a decorator's, or that of a commit."""
    binding: Any = getattr(operation, "_matt_binding", None)
    inputs: Inputs | None = None if binding is None else binding.inputs
    if inputs is not None:
        attach(request, operation, inputs, None)


def call_of(request: HttpRequest) -> Call | None:
    """Return the call that failed, or None where no operation was reached."""
    found = request.__dict__.get("_matt_call")
    return found if isinstance(found, Call) else None
