"""Rows that were refused: the exception, and the answer that says where each stands in the request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel

from django_matt.errors.exceptions import Problem
from django_matt.errors.fields import call_of
from django_matt.errors.problems import ErrorResponse, respond, validation_errors
from django_matt.settings import get_settings

__all__ = ["RowError", "RowsRefused", "answer_rows"]


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


def answer_rows(request: HttpRequest, exc: RowsRefused, *, api: Any) -> HttpResponse:
    """Answer refused rows as validation errors are answered: the first ``MAX_ERRORS``, each with its location."""
    place, body_param = _find(request, exc.rows)
    shown: list[dict[str, Any]] = [
        {
            "type": error.code,
            "loc": [*place, error.index, *([error.name] if error.name else [])],
            "msg": error.message,
        }
        for error in exc.errors[: get_settings().MAX_ERRORS]
    ]
    body: dict[str, Any] = {"detail": shown, **exc.members}
    omitted = len(exc.errors) - len(shown)
    if omitted:
        body["omitted"] = omitted
    answer = ErrorResponse(
        status=exc.status_code,
        detail=str(exc.detail),
        code=exc.code,
        body=body,
        errors=validation_errors(shown, body_param),
        omitted=omitted,
        members=exc.members,
    )
    return respond(api, request, answer)


def _find(request: HttpRequest, rows: Sequence[Any]) -> tuple[list[Any], str | None]:
    """Return where in the request a list of rows stands, and the parameter that is the whole body, if one is."""
    call = call_of(request)
    if call is not None:
        for name, value in call.values.items():
            way = _way(value, rows)
            if way is None:
                continue
            for model in call.operation.models:
                if name in model.model_fields:
                    single = getattr(model, "__read_from_single_attr__", None)
                    return [model.__ninja_param_source__, name, *way], single
    # A list that the view made of the request's: its indexes are all there is to say.
    return ["body"], None


def _way(value: Any, rows: Sequence[Any]) -> list[str] | None:
    if value is rows:
        return []
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            if getattr(value, name, None) is rows:
                return [field.alias or name]
    return None
