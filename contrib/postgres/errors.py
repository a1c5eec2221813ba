"""The responses of statements that PostgreSQL has ended: too slow, or waiting too long for a lock."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_matt.errors.exceptions import Problem
from django_matt.errors.problems import ErrorResponse, FieldError

__all__ = ["RowRefused", "register_errors"]

_TOO_SLOW, _LOCKED = "57014", "55P03"
_HINTS = {
    _TOO_SLOW: "Run `manage.py matt_explain` to see how PostgreSQL finds the rows of your lists.",
    _LOCKED: "Another transaction has locked the rows; keep transactions that write short.",
}


class RowRefused(Problem):
    """A row of an import that the database refused, so no row was written; ``index`` is its number from 0."""

    def __init__(
        self, index: int, status: int, code: str, message: str, name: str | None = None
    ) -> None:
        """Take the number of the row, the error, and the name of the value if it is about one."""
        super().__init__(message, status=status, code=code)
        self.index = index
        self.name = name


def register_errors(api: Any) -> None:
    """Register the responses with an API."""
    api.register_error(OperationalError, _to_error, hint=lambda exc: _HINTS.get(_state(exc)))
    api.register_error(RowRefused, _row_error)


def _state(exc: BaseException) -> str:
    return getattr(exc.__cause__, "sqlstate", None) or ""


def _to_error(request: HttpRequest, exc: OperationalError) -> ErrorResponse | None:
    """Return the error of a statement that was ended; None for every other error of the class."""
    state = _state(exc)
    if state == _TOO_SLOW:
        return ErrorResponse(
            status=503,
            detail=_("The database took too long; try again soon."),
            code="query_timeout",
            headers={"Retry-After": "5"},
            is_fault=True,
        )
    if state == _LOCKED:
        return ErrorResponse(
            status=409,
            detail=_("Another request is changing the same data; try again."),
            code="lock_timeout",
            headers={"Retry-After": "1"},
        )
    return None


def _row_error(request: HttpRequest, exc: RowRefused) -> ErrorResponse:
    place = ("body", exc.index, exc.name) if exc.name else ("body", exc.index)
    return ErrorResponse(
        status=exc.status_code,
        detail=str(exc.detail),
        code=exc.code,
        field_errors=[FieldError(place, str(exc.detail), exc.code)],
    )
