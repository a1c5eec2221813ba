"""What Django and the database raise, as the answer it deserves; what is not here is a fault of ours."""

import re
from collections.abc import Callable
from math import ceil
from typing import Any

from django.conf import settings
from django.core import exceptions as django
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import errors as ninja
from ninja_extra import exceptions as extra

from django_matt.errors.databases import Violation, came_from_adapter, is_away, violation_of
from django_matt.errors.exceptions import Problem
from django_matt.errors.problems import Answer, plain, title_of, validation_errors
from django_matt.settings import get_settings

__all__ = ["SAFE", "VIOLATIONS", "to_answer"]

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""The methods that change nothing (RFC 9110, 9.2.1)."""


def to_answer(request: HttpRequest, exc: BaseException) -> Answer | None:
    """Return the answer for an exception, or ``None`` where it is a fault of ours."""
    for kinds, answer in _TABLE:
        if isinstance(exc, kinds):
            return answer(request, exc)
    return None


def _writes(request: HttpRequest) -> bool:
    return request.method not in SAFE


def _told(text: str, exc: BaseException) -> str:
    """Return ``text``, with the exception's own message behind it in DEBUG, as Ninja does for a 404."""
    return f"{text}: {exc}" if settings.DEBUG and str(exc) else text


def _api_exception(request: HttpRequest, exc: extra.APIException) -> Answer:
    structured = isinstance(exc.detail, list | dict)
    detail = str(getattr(type(exc), "default_detail", "")) if structured else str(exc.detail)
    answer = Answer(status=exc.status_code, detail=detail, body=exc.detail if structured else None)
    answer.code = str(getattr(exc, "code", "") or getattr(exc.detail, "code", "") or "")
    if not answer.code and isinstance(exc.default_code, str):
        answer.code = exc.default_code
    answer.headers = dict(getattr(exc, "headers", None) or {})
    if isinstance(exc, extra.Throttled):
        answer.headers.setdefault("Retry-After", str(ceil(exc.wait or 0)))
    if structured:
        answer.errors = _details(exc.detail)
    if isinstance(exc, Problem):
        answer.members = plain(exc.members)
        answer.always_problem = exc.routing
    return answer


def _details(detail: Any) -> list[dict[str, Any]]:
    fields = detail.items() if isinstance(detail, dict) else [(None, detail)]
    found = []
    for name, value in fields:
        for item in value if isinstance(value, list) else [value]:
            loc = ["body"] if name is None else ["body", name]
            kind = getattr(item, "code", None) or "invalid"
            found.append({"loc": loc, "msg": str(plain(item)), "type": str(kind)})
    return validation_errors(found[: get_settings().MAX_ERRORS])


def _http_error(request: HttpRequest, exc: ninja.HttpError) -> Answer:
    try:
        detail = str(exc)
    except TypeError:
        # Ninja returns the message as it is, and a lazy translation is no str.
        detail = str(exc.message)
    answer = Answer(status=exc.status_code, detail=detail)
    answer.headers = dict(getattr(exc, "headers", None) or {})
    if isinstance(exc, ninja.Throttled):
        answer.headers.setdefault("Retry-After", str(ceil(exc.wait or 0)))
    return answer


def _invalid_request(request: HttpRequest, exc: ninja.ValidationError) -> Answer:
    return _invalid(exc.errors, getattr(exc, "omitted", 0), getattr(exc, "body_param", None))


def _invalid(found: Any, omitted: int = 0, body_param: str | None = None) -> Answer:
    errors: list[Any] = list(found) if isinstance(found, list | tuple) else [found]
    cap = get_settings().MAX_ERRORS
    kept, omitted = errors[:cap], omitted + max(0, len(errors) - cap)
    count = len(kept) + omitted
    body: dict[str, Any] = {"detail": kept if isinstance(found, list | tuple) else found}
    if omitted:
        body["omitted"] = omitted
    detail = (
        "The request has an invalid value."
        if count == 1
        else f"The request has {count} invalid values."
    )
    shown = validation_errors(kept, body_param)
    return Answer(
        status=422, detail=detail, code="validation_error", body=body, errors=shown, omitted=omitted
    )


def _django_invalid(request: HttpRequest, exc: django.ValidationError) -> Answer:
    source = "body" if _writes(request) else "query"
    by_field = (
        exc.error_dict if hasattr(exc, "error_dict") else {django.NON_FIELD_ERRORS: exc.error_list}
    )
    found: list[dict[str, Any]] = []
    for name, errors in by_field.items():
        loc = [source] if name == django.NON_FIELD_ERRORS else [source, name]
        found.extend(
            {"type": str(error.code or "invalid"), "loc": loc, "msg": str(message)}
            for error in errors
            for message in error.messages
        )
    return _invalid(found)


def _not_found(request: HttpRequest, exc: Exception) -> Answer | None:
    if isinstance(exc, AttributeError):
        # RelatedObjectDoesNotExist: our code followed a one-to-one that is empty; nobody asked for that object.
        return None
    return Answer(status=404, detail=_told("Not Found", exc))


def _fixed(status: int, text: str, code: str = "") -> Callable[[HttpRequest, Any], Answer]:
    def answer(request: HttpRequest, exc: Exception) -> Answer:
        return Answer(status=status, detail=_told(text, exc), code=code, was_mapped=True)

    return answer


def _in_use(request: HttpRequest, exc: Exception) -> Answer | None:
    if not _writes(request):
        return None
    return Answer(
        status=409,
        detail="Other objects still refer to this one.",
        code="protected",
        was_mapped=True,
    )


VIOLATIONS = {
    "unique": (409, "An object with the same {columns} exists already."),
    "foreign_key": (
        409,
        "This refers to an object that does not exist, or others still refer to it.",
    ),
    "not_null": (422, "A value for {columns} is required."),
    "check": (422, "The values break the rule {columns}."),
    "other": (409, "This conflicts with what is stored."),
}
"""Kind of a broken rule → the status it is answered with, and the sentence."""


def _integrity(request: HttpRequest, exc: IntegrityError) -> Answer | None:
    if not _writes(request):
        return None
    violation: Violation = violation_of(exc)
    status, text = VIOLATIONS[violation.kind]
    names = ", ".join(violation.names) or "values"
    answer = Answer(
        status=status, detail=text.format(columns=names), code=violation.kind, was_mapped=True
    )
    if violation.names:
        answer.members = {"names": violation.names}
    return answer


_LONG_INTEGER = re.compile(r"\d{19}")


def _unstorable(request: HttpRequest, exc: Exception) -> Answer | None:
    """Answer for a value that the database cannot hold, where the request is what brought it."""
    if not isinstance(exc, DataError) and not came_from_adapter(exc):
        return None
    if not _writes(request):
        # A read is the client's mistake only where the odd value stands in the address.
        query = str(request.META.get("QUERY_STRING", ""))
        sent_nul = "NUL" in str(exc) and ("%00" in query or "\0" in request.path)
        sent_long = isinstance(exc, OverflowError) and _LONG_INTEGER.search(
            f"{request.path}?{query}"
        )
        if not sent_nul and not sent_long:
            return None
    return Answer(
        status=422,
        detail=_told("A value is out of range, or holds characters that cannot be stored.", exc),
        code="unstorable_value",
        was_mapped=True,
    )


def _away(request: HttpRequest, exc: Exception) -> Answer | None:
    if not is_away(exc):
        return None
    return Answer(
        status=503,
        detail=_told("The database is not available; try again soon.", exc),
        code="database_unavailable",
        headers={"Retry-After": "5"},
        is_fault=True,
    )


# The order matters: the first row whose class fits decides.
_TABLE: tuple[tuple[Any, Callable[[HttpRequest, Any], Answer | None]], ...] = (
    (extra.APIException, _api_exception),
    (ninja.HttpError, _http_error),
    (ninja.ValidationError, _invalid_request),
    (django.ValidationError, _django_invalid),
    ((Http404, django.ObjectDoesNotExist), _not_found),
    (django.PermissionDenied, _fixed(403, "You do not have permission to do this.")),
    (django.RequestDataTooBig, _fixed(413, "The request body is too large.")),
    (django.TooManyFieldsSent, _fixed(400, "The request has too many fields.", "too_many_fields")),
    (django.TooManyFilesSent, _fixed(400, "The request has too many files.", "too_many_files")),
    (django.SuspiciousOperation, _fixed(400, title_of(400), "suspicious_operation")),
    ((django.BadRequest, MultiPartParserError), _fixed(400, "The request cannot be read.")),
    (UnreadablePostError, _fixed(400, "The request body ended too early.", "unreadable_body")),
    ((ProtectedError, RestrictedError), _in_use),
    (IntegrityError, _integrity),
    ((OperationalError, InterfaceError), _away),
    ((DataError, ArithmeticError, ValueError), _unstorable),
)
