"""What a form refuses, and what needs a page: the exceptions and their responses."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from django_matt.errors.exceptions import Conflict, UnprocessableContent
from django_matt.errors.problems import ErrorResponse, FieldError

__all__ = ["FormRefused", "NeedsPage", "refused_error"]


class FormRefused(UnprocessableContent):
    """A body that the forms of a ``ModelAdmin`` refuse; each error has its place in the body."""

    default_code = "validation_error"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        """Take the errors."""
        super().__init__("The object was not saved.")
        self.errors = errors


class NeedsPage(Conflict):
    """The ``ModelAdmin`` answers with a page, which only a person can use. Nothing was saved."""

    default_code = "needs_page"

    def __init__(
        self, detail: str, *, url: str | None, needs: str = "page", **members: Any
    ) -> None:
        """Take the sentence for the client, and the URL of the page in the HTML admin."""
        super().__init__(detail, needs=needs, url=url, **members)


def refused_error(request: HttpRequest, exc: FormRefused) -> ErrorResponse:
    """Return the response: validation errors, like those of any other body."""
    return ErrorResponse(
        status=exc.status_code, detail=str(exc.detail), code=exc.code, field_errors=exc.errors
    )
