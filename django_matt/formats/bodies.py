"""Request bodies: their bytes, their data in any format, and forms for every method."""

import os
import sys
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, QueryDict, RawPostDataException, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters
from ninja.parser import Parser

from django_matt import upstream
from django_matt.errors.exceptions import Problem, UnsupportedMediaType
from django_matt.formats.limits import refuse
from django_matt.formats.negotiation import FormatSet
from django_matt.formats.protocol import Format
from django_matt.formats.registry import FORM_TYPES

__all__ = ["MattParser", "load_form", "parse_body", "read_body"]

URLENCODED, MULTIPART = FORM_TYPES
_UNNAMED = "application/octet-stream"
_JSON_STARTS = (b"{", b"[")


class MattParser(Parser):
    """What Ninja's own code parses bodies with; the API's formats decide."""

    def __init__(self, formats: FormatSet) -> None:
        """Take the API's formats."""
        self.formats = formats

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's data."""
        return parse_body(request, self.formats)


def read_body(request: HttpRequest) -> bytes:
    """Return the body, also one sent in chunks; 411 where the server hands those on unread.

    Django's CSRF check loads a form with files, of which only ``request.POST`` is left. What is returned then is no JSON.

    Raises ``RequestDataTooBig`` past ``DATA_UPLOAD_MAX_MEMORY_SIZE``, and Django's ``UnreadablePostError``.
    """
    if "HTTP_TRANSFER_ENCODING" in request.META:
        _open_chunks(request)
    try:
        body = request.body
    except (SuspiciousOperation, RawPostDataException, OSError) as error:
        if not (request.content_type == MULTIPART and isinstance(error, RawPostDataException)):
            raise
        body = b"--"
    except Exception as error:
        # Servers have errors of their own for a client that breaks HTTP or goes away; not all of them are an OSError.
        raise UnreadablePostError(str(error)) from error
    # Ninja's test client puts text there.
    return body if isinstance(body, bytes) else str(body).encode()


def parse_body(request: HttpRequest, formats: FormatSet, model: Any = None) -> Any:
    """Return the body as JSON data, read by its ``Content-Type``; without one, in the default format.

    ``application/octet-stream`` says no more than no type (RFC 9110, 8.3), and is what Django's test client sends by
    PUT and PATCH. A form is an object whose repeated keys are lists, or whatever a format reads for Ninja's parameter
    ``model``. Raises ``UnsupportedMediaType`` (415) for what none of ``formats`` reads, ``BadRequest`` (400) for what is
    malformed, and for a form where ``formats`` have none.
    """
    meta = request.META
    if meta.get("HTTP_CONTENT_ENCODING", "identity") not in ("identity", ""):
        raise UnsupportedMediaType(
            "Compressed request bodies are not supported.", headers={"Accept-Encoding": "identity"}
        )
    content_type = meta.get("CONTENT_TYPE")
    found: Format | None = formats.default
    charset: str | None = None
    if content_type == "application/json":
        found = formats.reader("application/json")
    elif content_type:
        try:
            media_type, parameters = parse_header_parameters(content_type)
        except ValueError:
            media_type, parameters = "", {}
        charset = parameters["charset"].lower() if "charset" in parameters else None
        if media_type in FORM_TYPES:
            # What `curl -d '{…}'` sends; no form field's name starts with a bare brace.
            if media_type == MULTIPART or read_body(request).lstrip()[:1] not in _JSON_STARTS:
                return _form(request, formats, model)
            media_type = "application/json"
        found = formats.reader(media_type)
        if found is None and media_type == _UNNAMED:
            found = formats.default
    if found is None or not found.can_load:
        raise _unsupported(formats)
    return found.load(read_body(request), charset)


def load_form(request: HttpRequest) -> None:
    """Load the form into ``request.POST`` and ``request.FILES``, for PUT, PATCH and every other method too.

    Django fills them for POST only (ticket 12635). Safe to call again, and after something else has loaded them.
    Raises ``BadRequest`` for broken multipart and too many fields, 415 for a form in a charset
    other than UTF-8.
    """
    try:
        _load_form(request)
    except (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent) as error:
        refuse(f"form: {error}")
    except DjangoBadRequest as error:
        raise UnsupportedMediaType(str(error), code="unsupported_charset") from error


def _load_form(request: HttpRequest) -> None:
    if "HTTP_TRANSFER_ENCODING" in request.META or not request.META.get("CONTENT_LENGTH"):
        _measure(request)
    if request.method == "POST":
        request.POST  # noqa: B018  (loads)
        return
    if upstream.lost("forms") is not None:
        return
    state: Any = request
    if hasattr(request, "_post"):
        read_by_another = state._read_started and not hasattr(request, "_body")
        if request.POST or request.FILES or read_by_another:
            return
    method = request.method
    request.method = "POST"
    try:
        upstream.load_post_and_files(request)
    finally:
        request.method = method


def _form(request: HttpRequest, formats: FormatSet, model: Any) -> Any:
    if not formats.reads_forms:
        # As Ninja says of what is no JSON. A number in a form is text, which would pass as other things than it is.
        refuse(f"it is a form; the supported types are: {', '.join(formats.readable_types())}")
    load_form(request)
    form: QueryDict = request.POST
    for key, values in form.lists():
        if "\0" in key or any("\0" in value for value in values):
            refuse("a string contains a NUL character")
    for made in formats:
        if made.load_form is not None:
            return made.load_form(model, form, request.FILES)
    return {key: values[0] if len(values) == 1 else values for key, values in form.lists()}


def _open_chunks(request: HttpRequest) -> None:
    """Let Django read a chunked body under WSGI, where it takes a missing length for an empty body."""
    state: Any = request
    if upstream.lost("forms") is not None or isinstance(request, ASGIRequest):
        return
    if hasattr(request, "_body") or state._read_started:
        return
    if "chunked" not in request.META["HTTP_TRANSFER_ENCODING"].lower():
        return
    if not request.META.get("wsgi.input_terminated"):
        raise Problem(
            "Send the body with a Content-Length: this server does not support chunked bodies.",
            code="length_required",
            status=411,
        )
    # Not by Django's own reading: 6.1 measures only what can seek, and would take in a body without an end.
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    stream = upstream.LimitedStream(
        request.META["wsgi.input"], sys.maxsize if most is None else most + 1
    )
    state._read_started = True
    try:
        body = stream.read()
    except Exception as error:
        # gunicorn's InvalidChunkSize is no OSError.
        raise UnreadablePostError(str(error)) from error
    if most is not None and len(body) > most:
        raise RequestDataTooBig("Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.")
    state._body = body
    state._stream = BytesIO(body)


def _measure(request: HttpRequest) -> None:
    """Give a form of unknown length the length that Django's multipart parser insists on."""
    state: Any = request
    if upstream.lost("forms") is not None:
        return
    if isinstance(request, ASGIRequest):
        stream = state._stream
        if not state._read_started and hasattr(stream, "seekable") and stream.seekable():
            request.META["CONTENT_LENGTH"] = str(stream.seek(0, os.SEEK_END))
            stream.seek(0)
    elif "HTTP_TRANSFER_ENCODING" in request.META and not state._read_started:
        request.META["CONTENT_LENGTH"] = str(len(read_body(request)))


def _unsupported(formats: FormatSet) -> UnsupportedMediaType:
    types = formats.readable_types()
    return UnsupportedMediaType(
        f"{UnsupportedMediaType.default_detail} Supported types: {', '.join(types)}.",
        headers={"Accept": ", ".join(types)},
        supported=types,
    )
