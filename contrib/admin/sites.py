"""What an admin site gets: branding, the navigation, the dashboard and its panels, custom pages."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import conditional_escape

from django_matt.contrib.admin.acting import acting_views
from django_matt.contrib.admin.dashboards import find_panels
from django_matt.contrib.admin.pages import PAGES, Page
from django_matt.contrib.admin.settings import get_settings
from django_matt.discovery import find_apis

__all__ = ["configure"]

logger = logging.getLogger("django_matt")

_COLORS = {"production": "danger", "prod": "danger", "staging": "warning", "test": "warning"}


def configure(site: AdminSite) -> None:
    """Add the dashboard, the navigation and the pages to a site of Unfold. The default site has them already."""
    # Unfold calls both if a site has them; in this way, a project may have a site class of its own.
    unfold_site: Any = site
    unfold_site.extra_urls = lambda: _urls(site)
    unfold_site.extra_context = lambda context, request: _context(site, context, request)
    if site.index_template is None:
        site.index_template = "matt_admin/index.html"


def _urls(site: AdminSite) -> list[URLPattern]:
    panel = path("panels/<int:number>/", site.admin_view(_panel_view(site)), name="matt_panel")
    pages = [
        path(each.path, site.admin_view(_page_view(site, each)), name=each.name) for each in PAGES
    ]
    begin, end = acting_views(site)
    acting = [
        path("sign-in-as/<path:key>/", site.admin_view(begin), name="matt_sign_in_as"),
        path("stop-acting/", site.admin_view(end), name="matt_stop_acting"),
    ]
    return [panel, *acting, *pages]


def _panel_view(site: AdminSite) -> Callable[..., HttpResponse]:
    def show_panel(request: HttpRequest, number: int) -> HttpResponse:
        panels = find_panels()
        if number >= len(panels):
            raise Http404
        panel = panels[number]
        if not panel.is_allowed(request):
            raise PermissionDenied
        context: dict[str, Any] = {"panel": panel}
        try:
            context |= panel.load(request)
            _add_links(site, context)
        except Exception:
            # The other panels of the page are loaded anyway, and htmx shows no answer with another status.
            logger.exception("The panel %r of the admin failed.", panel.title)
            context["failed"] = True
        return TemplateResponse(request, panel.template, context)

    return show_panel


def _add_links(site: AdminSite, context: dict[str, Any]) -> None:
    if context.get("keys") is None:
        return
    meta = context["model"]._meta
    try:
        name = f"{site.name}:{meta.app_label}_{meta.model_name}_change"
        links = [reverse(name, args=[key]) for key in context["keys"]]
    except NoReverseMatch:  # the model is not registered
        links = [""] * len(context["keys"])
    context["rows"] = list(zip(links, context["rows"], strict=True))


def _page_view(site: AdminSite, page: Page) -> Callable[..., HttpResponse]:
    @wraps(page.view)
    def show_page(request: HttpRequest, **values: Any) -> HttpResponse:
        if not page.is_allowed(request):
            raise PermissionDenied
        found = page.view(request, **values)
        if isinstance(found, HttpResponse):
            return found
        context = {**site.each_context(request), "title": page.title, **(found or {})}
        request.current_app = site.name
        return TemplateResponse(request, page.template, context)

    return show_page


def _context(site: AdminSite, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """Return the context of every page: the options of ``MATT_ADMIN`` over those of ``UNFOLD``."""
    options = get_settings()
    context["styles"] = [*(context.get("styles") or []), static("matt_admin/admin.css")]
    if options.TITLE:
        context["site_title"] = context["site_header"] = options.TITLE
    if options.ICON:
        context["site_symbol"] = options.ICON
    if options.ENVIRONMENT:
        color = _COLORS.get(options.ENVIRONMENT.lower(), "info")
        context["environment"] = [options.ENVIRONMENT, color]
    if not site.has_permission(request):
        return context
    if options.NAVIGATION:
        context["sidebar_navigation"] = _navigation(site, context["available_apps"], request)
    context["panels"] = [
        (number, each) for number, each in enumerate(find_panels()) if each.is_allowed(request)
    ]
    return context


def _navigation(
    site: AdminSite, registered: list[dict[str, Any]], request: HttpRequest
) -> list[dict[str, Any]]:
    """Return the groups of the navigation. Django has left out what the user may not see."""
    index = reverse(f"{site.name}:index")
    first = [_item("Dashboard", index, "dashboard", request, is_active=request.path == index)]
    first += [
        _item(page.title, index + page.path, page.icon, request)
        for page in PAGES
        if page.is_listed and page.is_allowed(request)
    ]
    groups: list[dict[str, Any]] = [{"items": first}]
    for each in registered:
        items = [
            _item(
                model["name"],
                model["admin_url"],
                getattr(site.get_model_admin(model["model"]), "icon", "") or "table_rows",
                request,
            )
            for model in each["models"]
            if model["admin_url"]
        ]
        groups.append({"title": each["name"], "separator": True, "items": items})
    links = [
        _item(title, address, "link", request) for title, address in get_settings().LINKS.items()
    ]
    for api, _ in find_apis():
        try:
            address = reverse(f"{api.urls_namespace}:openapi-view")
        except NoReverseMatch:  # its documentation is turned off
            continue
        links.append(_item(f"{api.title} documentation", address, "menu_book", request))
    if links:
        groups.append({"title": "Links", "separator": True, "items": links})
    return groups


def _item(
    title: Any, link: str, icon: str, request: HttpRequest, *, is_active: bool | None = None
) -> dict[str, Any]:
    active = request.path.startswith(link) if is_active is None else is_active
    # Unfold's template marks titles as safe.
    title = conditional_escape(str(title))
    return {"title": title, "link": link, "icon": icon, "active": active, "has_permission": True}
