"""The pages of a list, as a template shows them."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from ninja.pagination import PaginationBase

__all__ = ["ListPage", "page_of"]

_ITEMS = ("items", "results")
_AROUND = 2


@dataclass(frozen=True, slots=True)
class ListPage:
    """Where a list is: its number and the addresses of its neighbours, as query strings (``?page=2``)."""

    items: Any
    count: int | None
    """How many objects there are on all pages; None for a paginator that does not count."""
    number: int | None
    pages: int | None
    previous: str
    """The address of the page before; empty on the first page."""
    next: str
    links: tuple[tuple[int, str], ...] = ()
    """The numbers near this page with their addresses; the number 0 is a gap."""


def page_of(
    request: HttpRequest, data: Any, paginator: PaginationBase, values: Any
) -> ListPage | None:
    """Return the page that ``data`` is; ``values`` are the validated parameters of ``paginator``."""
    items = (
        next((data[name] for name in _ITEMS if name in data), None)
        if isinstance(data, dict)
        else None
    )
    if items is None:
        return None
    count = data.get("count")
    size = getattr(values, "page_size", None) or getattr(paginator, "page_size", None)
    if hasattr(values, "limit") and hasattr(values, "offset"):
        size, number = values.limit, values.offset // values.limit + 1 if values.limit else 1
        addresses = _Addresses(request, "offset", size)
    elif hasattr(values, "page"):
        number = values.page
        addresses = _Addresses(request, "page", 0)
    else:
        # Pages behind a cursor know their neighbours alone, as whole addresses.
        before, after = data.get("previous") or "", data.get("next") or ""
        return ListPage(items, count, None, None, before, after)
    pages = -(-count // size) if isinstance(count, int) and size else None
    shown: list[tuple[int, str]] = []
    near = range(max(1, number - _AROUND), min(pages or 0, number + _AROUND) + 1)
    numbers: set[int] = {*near, *((1, pages) if pages else ())}
    for each in sorted(numbers):
        if shown and each - shown[-1][0] > 1:
            shown.append((0, ""))
        shown.append((each, addresses.of(each)))
    return ListPage(
        items,
        count,
        number,
        pages,
        addresses.of(number - 1) if number > 1 else "",
        addresses.of(number + 1) if pages is None or number < pages else "",
        tuple(shown),
    )


@dataclass(frozen=True, slots=True)
class _Addresses:
    request: HttpRequest
    name: str
    """The query parameter that says which page it is."""
    size: int
    """What one page adds to an offset; 0 for the number of a page."""

    def of(self, number: int) -> str:
        query = self.request.GET.copy()
        query[self.name] = str((number - 1) * self.size if self.size else number)
        return f"?{query.urlencode()}"
