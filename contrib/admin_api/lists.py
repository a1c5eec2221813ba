"""Lists of objects by Django's own ``ChangeList``, and their export."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.http import HttpRequest

from django_matt.contrib.admin_api.fields import show
from django_matt.contrib.admin_api.pages import name_of, value_of
from django_matt.contrib.admin_api.requests import Desk, admin_url
from django_matt.errors.exceptions import BadRequest, NotFound, UnprocessableContent

__all__ = ["change_list", "export_rows", "list_rows"]


def change_list(desk: Desk, *, page: int = 1, page_size: int | None = None) -> Any:
    """Return Django's ``ChangeList`` for the query of the request.

    Raises ``PermissionDenied``, and ``BadRequest`` for filters, orderings and pages that do not exist.
    """
    admin = desk.admin
    query = desk.query
    order = query.get("o")
    request = desk.copy(query=query, url=admin_url(admin, "changelist"))
    if not admin.has_view_or_change_permission(request):
        raise PermissionDenied
    if order:
        query["o"] = _order(admin, request, order)
    query["p"] = str(page)
    if page_size is not None:
        admin.list_per_page = page_size
    try:
        cl = admin.get_changelist_instance(request)
    except IncorrectLookupParameters as error:
        if isinstance(error.__context__, InvalidPage):
            raise NotFound(f"The list has no page {page}.") from error
        reason = str(error) or "a filter has a value that it does not take"
        raise BadRequest(f"The list cannot be made: {reason}.", code="bad_lookup") from error
    if page > 1 and not cl.multi_page:
        raise NotFound(f"The list has no page {page}.")
    return cl


def _order(admin: Any, request: HttpRequest, order: str) -> str:
    """Return an ordering as Django's lists have it: the numbers of columns, separated by dots."""
    if order.replace(".", "").replace("-", "").isdigit():
        return order
    columns = [name_of(each) for each in admin.get_list_display(request)]
    # With actions, a column with boxes comes before the others.
    first = 1 if admin.get_actions(request) else 0
    found = []
    for each in order.split(","):
        name = each.removeprefix("-")
        if name not in columns:
            raise BadRequest(
                f"The list has no column {name!r}. Its columns: {', '.join(columns)}.",
                code="bad_lookup",
            )
        found.append(f"{'-' if each.startswith('-') else ''}{columns.index(name) + first}")
    return ".".join(found)


def list_rows(desk: Desk, cl: Any, page: int) -> dict[str, Any]:
    """Return one page of a list."""
    return {
        "items": list(_rows(desk, cl, cl.result_list)),
        "count": cl.result_count,
        "page": page,
        "pages": cl.paginator.num_pages,
    }


def export_rows(desk: Desk, cl: Any, most: int) -> list[dict[str, Any]]:
    """Return all rows of a list, each relation as its text; raise ``UnprocessableContent`` if there are too many."""
    if cl.result_count > most:
        raise UnprocessableContent(
            f"The list has {cl.result_count} rows, and an export has at most {most}. Filter the list.",
            code="too_many_rows",
        )
    return [
        {
            name: value["label"] if isinstance(value, dict) and "label" in value else value
            for name, value in row.items()
            if name != "__str__" or "__str__" in cl.list_display
        }
        for row in _rows(desk, cl, cl.queryset)
    ]


def _rows(desk: Desk, cl: Any, objects: Any) -> Iterator[dict[str, Any]]:
    columns = [
        (name_of(each), each)
        for each in cl.list_display
        if each not in ("__str__", "action_checkbox")
    ]
    for obj in objects:
        row = {"id": show(obj.pk), "__str__": str(obj)}
        row |= {name: value_of(each, obj, desk.admin) for name, each in columns}
        yield row
