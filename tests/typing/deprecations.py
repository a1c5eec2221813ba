"""What the type checkers make of ``@deprecated``; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Callable
from datetime import date
from typing import assert_type

from django.http import HttpRequest

from django_matt import deprecated


@deprecated(since="2026-12-01", sunset=date(2027, 6, 1), link="/docs")
def list_books(request: HttpRequest, page: int = 1) -> list[int]:
    return [page]


@deprecated(since=date(2026, 12, 1))
async def read_book(request: HttpRequest) -> str:
    return ""


found: list[int] = list_books(HttpRequest(), page=2)
assert_type(list_books(HttpRequest()), list[int])
function: Callable[[HttpRequest, int], list[int]] = list_books
list_books(HttpRequest(), page="2")  # type: ignore[arg-type]
deprecated("2026-12-01")  # type: ignore[call-arg]
deprecated(since=5)  # type: ignore[arg-type]
