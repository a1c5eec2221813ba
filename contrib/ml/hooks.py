"""The hook that refuses a request before its body is read, while its model has too much to do."""

from collections.abc import Callable
from typing import Any, Self

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from django_matt.contrib.ml.errors import Overloaded
from django_matt.contrib.ml.fleets import current_fleet
from django_matt.contrib.ml.served import Served
from django_matt.decorators import View, get_metadata, set_metadata
from django_matt.hooks import Call, OperationHook
from django_matt.upstream import mark_logged

__all__ = [
    "VERSION_HEADER",
    "AdmissionHook",
    "name_version",
    "refuse_by_path",
    "refuse_when_busy",
]

VERSION_HEADER = "X-Model-Version"
"""The header of each answer: the version that gave it."""

_VERSION = "_matt_ml_version"


class AdmissionHook(OperationHook):
    """Refuses requests before authentication, so that a refusal costs as little as possible."""

    order = -100
    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of a route that a model answers."""
        find = get_metadata("refuse_when_busy", operation.view_func)
        return None if find is None else cls(find)

    def __init__(self, find: Callable[[Call], tuple[str, str | None]]) -> None:
        """Take a function that returns the names of the model and the version of a request."""
        self._find = find

    def received(self, call: Call) -> HttpResponseBase | None:
        """Raise ``Overloaded`` if a new item would wait too long."""
        name, version = self._find(call)
        fleet = current_fleet()
        deployment = fleet.deployments.get(name)
        # Otherwise the view loads the models, or says that there is no such one.
        if fleet.is_started and deployment is not None:
            try:
                deployment.refuse(version)
            except Overloaded:
                call.state[self] = True
                raise
        return None

    def answered(self, call: Call, response: HttpResponseBase) -> None:
        """Add the version that has answered, and keep Django from a line in the log for each refusal.

        These lines would be most of the work under overload. A view that set the header itself would need a response that the API
        prepares, which costs a request more.
        """
        if self in call.state:
            mark_logged(response)
        elif (version := call.request.__dict__.get(_VERSION)) is not None:
            response.headers[VERSION_HEADER] = version

    def error_statuses(self, method: str) -> tuple[int, ...]:
        """Return the statuses of a model that is overloaded, or too slow."""
        return (503, 504)


def name_version(request: HttpRequest, version: str) -> None:
    """Let the response to a request name the version that has answered it; its route needs the hook."""
    request.__dict__[_VERSION] = version


def refuse_when_busy(model: type[Served]) -> Callable[[View], View]:
    """Refuse requests to your own route with a 503 before their body is read, while they would wait too long for the model.

    >>> @api.post("/reviews")
    ... @refuse_when_busy(Sentiment)
    ... async def review(request, review: ReviewIn):
    ...     answer = await Sentiment.ainfer(Sentiment.Input(text=review.text))
    """
    return set_metadata("refuse_when_busy", lambda call: (model.name, None), hook=AdmissionHook)


def refuse_by_path(name: str | None = None) -> Callable[[View], View]:
    """Do the same for routes whose path names the model or the version."""

    def find(call: Call) -> tuple[str, str | None]:
        return name or str(call.path.get("model", "")), call.path.get("version")

    return set_metadata("refuse_when_busy", find, hook=AdmissionHook)
