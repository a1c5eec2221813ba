"""Custom pages: a view of the project among the pages of the admin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

__all__ = ["PAGES", "Page", "page"]

View = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that ``@page`` has declared."""

    path: str
    view: View
    title: str
    template: str
    permission: str | None
    icon: str
    name: str

    @property
    def is_listed(self) -> bool:
        """Whether the navigation has the page; one whose path has a parameter is reached from others."""
        return "<" not in self.path

    def is_allowed(self, request: HttpRequest) -> bool:
        """Return whether the user may open the page."""
        user: Any = request.user
        return self.permission is None or user.has_perm(self.permission)


PAGES: list[Page] = []


def page(
    path: str,
    *,
    title: str | None = None,
    template: str = "matt_admin/page.html",
    permission: str | None = None,
    icon: str = "description",
) -> Callable[[View], View]:
    """Make a view a page of the admin. Write it into an ``admin.py``, which Django imports before the URLs.

    The view gets the request and the parameters of its path. It returns the context of its template, which extends
    ``admin/base_site.html``, or an ``HttpResponse``. Only members of staff reach it, with ``permission`` if it is given.

    >>> @page("reports/", permission="shop.view_order", template="shop/reports.html")
    ... def reports(request):
    ...     return {"orders": 3}
    >>> PAGES.pop().title
    'Reports'
    """

    def declare(view: View) -> View:
        name = view.__name__
        found = Page(
            path=path.removeprefix("/"),
            view=view,
            title=title or name.replace("_", " ").capitalize(),
            template=template,
            permission=permission,
            icon=icon,
            # Beside the names of the site, of which one is `index`.
            name=f"page_{name}",
        )
        # A module that is imported again declares its pages again.
        PAGES[:] = [each for each in PAGES if each.path != found.path]
        PAGES.append(found)
        return view

    return declare
