"""The hook of a route with ``@html`` that writes: what an empty response is for a browser."""

import re
from string import Formatter
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.contrib.htmx.representations import HTML, draw_parts, redirect
from django_matt.contrib.htmx.requests import wants_fragment
from django_matt.errors.exceptions import SAFE, NotAcceptable
from django_matt.hooks import Call, OperationHook

__all__ = ["HtmxHook"]


class HtmxHook(OperationHook):
    """Answers an empty response as a browser needs it, and lets a refused form know its route."""

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Leave routes alone that have no ``@html``, or that only read: their JSON is as fast as without it.

        Raises ``ImproperlyConfigured`` for a ``location`` with a field that a response does not have.
        """
        found = [each for each in api.formats_of(operation) or () if isinstance(each, HTML)]
        for each in found:
            _check_location(each.location or "", operation)
        writes = not SAFE.issuperset(operation.methods)
        return cls() if found and (writes or 204 in operation.response_models) else None

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase:
        """Let a 204 remove a fragment, or lead a browser on."""
        chosen = _chosen(call) if response.status_code == 204 else None
        if chosen is None:
            return response
        request = call.request
        if chosen.location and request.method not in SAFE and not chosen.part(request):
            answer: HttpResponseBase = redirect(chosen.place(request, call.operation, None))
        elif wants_fragment(request):
            # htmx changes nothing for a 204.
            answer = HttpResponse(draw_parts(request))
        else:
            return response
        call.formats.vary(answer)
        _take_over(answer, response)
        return answer

    async def aresponse(self, call: Call, response: HttpResponseBase) -> HttpResponseBase:
        """Do the same, and leave the event loop only to render templates."""
        if response.status_code == 204:
            return await sync_to_async(self.response)(call, response)
        return response


def _check_location(location: str, operation: Operation) -> None:
    """Find a missing field at the start, and not after a write."""
    wanted = {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(location) if name}
    models: dict[Any, Any] = operation.response_models
    for status, model in models.items():
        if not wanted or not (isinstance(status, int) and 200 <= status < 300):
            continue
        kind = model.model_fields["response"].annotation if model else None
        if kind is None or (isinstance(kind, type) and issubclass(kind, BaseModel)):
            fields: dict[str, Any] = kind.model_fields if kind else {}
            aliases = {field.serialization_alias or field.alias for field in fields.values()}
            computed = kind.model_computed_fields if kind else {}
            if missing := wanted - {*fields, *aliases, *computed}:
                raise ImproperlyConfigured(
                    f"@html of {operation.view_func.__name__}: location={location!r} needs {', '.join(sorted(missing))}, "
                    f"which the response {status} does not have."
                )


def _chosen(call: Call) -> HTML | None:
    try:
        chosen = call.formats.select(call.request)
    except NotAcceptable:
        return None
    return chosen if isinstance(chosen, HTML) else None


def _take_over(response: HttpResponseBase, made: HttpResponseBase) -> None:
    """Keep the headers and cookies that the view set."""
    response.cookies.update(made.cookies)
    for name, value in made.headers.items():
        if name not in ("Content-Type", "Content-Length"):
            response.headers.setdefault(name, value)
