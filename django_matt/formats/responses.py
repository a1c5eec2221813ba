"""From JSON bytes to a response in the format that the client accepts."""

import json

from django.http import HttpRequest, HttpResponse
from ninja.renderers import JSONRenderer

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.negotiation import READS, FormatSet
from django_matt.formats.protocol import CannotDump
from django_matt.formats.registry import make_format

__all__ = ["JSON_TYPE", "MattRenderer", "respond"]

JSON_TYPE = "application/json; charset=utf-8"


class MattRenderer(JSONRenderer):
    """The JSON of an answer; negotiation turns it into other formats."""


def respond(
    request: HttpRequest,
    formats: FormatSet,
    content: bytes | str,
    status: int | None,
    temporal_response: HttpResponse | None = None,
) -> HttpResponse:
    """Return the response for an answer's JSON.

    An error, and the answer to a request that has already written, come in the default format where the client
    accepts none: a 406 would hide what happened. So does what a format that only renders is asked to write.
    """
    if temporal_response is not None:
        status = temporal_response.status_code
    try:
        chosen = formats.select(request)
        body = content if chosen.name == "json" else chosen.dump(json.loads(content))
    except NotAcceptable as error:
        if not isinstance(error, CannotDump) and (status or 200) < 400 and request.method in READS:
            raise
        chosen = formats.value_default if formats.value_default.dumps else make_format("json")
        body = content if chosen.name == "json" else chosen.dump(json.loads(content))
    if temporal_response is None:
        response = HttpResponse(body, status=status, content_type=chosen.content_type)
        if formats.varies:
            # The mapping's own way encodes what is constant: three times the whole of select().
            response.headers._store["vary"] = formats.vary_header
        return response
    response = temporal_response
    response.content = body
    # What the view has set itself stays.
    if response.headers.get("Content-Type") == JSON_TYPE:
        response.headers["Content-Type"] = chosen.content_type
    formats.vary(response)
    return response
