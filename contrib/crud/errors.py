"""Rows that were refused: the exception, and the answer that says where each stands in the request."""

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
    """Why one row is refused: its index, the name of the value where it is one, and what there is to say."""

    index: int
    status: int
    code: str
    message: str
    name: str | None = None


class RowsRefused(Problem):
    """Some rows were refused, and so none was written.

    ``errors`` are sorted by row. ``unchecked`` counts the rows that nobody tried, because enough of them were refused.
    The status is the one that all errors share, 422 where they differ.
    """

    default_code = "rows_refused"

    def __init__(
        self, rows: Sequence[Any], errors: Sequence[RowError], *, unchecked: int = 0
    ) -> None:
        """Take the list of rows as it was given, by which its place in the request is found."""
        errors = sorted(errors, key=lambda error: error.index)
        statuses = {error.status for error in errors}
        codes = {error.code for error in errors}
        refused = len({error.index for error in errors})
        super().__init__(
            f"{refused} of {len(rows)} rows {'is' if refused == 1 else 'are'} refused; none is written.",
            code=codes.pop() if len(codes) == 1 else None,
            status=statuses.pop() if len(statuses) == 1 else 422,
        )
        if unchecked:
            self.members["unchecked"] = unchecked
        self.rows = rows
        self.errors = errors
        self.unchecked = unchecked


def rows_error(request: HttpRequest, exc: RowsRefused) -> ErrorResponse:
    """Answer refused rows as validation errors are answered: each with its location in the request."""
    # The view may have made the list from the request's: then its indexes are all there is to say.
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
