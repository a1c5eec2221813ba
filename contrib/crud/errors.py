"""Refused rows: the exception, and the response that names the position of each row in the request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from django_matt.errors.exceptions import Problem
from django_matt.errors.fields import find_location
from django_matt.errors.problems import ErrorResponse, FieldError

__all__ = ["RowError", "RowsRefused", "rows_error"]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row is refused: its index, the error, and the name of the value if the error is about one value."""

    index: int
    status: int
    code: str
    message: str
    name: str | None = None


class RowsRefused(Problem):
    """Some rows were refused, so no row was written.

    ``errors`` are sorted by row. ``unchecked`` is the number of rows that were not tried, because the search ends after
    ``MAX_ERRORS`` errors. The status is that of the errors, or 422 if they differ.
    """

    default_code = "rows_refused"

    def __init__(
        self, rows: Sequence[Any], errors: Sequence[RowError], *, unchecked: int = 0
    ) -> None:
        """Take the list of rows that the view passed. If it is part of the request, its position there is found."""
        errors = sorted(errors, key=lambda error: error.index)
        statuses = {error.status for error in errors}
        codes = {error.code for error in errors}
        refused = len({error.index for error in errors})
        super().__init__(
            f"{refused} of {len(rows)} rows {'was' if refused == 1 else 'were'} refused; no row was written.",
            code=codes.pop() if len(codes) == 1 else None,
            status=statuses.pop() if len(statuses) == 1 else 422,
        )
        if unchecked:
            self.members["unchecked"] = unchecked
        self.rows = rows
        self.errors = errors
        self.unchecked = unchecked


def rows_error(request: HttpRequest, exc: RowsRefused) -> ErrorResponse:
    """Return the response for refused rows: like validation errors, each has its location in the request."""
    # If the view has made a new list, only the indexes are known.
    place = find_location(request, exc.rows) or ("body",)
    return ErrorResponse(
        status=exc.status_code,
        detail=str(exc.detail),
        code=exc.code,
        members=exc.members,
        field_errors=[
            FieldError(
                (*place, error.index, *([error.name] if error.name else [])),
                error.message,
                error.code,
            )
            for error in exc.errors
        ],
    )
