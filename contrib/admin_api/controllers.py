"""The operations of an admin site: for each model, what the pages of the HTML admin do."""

# ruff: noqa: A001, A002 - views have the names of their verbs, and {id} is the parameter in the path

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from ninja import Body, Query
from ninja.constants import NOT_SET
from ninja.responses import Status
from pydantic import WithJsonSchema

from django_matt import MattAPI
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.admin_api import actions, descriptions, lists, options, schemas, services
from django_matt.contrib.admin_api.errors import FormRefused, refused_error
from django_matt.contrib.admin_api.requests import AdminRequest, Desk, quiet_site
from django_matt.contrib.admin_api.settings import get_settings
from django_matt.formats import formats
from django_matt.routers import Router

__all__ = ["add_admin", "load_site"]

_QUERY: Any = Query
_BODY: Any = Body


def load_site(path: str) -> AdminSite:
    """Return the ``AdminSite`` at a dotted path; raise ``ImproperlyConfigured`` if it is something else."""
    try:
        site: Any = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f'MATT_ADMIN_API["SITE"] is {path!r}: {error}') from error
    if not hasattr(site, "each_context") or not hasattr(site, "get_app_list"):
        raise ImproperlyConfigured(f'MATT_ADMIN_API["SITE"]: {path!r} is not an AdminSite.')
    found: AdminSite = site
    return found


def add_admin(
    api: MattAPI, site: AdminSite, *, path: str = "/admin-api", prefix: str = "admin"
) -> None:
    """Add the operations of a site to an API; call it for a second site, with a path and a prefix of its own.

    All models that are registered now get operations, such as ``admin_store_product_list``. Call it before the URLs of the
    API are first used.

    >>> add_admin(api, partner_site, path="/partner-admin", prefix="partners")    # doctest: +SKIP
    """
    settings = get_settings()
    quiet = quiet_site(site)
    admins = [
        site.get_model_admin(model) for model in apps.get_models() if site.is_registered(model)
    ]
    api.register_error(FormRefused, refused_error)
    router = Router()
    names = {each.model: f"{prefix}_{each.opts.label_lower.replace('.', '_')}" for each in admins}

    def index(request: HttpRequest) -> Any:
        """Return the models that the user may see, and what the user may do with them."""
        asked = AdminRequest(request)
        if not quiet.has_permission(asked):
            raise PermissionDenied
        found = [
            {
                "label": each["app_label"],
                "name": str(each["name"]),
                "models": [
                    _overview(model, names[model["model"]], path)
                    for model in each["models"]
                    if model["model"] in names
                ],
            }
            for each in _app_list(quiet, admins, asked)
        ]
        return {"title": str(quiet.site_header), "apps": [each for each in found if each["models"]]}

    router.add_api_operation(
        "",
        ["GET"],
        index,
        response=schemas.Overview,
        operation_id=f"{prefix}_index",
        tags=[prefix],
    )
    for each in admins:
        for route in _Routes(api, quiet, each, names[each.model], settings.MAX_ROWS).routes():
            router.add_api_operation(**route)
    api.add_router(path, router, auth=_auth(api, settings.AUTH))


def _app_list(site: AdminSite, admins: Any, request: HttpRequest) -> Any:
    """Return the apps of the start page; a site without pages cannot make the links that Django's own list has."""
    try:
        return site.get_app_list(request)
    except NoReverseMatch:
        found: dict[str, Any] = {}
        for each in admins:
            perms = each.get_model_perms(request)
            label = each.opts.app_label
            if each.has_module_permission(request) and any(perms.values()):
                name = apps.get_app_config(label).verbose_name
                app = found.setdefault(label, {"app_label": label, "name": name, "models": []})
                model = {"model": each.model, "name": each.opts.verbose_name_plural, "perms": perms}
                app["models"].append(model)
        return found.values()


def _overview(model: Any, name: str, path: str) -> dict[str, Any]:
    opts: Any = model["model"]._meta
    return {
        "model": opts.label_lower,
        "name": str(opts.verbose_name),
        "name_plural": str(model["name"]),
        "path": f"{path}/{opts.app_label}/{opts.model_name}",
        "operations": name,
        "permissions": model["perms"],
    }


def _auth(api: MattAPI, paths: tuple[str, ...] | None) -> Any:
    if paths is None:
        return SessionAuthenticator() if api.auth in (None, NOT_SET) else NOT_SET
    found = [import_string(path) for path in paths]
    callbacks = [each() if isinstance(each, type) else each for each in found]
    return callbacks[0] if len(callbacks) == 1 else AnyOf(*callbacks)


class _Routes:
    """The routes of one ``ModelAdmin``, each with the types of its forms."""

    def __init__(
        self, api: MattAPI, site: AdminSite, admin: "ModelAdmin[Any]", name: str, most: int
    ) -> None:
        self.site, self.admin, self.name, self.most = site, admin, name, most
        opts: Any = admin.opts
        self.path = f"/{opts.app_label}/{opts.model_name}"
        self.tag = name.replace("_", " ")
        self.types = schemas.ModelSchemas(
            admin,
            _pascal(f"{name.removesuffix(opts.model_name)}{opts.object_name}"),
        )
        # A key that is text may contain slashes.
        self.one = "{path:id}" if self.types.key == "string" else "{id}"
        self.lists = api.formats.also(["csv"])

    def desk(self, request: HttpRequest) -> Desk:
        return Desk(request, self.admin, self.site)

    def routes(self) -> list[dict[str, Any]]:
        """Return the options of all routes, the longer paths first."""
        types, one = self.types, self.one
        return [
            self._route(self.describe(), "GET", "/schema", schemas.FormOut, by_alias=True),
            self._route(self.autocomplete(), "GET", "/autocomplete/{field}", schemas.Options),
            self._route(self.run_action(), "POST", "/actions/{action}", schemas.ActionOut),
            self._route(self.deletion(), "GET", f"/{one}/deletion", schemas.Deletion),
            self._route(self.history(), "GET", f"/{one}/history", schemas.HistoryPage),
            self._route(self.list(), "GET", "", types.page),
            self._route(self.create(), "POST", "", {201: types.saved}),
            self._route(self.retrieve(), "GET", f"/{one}", types.shown),
            self._route(self.change(), "PATCH", f"/{one}", types.saved),
            self._route(self.delete(), "DELETE", f"/{one}", schemas.Done),
        ]

    def _route(
        self, view: Callable[..., Any], method: str, path: str, response: Any, **options: Any
    ) -> dict[str, Any]:
        return {
            "path": f"{self.path}{path}",
            "methods": [method],
            "view_func": view,
            "response": response,
            "operation_id": f"{self.name}_{view.__name__}",
            "tags": [self.tag],
            **options,
        }

    def _key(self) -> Any:
        return Annotated[str, WithJsonSchema({"type": self.types.key})]

    def list(self) -> Callable[..., Any]:
        """Return the view of the list."""

        @formats(also=["csv"])
        def list(request: HttpRequest, filters: Any) -> Any:
            """List objects. Every lookup that the admin allows is a filter. As CSV, all rows that match."""
            desk = self.desk(request)
            is_csv = self.lists.select(request).name == "csv"
            if is_csv:
                cl = lists.change_list(desk)
                return self._export(lists.export_rows(desk, cl, self.most))
            cl = lists.change_list(desk, page=filters.page, page_size=filters.page_size)
            return lists.list_rows(desk, cl, filters.page)

        return _typed(list, filters=_QUERY[self.types.filters])

    def _export(self, rows: Any) -> HttpResponse:
        csv = next(each for each in self.lists if each.name == "csv")
        answer = HttpResponse(csv.dump(rows), content_type="text/csv; charset=utf-8")
        name = self.admin.opts.model_name
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        patch_vary_headers(answer, ["Accept"])
        return answer

    def describe(self) -> Callable[..., Any]:
        """Return the view of the form."""

        def schema(request: HttpRequest, id: Any = None) -> Any:
            """Describe the form of a new object, or with `id` that of a stored one, and what the list offers."""
            return descriptions.describe_form(self.desk(request), id)

        return _typed(schema, id=str | None)

    def autocomplete(self) -> Callable[..., Any]:
        """Return the view of a field's options."""

        def autocomplete(request: HttpRequest, field: str, q: str = "", page: Any = 1) -> Any:
            """Find the objects that a field may refer to; `lines.product` is a field of an inline."""
            return options.find_options(self.desk(request), field, q, page, self.most)

        return _typed(autocomplete, page=Annotated[int, _QUERY(1, ge=1)])

    def run_action(self) -> Callable[..., Any]:
        """Return the view of the actions."""

        def run_action(request: HttpRequest, action: str, data: schemas.ActionIn) -> Any:
            """Run an action on rows. Filters in the query limit `all`. A file that the action makes is the response."""
            desk = self.desk(request)
            found = actions.run_action(desk, action, data, self.most)
            if isinstance(found, HttpResponseBase):
                return found
            return {"messages": list_messages(desk), "location": found}

        return run_action

    def deletion(self) -> Callable[..., Any]:
        """Return the view of what a deletion would do."""

        def deletion(request: HttpRequest, id: Any) -> Any:
            """Return what would be deleted with an object, and what forbids it."""
            return services.preview_deletion(self.desk(request), id)

        return _typed(deletion, id=self._key())

    def history(self) -> Callable[..., Any]:
        """Return the view of the log."""

        def history(request: HttpRequest, id: Any, page: Any = 1) -> Any:
            """Return the log of an object."""
            return services.load_history(self.desk(request), id, page)

        return _typed(history, id=self._key(), page=Annotated[int, _QUERY(1, ge=1)])

    def create(self) -> Callable[..., Any]:
        """Return the view that makes an object."""

        @formats(also=["form"])
        def create(request: HttpRequest, response: HttpResponse, data: Any) -> Any:
            """Create an object, with the rows of its inlines."""
            desk = self.desk(request)
            key, page = services.save_object(desk, None, data.root)
            if page is not None:
                response.headers["ETag"] = page.etag()
                response.headers["Location"] = (
                    f"{request.path.rstrip('/')}/{quote(str(key), safe='')}"
                )
            return Status(201, self._saved(desk, page))

        return _typed(create, data=Annotated[self.types.create, _BODY(...)])

    def retrieve(self) -> Callable[..., Any]:
        """Return the view of one object."""

        def retrieve(request: HttpRequest, response: HttpResponse, id: Any) -> Any:
            """Return what the form of an object shows, with the rows of its inlines. Send its `ETag` in `If-Match`."""
            page = services.load_page(self.desk(request), id)
            response.headers["ETag"] = page.etag()
            response.headers["Cache-Control"] = "private, no-cache"
            return page.values()

        return _typed(retrieve, id=self._key())

    def change(self) -> Callable[..., Any]:
        """Return the view that changes an object."""

        @formats(also=["form"])
        def change(request: HttpRequest, response: HttpResponse, id: Any, data: Any) -> Any:
            """Change the fields and the rows that are sent. With `If-Match`, only if nobody else has changed the object."""
            desk = self.desk(request)
            if_match = request.headers.get("If-Match")
            _, page = services.save_object(desk, id, data.root, if_match=if_match)
            if page is not None:
                response.headers["ETag"] = page.etag()
            return self._saved(desk, page)

        return _typed(change, id=self._key(), data=Annotated[self.types.change, _BODY(...)])

    def delete(self) -> Callable[..., Any]:
        """Return the view that deletes an object."""

        def delete(request: HttpRequest, id: Any) -> Any:
            """Delete an object, and what goes with it."""
            desk = self.desk(request)
            services.delete_object(desk, id, if_match=request.headers.get("If-Match"))
            return {"messages": list_messages(desk)}

        return _typed(delete, id=self._key())

    def _saved(self, desk: Desk, page: Any) -> dict[str, Any]:
        values = None if page is None else page.values()
        return {"object": values, "messages": list_messages(desk)}


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def list_messages(desk: Desk) -> list[dict[str, str]]:
    """Return what the admin says to the user."""
    return [{"level": each.level, "text": each.text} for each in desk.messages]


def _typed(view: Any, **annotations: Any) -> Callable[..., Any]:
    """Give a view the types that are known only now."""
    view.__annotations__ |= annotations
    typed: Callable[..., Any] = view
    return typed
