"""Tools that walk a project's URL patterns see each route once, with its name, as on ``NinjaExtraAPI``."""

import io
import json
import sys
import types
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import run_checks
from django.core.management import call_command
from django.urls import (
    URLPattern,
    URLResolver,
    clear_url_caches,
    get_resolver,
    include,
    path,
    resolve,
    reverse,
)
from django.utils.translation import override
from django_extensions.management.commands.show_urls import Command  # type: ignore[import-untyped]
from ninja import Router
from ninja_extra import NinjaExtraAPI

from django_matt import MattAPI, api_controller, http_get


def make(kind: type[Any], **options: Any) -> Any:
    api = kind(**options)
    router = Router()

    @api.get("/hello")
    def hello(request):
        return {}

    @api.post("/hello")
    async def create_hello(request):
        return {}

    @router.get("/items/{int:number}", url_name="one_item")
    def item(request, number: int):
        return {}

    @api_controller("/shops")
    class ShopController:
        @http_get("/{name}")
        def shop(self, name: str):
            return {}

    api.add_router("/inner", router)
    api.register_controllers(ShopController)
    return api


@pytest.fixture
def mount(settings):
    """Return ``mount(patterns)``: make them the project's URLs, in a module that can be imported."""

    def install(patterns: list[Any]) -> None:
        urlconf = types.ModuleType("walked_urls")
        urlconf.urlpatterns = patterns  # type: ignore[attr-defined]
        sys.modules["walked_urls"] = urlconf
        settings.ROOT_URLCONF = "walked_urls"
        clear_url_caches()

    yield install
    sys.modules.pop("walked_urls", None)
    clear_url_caches()


def listed() -> list[tuple[str, str]]:
    """Return the URL and the name of each line of django-extensions' ``show_urls``."""
    out = io.StringIO()
    call_command(Command(), format_style="json", stdout=out)
    return [(each["url"], each["name"]) for each in json.loads(out.getvalue())]


@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
def test_show_urls_lists_each_route_once_with_its_name(mount, kind):
    mount([path("api/", make(kind, urls_namespace="shop").urls)])
    lines = listed()
    assert lines.count(("/api/hello", "shop:hello")) == 1
    assert lines.count(("/api/inner/items/<int:number>", "shop:one_item")) == 1
    assert all(name for _, name in lines)


def test_show_urls_lists_what_it_lists_of_ninja_extra(mount):
    found = []
    for kind in (NinjaExtraAPI, MattAPI):
        mount([path("api/", make(kind, urls_namespace="shop").urls)])
        found.append(sorted(line for line in listed() if line[1] != "shop:matt-asset"))
    assert found[0] == found[1]


def test_an_api_among_others_is_listed_below_its_includes(mount):
    inner = make(MattAPI, urls_namespace="inner")
    mount(
        [
            path("api/", make(MattAPI, urls_namespace="outer").urls),
            path("<slug:tenant>/", include([path("v2/", inner.urls)])),
        ]
    )
    urls = [url for url, _ in listed()]
    assert "/<tenant>/v2/hello" in {url.replace("<slug:tenant>", "<tenant>") for url in urls}


def enumerate_endpoints(patterns: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """List views as schema generators do: by the class of each pattern and by its callback."""
    found: list[tuple[str, Any]] = []
    for pattern in patterns:
        where = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            assert callable(pattern.callback)
            assert pattern.lookup_str
            found.append((where, pattern.callback))
        elif isinstance(pattern, URLResolver):
            found += enumerate_endpoints(pattern.url_patterns, where)
        else:
            raise TypeError(pattern)
    return found


def test_a_walk_by_classes_finds_views_alone(mount):
    found = {}
    for kind in (NinjaExtraAPI, MattAPI):
        mount([path("api/", make(kind).urls)])
        endpoints = [where for where, _ in enumerate_endpoints(get_resolver().url_patterns)]
        found[kind] = {where for where in endpoints if "_matt" not in where}
    assert found[MattAPI] == found[NinjaExtraAPI]


@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
def test_reverse_and_resolve_agree(mount, kind):
    mount([path("api/", make(kind, urls_namespace="shop").urls)])
    for name, kwargs, url in [
        ("shop:hello", {}, "/api/hello"),
        ("shop:one_item", {"number": 3}, "/api/inner/items/3"),
        ("shop:api-root", {}, "/api/"),
    ]:
        assert reverse(name, kwargs=kwargs) == url
        match = resolve(url)
        assert match.view_name == name
        assert match.route == url.lstrip("/").replace("3", "<int:number>")
    assert run_checks(tags=["urls"]) == []


@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
def test_an_api_may_be_below_a_language(mount, settings, kind):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    mount(i18n_patterns(path("api/", make(kind, urls_namespace="shop").urls)))
    for language in ("en", "de"):
        with override(language):
            url = f"/{language}/api/inner/items/3"
            assert reverse("shop:one_item", kwargs={"number": 3}) == url
            assert resolve(url).view_name == "shop:one_item"
