"""What the type checkers make of conditional routes; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from datetime import datetime
from typing import assert_type

from django.http import HttpRequest

from django_matt.contrib.conditional import check_preconditions, conditional


def tag(request: HttpRequest, number: int) -> str | None:
    """Return a tag."""
    return None


async def modified(request: HttpRequest) -> datetime | None:
    """Return a moment."""
    return None


@conditional(etag=tag, last_modified=modified, required=True)
def view(request: HttpRequest, number: int) -> list[int]:
    """Return a list."""
    check_preconditions(request, None)
    return [number]


assert_type(view(HttpRequest(), 1), list[int])

conditional(etag="v1")  # type: ignore[arg-type]
conditional(last_modified=True)  # type: ignore[arg-type]
