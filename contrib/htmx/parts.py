"""What a view adds to an HTML response: parts for other places of the page, and events."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja_extra import ControllerBase

__all__ = ["Additions", "add_part", "additions_of", "trigger"]

_HEADER = "HX-Trigger"
_ATTRIBUTE = "_matt_htmx"


@dataclass(slots=True)
class Additions:
    """What one request adds to its response."""

    parts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: dict[str, Any] = field(default_factory=dict)

    def send_events(self, response: HttpResponseBase) -> None:
        """Add the events to a header of the response; those that it has already stay."""
        if self.events:
            # ASCII alone: a header takes nothing else, and a browser reads its escapes.
            events = {**_events(response.headers.get(_HEADER, "")), **self.events}
            response.headers[_HEADER] = json.dumps(events, cls=DjangoJSONEncoder)


def _events(header: str) -> dict[str, Any]:
    """Return the events of a header, which may be JSON or names with commas between them."""
    if header.startswith("{"):
        found: dict[str, Any] = json.loads(header)
        return found
    return {name.strip(): None for name in header.split(",") if name.strip()}


def additions_of(request: HttpRequest) -> Additions | None:
    """Return what was added for a request; None if nothing was."""
    found: Additions | None = request.__dict__.get(_ATTRIBUTE)
    return found


def add_part(place: HttpRequest | ControllerBase, template_name: str, **context: Any) -> None:
    """Render one more template behind the fragment that answers the request, for another place of the page.

    ``place`` is the request, or the controller in whose method you are. The template says where it goes, with
    ``hx-swap-oob`` or ``<hx-partial>``. Pages and other formats have no such parts.

    >>> add_part(request, "cart.html#count", count=3)    # doctest: +SKIP
    """
    _additions(place).parts.append((template_name, context))


def trigger(place: HttpRequest | ControllerBase, name: str, detail: Any = None) -> None:
    """Let htmx send an event in the browser; listen to it with ``hx-trigger="book-added from:body"``.

    ``detail`` is JSON data. Other formats have no such events.

    >>> trigger(request, "book-added", {"id": 3})    # doctest: +SKIP
    """
    _additions(place).events[name] = detail


def _additions(place: HttpRequest | ControllerBase) -> Additions:
    request: Any = place if isinstance(place, HttpRequest) else place.context.request  # type: ignore[union-attr]
    found: Additions = request.__dict__.setdefault(_ATTRIBUTE, Additions())
    return found
