"""Reads the rows of a CSV or of JSON Lines from a request, batch by batch, in constant memory; apps that import use it."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import pydantic
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, UnreadablePostError
from ninja.errors import ValidationError
from pydantic import BaseModel, create_model

from django_matt.errors.exceptions import PayloadTooLarge, Problem, UnsupportedMediaType
from django_matt.formats.csv import read_rows
from django_matt.formats.json import JSON
from django_matt.formats.limits import refuse
from django_matt.serialization.inputs import build_validators
from django_matt.settings import get_settings
from django_matt.upstream import BodyModel

__all__ = ["read_batches"]

_CSV = frozenset({"text/csv", "application/csv"})
_JSON_LINES = frozenset(
    {"application/jsonl", "application/x-ndjson", "application/ndjson", "application/json-lines"}
)
_LONGEST_LINE = 1024 * 1024
_BATCH = 1_000
_BATCH_BYTES = 8 * 1024 * 1024


def read_batches(
    request: HttpRequest,
    schema: type[BaseModel],
    *,
    most: int,
    size: int = _BATCH,
    from_csv: Callable[[dict[str, str]], dict[str, Any]] = dict,
) -> Iterator[tuple[int, list[Any]]]:
    """Yield the position of the first row of each batch, and its validated rows: at most ``size``, or 8 MiB.

    ``from_csv`` prepares each row of a CSV, whose cells are all text. Raises Ninja's ``ValidationError`` for the first
    batch that has refused rows, with their positions in the whole body, and ``PayloadTooLarge`` for more than ``most``.
    """
    check = _validator(schema)
    lines, done = _Lines(request), 0
    for batch in _batches(_read(request, lines, from_csv), lines, min(size, _BATCH)):
        if done + len(batch) > most:
            raise PayloadTooLarge(
                f"The body has more than {most:,} rows.", code="too_many_rows", limit=most
            )
        try:
            rows = check.validate_python({"rows": batch}, context={"request": request}).rows
        except pydantic.ValidationError as error:
            raise _at(error, done) from None
        yield done, rows
        done += len(batch)


@lru_cache(maxsize=256)
def _validator(schema: type[BaseModel]) -> Any:
    """Return what validates rows, within the bounds of their columns, as the body of a route is."""
    rows: Any = list
    model: Any = create_model("Rows", __base__=BodyModel, rows=(rows[schema], ...))
    return build_validators(model, {})[0]


def _read(request: HttpRequest, lines: "_Lines", from_csv: Callable[[Any], Any]) -> Iterator[Any]:
    kind = request.content_type
    if request.content_params and request.content_params.get("charset", "utf-8").lower() not in (
        "utf-8",
        "utf8",
    ):
        raise UnsupportedMediaType("The charset of an import is UTF-8.", code="unsupported_charset")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity") not in ("identity", ""):
        raise UnsupportedMediaType(
            "Compressed request bodies are not supported.", headers={"Accept-Encoding": "identity"}
        )
    if kind in _CSV:
        return map(from_csv, read_rows(lines))
    if kind in _JSON_LINES:
        return _objects(lines)
    types = ["text/csv", "application/jsonl"]
    raise UnsupportedMediaType(
        f"Send the rows as {' or '.join(types)}.",
        headers={"Accept": ", ".join(types)},
        supported=types,
    )


def _objects(lines: Iterable[str]) -> Iterator[Any]:
    load = JSON().load
    for line in lines:
        if line.strip():
            yield load(line.encode())


class _Lines:
    """The lines of a body as they come: the server has at most one row of them in memory, and one batch of rows."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._number = 0
        self._read = 0
        self.of_row = 0
        """How many bytes were read for a row: in a CSV, one has several lines if its cells have."""
        self.of_batch = 0

    def __iter__(self) -> Iterator[str]:
        """Yield the lines as text; raise ``PayloadTooLarge`` for a row that is too long."""
        request = self._request
        if "HTTP_TRANSFER_ENCODING" in request.META and not isinstance(request, ASGIRequest):
            # Django takes it for an empty body under WSGI.
            raise Problem(
                "Send the body with a Content-Length.", code="length_required", status=411
            )
        while line := _line(request):
            self._number += 1
            self.of_row += len(line) if line.strip() else 0
            self.of_batch += len(line)
            self._read += len(line)
            if self.of_row > _LONGEST_LINE:
                raise PayloadTooLarge(
                    f"The row at line {self._number} has more than {_LONGEST_LINE:,} bytes."
                )
            yield self._text(line)
        # A server under WSGI may end the body where the client has disconnected.
        if self._read < int(request.META.get("CONTENT_LENGTH") or 0):
            raise UnreadablePostError("The body has ended too early.")

    def _text(self, line: bytes) -> str:
        try:
            text = line.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError:
            refuse("not valid utf-8", line=self._number)
        if "\0" in text:
            refuse("a string contains a NUL character", line=self._number)
        return text


def _batches(rows: Iterator[Any], lines: _Lines, size: int) -> Iterator[list[Any]]:
    """Yield rows together, until they are many or large."""
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        lines.of_row = 0
        if len(batch) == size or lines.of_batch > _BATCH_BYTES:
            yield batch
            batch, lines.of_batch = [], 0
    if batch:
        yield batch


def _line(request: HttpRequest) -> bytes:
    try:
        return bytes(request.readline(_LONGEST_LINE + 1))
    except UnreadablePostError:
        raise
    except Exception as error:
        # Servers have errors of their own for a client that goes away.
        raise UnreadablePostError(str(error)) from error


def _at(error: pydantic.ValidationError, start: int) -> ValidationError:
    """Return Ninja's error, with the positions of the rows in the whole body."""
    errors: list[Any] = []
    for found in error.errors(include_url=False, include_input=False):
        _, index, *rest = found["loc"]
        each: dict[str, Any] = {**found, "loc": ("body", start + int(index), *rest)}
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, Exception):
            each["ctx"] = {**each["ctx"], "error": str(cause)}
        errors.append(each)
    most = get_settings().MAX_ERRORS
    raised = ValidationError(errors[:most])
    raised.omitted = max(len(errors) - most, 0)  # type: ignore[attr-defined]
    return raised
