"""What an API answers where none of its routes does, and what it leaves to the rest of the site."""

import itertools
import types

import pytest
from asgiref.sync import async_to_sync
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import Resolver404, clear_url_caches, get_resolver, path, resolve
from django.urls.base import is_valid_path
from ninja_extra import NinjaExtraAPI

from django_matt import ControllerBase, MattAPI, api_controller, http_get

namespaces = (f"unknown-{number}" for number in itertools.count())


@api_controller("/shops")
class Shops(ControllerBase):
    @http_get("/{int:number}")
    def shop(self, number: int):
        return number


made = []


def make(kind):
    api = kind(urls_namespace=next(namespaces))
    # Ninja Extra takes an API for another one that is gone and had the same id().
    made.append(api)

    @api.get("/items")
    def items(request):
        return []

    @api.get("/items/{int:number}/parts/")
    def parts(request, number: int):
        return []

    @api.get("/{slug:owner}/things")
    def things(request, owner: str):
        return []

    api.register_controllers(Shops)
    return api


@pytest.fixture(params=["sync", "async"])
def site(request, settings):
    """Serve URL patterns; return what calls them."""

    def mount(*patterns):
        urlconf = types.ModuleType("urlconf_of_unknown_urls")
        urlconf.urlpatterns = list(itertools.chain(*patterns))
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()

        def ask(url, method="get"):
            if request.param == "async":
                return async_to_sync(getattr(AsyncClient(), method))(url)
            return getattr(Client(), method)(url)

        return ask

    yield mount
    clear_url_caches()


def is_ours(answer):
    return answer.headers["Content-Type"] == "application/problem+json"


def home(request):
    return HttpResponse("home")


@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_url_is_not_redirected_to_a_language(site, settings, kind, method):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    ask = site(i18n_patterns(path("api/v1/", make(kind).urls)))
    assert ask("/api/v1/nothing", method).status_code == 404
    assert ask("/en/api/v1/nothing", method).status_code == 404
    assert ask("/api/v1/items", method).status_code == 302
    assert is_ours(ask("/en/api/v1/nothing", method)) == (kind is MattAPI)


def test_an_unknown_url_is_no_valid_path(site):
    site([path("api/", make(MattAPI).urls)])
    assert is_valid_path("/api/items")
    assert not is_valid_path("/api/nothing")
    with pytest.raises(Resolver404):
        resolve("/api/nothing")


def test_an_api_at_the_root_leaves_what_is_not_below_its_routes_to_the_site(site):
    ask = site([path("", make(MattAPI).urls), path("home", home)])
    assert ask("/home").content == b"home"
    for url in ("/favicon.ico", "/blog/2024/", "/wp-login.php", "/anyone/nothing"):
        answer = ask(url)
        assert (answer.status_code, is_ours(answer)) == (404, False), url
    for url in ("/items/nothing", "/items/1/nothing", "/shops/nothing"):
        answer = ask(url)
        assert (answer.status_code, is_ours(answer)) == (404, True), url


def test_an_api_at_the_root_below_a_language_leaves_the_site_alone_too(site, settings):
    settings.LANGUAGE_CODE = "en"
    ask = site(i18n_patterns(path("", make(MattAPI).urls)), [path("home", home)])
    assert not is_ours(ask("/en/nothing"))
    assert is_ours(ask("/en/items/nothing"))


def test_a_site_that_is_one_api_is_all_its_own(site):
    ask = site([path("", make(MattAPI).urls)])
    answer = ask("/nothing")
    assert (answer.status_code, is_ours(answer)) == (404, True)


def test_a_url_that_exists_with_a_slash_is_redirected(site):
    ask = site([path("api/", make(MattAPI).urls)])
    answer = ask("/api/items/1/parts")
    assert (answer.status_code, answer["Location"]) == (301, "/api/items/1/parts/")


def walk(resolver, url, parents=()):
    """Find the pattern of a URL by regular expressions alone, as sentry-sdk does to name a transaction."""
    match = resolver.pattern.regex.search(url)
    if match is None:
        return None
    parents = (*parents, resolver)
    rest = url[match.end() :]
    for pattern in resolver.url_patterns:
        if not pattern.callback:
            if found := walk(pattern, rest, parents):
                return found
        elif pattern.pattern.regex.search(rest):
            return "".join(str(each.pattern) for each in (*parents, pattern))
    return None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/api/items", "api/items"),
        ("/api/items/7/parts/", "api/items/<int:number>/parts/"),
        ("/api/shops/3", "api/shops/<int:number>"),
        ("/api/nothing", None),
        ("/api/v2/items", "api/v2/items"),
    ],
)
@pytest.mark.parametrize("kind", [NinjaExtraAPI, MattAPI])
def test_tools_that_walk_the_patterns_find_each_route(site, kind, url, name):
    site([path("api/", make(kind).urls), path("api/v2/", make(kind).urls)])
    found = walk(get_resolver(), url)
    assert found == (name and f"^/{name}")
