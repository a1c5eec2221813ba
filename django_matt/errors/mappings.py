"""Maps exceptions of Django and the database to error responses; everything else is the server's fault.

An error is the client's fault only if the request sent what it is about; ``faults`` decides that for the database.
"""

from collections.abc import Callable, Iterator
from math import ceil
from traceback import walk_tb
from types import FrameType
from typing import Any

from django.conf import settings
from django.core import exceptions as django
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import Model, ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import errors as ninja
from ninja_extra import exceptions as extra

from django_matt.errors.columns import client_names, names_in, own_message, rule_fields
from django_matt.errors.databases import came_from_adapter, is_away
from django_matt.errors.exceptions import (
    SAFE,
    InsufficientScope,
    InvalidCredentials,
    Problem,
    UnreadableRequest,
)
from django_matt.errors.faults import (
    TEXTS,
    named_by,
    refused_values,
    refused_write,
    say,
    sent_value,
)
from django_matt.errors.fields import Sent, takes_input
from django_matt.errors.problems import ErrorResponse, title_of, to_jsonable, validation_errors
from django_matt.settings import get_settings

__all__ = ["to_error_response"]


_CHECKS = {"full_clean", "clean_fields", "validate_unique", "validate_constraints"}
_BESIDE = {
    ("ninja.operation", name)
    for name in ("_run_authentication", "_check_throttles", "_result_to_response")
}
_BESIDE_MODULES = {
    "django_matt.operation_checks",
    "django_matt.serialization.plan",
    "django_matt.throttling",
}


def to_error_response(request: HttpRequest, exc: BaseException) -> ErrorResponse | None:
    """Return the error response of an exception, or ``None`` if the server is at fault."""
    for kinds, answer in _TABLE:
        if isinstance(exc, kinds):
            return answer(request, exc)
    return None


def _writes(request: HttpRequest) -> bool:
    return request.method not in SAFE


def _told(text: str, exc: BaseException) -> str:
    """Return ``text``, with the exception's own message behind it in DEBUG, as Ninja does for a 404."""
    return f"{text}: {exc}" if settings.DEBUG and str(exc) else text


def _api_exception(request: HttpRequest, exc: extra.APIException) -> ErrorResponse:
    structured = isinstance(exc.detail, list | dict)
    detail = str(getattr(type(exc), "default_detail", "")) if structured else str(exc.detail)
    answer = ErrorResponse(
        status=exc.status_code, detail=detail, body=exc.detail if structured else None
    )
    answer.code = str(getattr(exc, "code", "") or getattr(exc.detail, "code", "") or "")
    if not answer.code and isinstance(exc.default_code, str):
        answer.code = exc.default_code
    answer.headers = dict(getattr(exc, "headers", None) or {})
    if isinstance(exc, extra.Throttled):
        answer.headers.setdefault("Retry-After", str(ceil(exc.wait or 0)))
    if structured:
        answer.errors = _details(exc.detail)
    if isinstance(exc, Problem):
        answer.members = to_jsonable(exc.members)
        answer.always_problem = exc.routing
    return answer


def _details(detail: Any) -> list[dict[str, Any]]:
    fields = detail.items() if isinstance(detail, dict) else [(None, detail)]
    found = []
    for name, value in fields:
        for item in value if isinstance(value, list) else [value]:
            loc = ["body"] if name is None else ["body", name]
            kind = getattr(item, "code", None) or "invalid"
            found.append({"loc": loc, "msg": str(to_jsonable(item)), "type": str(kind)})
    return validation_errors(found[: get_settings().MAX_ERRORS])


def _http_error(request: HttpRequest, exc: ninja.HttpError) -> ErrorResponse:
    try:
        detail = str(exc)
    except TypeError:
        # Ninja returns the message as it is, and a lazy translation is no str.
        detail = str(exc.message)
    answer = ErrorResponse(status=exc.status_code, detail=detail)
    answer.headers = dict(getattr(exc, "headers", None) or {})
    if isinstance(exc, InvalidCredentials | InsufficientScope):
        answer.code = exc.code
    if isinstance(exc, UnreadableRequest):
        answer.code, answer.members = exc.code, to_jsonable(exc.members)
    if isinstance(exc, ninja.Throttled):
        answer.headers.setdefault("Retry-After", str(ceil(exc.wait or 0)))
    return answer


def _invalid_request(request: HttpRequest, exc: ninja.ValidationError) -> ErrorResponse:
    return _invalid(exc.errors, getattr(exc, "omitted", 0), getattr(exc, "body_param", None))


def _invalid(found: Any, omitted: int = 0, body_param: str | None = None) -> ErrorResponse:
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
    return ErrorResponse(
        status=422, detail=detail, code="validation_error", body=body, errors=shown, omitted=omitted
    )


def _django_invalid(request: HttpRequest, exc: django.ValidationError) -> ErrorResponse | None:
    if _is_beside_view(exc):
        return None
    source = "body" if _writes(request) else "query"
    by_field = (
        exc.error_dict if hasattr(exc, "error_dict") else {django.NON_FIELD_ERRORS: exc.error_list}
    )
    # Raised by hand it is meant for the client. The checks of a model also find what the view forgot to set, and a
    # column what the view itself has looked for.
    checked, converts = _cleaned_model(exc), _is_of_column(exc)
    found: list[dict[str, Any]] = []
    for name, errors in by_field.items():
        for error in errors:
            sent, messages = None, list(map(str, error.messages))
            if converts:
                sent = sent_value(request, (error.params or {}).get("value"))
            elif checked is not None and name == django.NON_FIELD_ERRORS:
                ours, sent, messages = _broken_rule(request, checked, error, messages)
                if ours:
                    continue
            elif name != django.NON_FIELD_ERRORS:
                sent = named_by(request, names_in(checked, name))
            named_alone = name != django.NON_FIELD_ERRORS and checked is None
            if sent is None and (converts or (checked and name != django.NON_FIELD_ERRORS)):
                continue
            loc: list[Any] = list(sent.loc) if sent else [source, name] if named_alone else [source]
            kind = str(error.code or "invalid")
            found.extend({"type": kind, "loc": loc, "msg": message} for message in messages)
    if not found:
        return None
    answer = _invalid(found)
    answer.was_mapped = checked is not None or converts
    return answer


def _broken_rule(
    request: HttpRequest, model: type[Model], error: Any, messages: list[str]
) -> tuple[bool, Sent | None, list[str]]:
    """Return whether a rule of several fields is about none that the client sent, the first that it sent, and what to say.

    Django's own message names the constraint. What a model's ``clean()`` says is meant for the client.
    """
    rules = [
        rule
        for rule in model._meta.constraints
        if str(rule.get_violation_error_message()) in messages
    ]
    if error.code == "unique_together":
        fields = [model._meta.get_field(name) for name in error.params["unique_check"]]
    elif rules:
        fields = rule_fields(model, rules[0])
    else:
        return False, None, messages
    sent = [found for field in fields if (found := named_by(request, client_names(field)))]
    if not sent:
        return True, None, messages
    if rules and not own_message(rules[0]):
        names = list(dict.fromkeys(each.shown for each in sent))
        messages = [say(TEXTS["check"][1], names)]
    return False, sent[0] if len(sent) == 1 else None, messages


def _is_of_column(exc: BaseException) -> bool:
    """Tell whether a column of Django's refused to convert a value: one to look for, or to write."""
    last = next(reversed(list(_frames(exc))), None)
    module = "" if last is None else str(last.f_globals.get("__name__", ""))
    return module.startswith("django.db.models.fields") and _cleaned_model(exc) is None


def _is_beside_view(exc: BaseException) -> bool:
    """Tell whether an exception comes from authentication, or from writing the response: the client named nothing there."""
    return any(
        (str(frame.f_globals.get("__name__", "")), frame.f_code.co_name) in _BESIDE
        or frame.f_globals.get("__name__") in _BESIDE_MODULES
        for frame in _frames(exc)
    )


def _cleaned_model(exc: BaseException) -> type[Model] | None:
    """Return the model whose ``full_clean()``, or a part of it, raised an exception; None if something else did."""
    last = next(reversed(list(_frames(exc))), None)
    if last is None or last.f_code.co_name not in _CHECKS:
        return None
    instance = last.f_locals.get("self")
    return type(instance) if isinstance(instance, Model) else None


def _frames(exc: BaseException) -> Iterator[FrameType]:
    return (frame for frame, _ in walk_tb(exc.__traceback__))


def _raised_not_found(request: HttpRequest, exc: Http404) -> ErrorResponse:
    return ErrorResponse(status=404, detail=_told("Not Found", exc))


def _does_not_exist(request: HttpRequest, exc: django.ObjectDoesNotExist) -> ErrorResponse | None:
    beside = _is_beside_view(exc) or not takes_input(request)
    if isinstance(exc, AttributeError) or _followed_relation(exc) or beside:
        # A relation that our code followed, or a query of its own: nobody asked for that object.
        return None
    return ErrorResponse(status=404, detail=_told("Not Found", exc), was_mapped=True)


def _followed_relation(exc: BaseException) -> bool:
    return any(
        frame.f_code.co_name in {"__get__", "get_object"}
        and frame.f_globals.get("__name__") == "django.db.models.fields.related_descriptors"
        for frame in _frames(exc)
    )


def _fixed(status: int, text: str, code: str = "") -> Callable[[HttpRequest, Any], ErrorResponse]:
    def answer(request: HttpRequest, exc: Exception) -> ErrorResponse:
        return ErrorResponse(status=status, detail=_told(text, exc), code=code, was_mapped=True)

    return answer


def _in_use(request: HttpRequest, exc: Exception) -> ErrorResponse | None:
    if not (_writes(request) and takes_input(request)):
        return None
    return ErrorResponse(
        status=409,
        detail="Other objects still refer to this one.",
        code="protected",
        was_mapped=True,
    )


def _integrity(request: HttpRequest, exc: IntegrityError) -> ErrorResponse | None:
    refusal = refused_write(request, exc) if _writes(request) else None
    if refusal is None:
        return None
    answer = ErrorResponse(
        status=refusal.status, detail=refusal.text, code=refusal.kind, was_mapped=True
    )
    if refusal.names:
        answer.members = {"names": refusal.names}
    return answer


def _unstorable(request: HttpRequest, exc: Exception) -> ErrorResponse | None:
    """Return the error of a value that the database cannot store, if the request sent it."""
    if not isinstance(exc, DataError) and not came_from_adapter(exc):
        return None
    names = refused_values(request, exc)
    if names is None:
        return None
    text = "The value of {names} is out of range, or contains characters that cannot be stored."
    return ErrorResponse(
        status=422,
        detail=_told(say(text, names), exc),
        code="unstorable_value",
        was_mapped=True,
        members={"names": names},
    )


def _away(request: HttpRequest, exc: Exception) -> ErrorResponse | None:
    if not is_away(exc):
        return None
    return ErrorResponse(
        status=503,
        detail=_told("The database is not available; try again soon.", exc),
        code="database_unavailable",
        headers={"Retry-After": "5"},
        is_fault=True,
    )


# The order matters: the first row whose class fits decides.
_TABLE: tuple[tuple[Any, Callable[[HttpRequest, Any], ErrorResponse | None]], ...] = (
    (extra.APIException, _api_exception),
    (ninja.HttpError, _http_error),
    (ninja.ValidationError, _invalid_request),
    (django.ValidationError, _django_invalid),
    (Http404, _raised_not_found),
    (django.ObjectDoesNotExist, _does_not_exist),
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
