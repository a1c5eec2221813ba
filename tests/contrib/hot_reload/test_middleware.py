"""Which answers get the script, over Django's whole stack, sync and async alike."""

import asyncio
import types

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path

from django_matt.contrib.hot_reload.broadcasters import Broadcaster, set_hub
from django_matt.contrib.hot_reload.middleware import HotReloadMiddleware

NAME = "django_matt.contrib.hot_reload.middleware.HotReloadMiddleware"
PAGE = "<html><body><p>é </BODY> twice</p></body ></html>"
TAG = b'<script src="/__matt__/reload.js" data-version="'


@pytest.fixture
def hub():
    hub = Broadcaster()
    set_hub(hub)
    yield hub
    set_hub(None)


@pytest.fixture(params=["sync", "async"])
def ask(request, settings, hub):
    """Return ``ask(response, **headers)``: what a browser gets where a view answers ``response``."""
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", NAME, *settings.MIDDLEWARE]

    def ask(response, method="get", **headers):
        urlconf = types.ModuleType("urlconf_hot_reload")
        if request.param == "sync":
            urlconf.urlpatterns = [path("", lambda request: response)]
        else:

            async def view(request):
                return response

            urlconf.urlpatterns = [path("", view)]
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        if request.param == "sync":
            return getattr(Client(headers={"host": "testserver"}), method)("/", headers=headers)

        async def call():
            return await getattr(AsyncClient(), method)("/", headers=headers)

        return asyncio.run(call())

    yield ask
    clear_url_caches()


def test_a_page_gets_the_script_before_its_last_body_tag(ask, hub):
    answer = ask(HttpResponse(PAGE))
    version = f'{hub.version}"'.encode()
    expected = (
        TAG + version + b' data-method="GET" data-status="200" defer></script></body ></html>'
    )
    assert answer.content.endswith(b"twice</p>" + expected)
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize(
    ("response", "headers"),
    [
        (lambda: HttpResponse("<p>no end</p>"), {}),
        (lambda: HttpResponse(PAGE, content_type="text/plain"), {}),
        (lambda: HttpResponse(PAGE, content_type="application/xhtml+xml"), {}),
        (lambda: HttpResponse(PAGE, headers={"Content-Encoding": "br"}), {}),
        (lambda: HttpResponse(PAGE, headers={"Content-Disposition": "attachment"}), {}),
        (lambda: HttpResponse(PAGE), {"hx-request": "true"}),
        (lambda: HttpResponse(PAGE), {"x-requested-with": "XMLHttpRequest"}),
        (lambda: HttpResponse(PAGE), {"sec-fetch-dest": "empty"}),
        (lambda: HttpResponse(PAGE.encode("utf-16"), content_type="text/html; charset=utf-16"), {}),
    ],
    ids=["no-end", "text", "xhtml", "encoded", "file", "htmx", "ajax", "fetch", "utf-16"],
)
def test_everything_else_is_left_alone(ask, response, headers):
    assert ask(response(), **headers).content == response().content


def test_a_stream_is_left_alone(ask):
    async def parts():
        yield PAGE.encode()

    answer = ask(StreamingHttpResponse(iter([PAGE.encode()])))
    assert b"__matt__" not in answer.getvalue() if not answer.is_async else answer.streaming


def test_gzip_in_front_of_it_compresses_the_page_with_the_script(ask):
    answer = ask(HttpResponse(PAGE + " " * 1_000), **{"accept-encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    import gzip

    assert TAG in gzip.decompress(answer.content)


def test_validators_of_the_page_without_the_script_go(ask):
    validators = {"ETag": '"1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    answer = ask(HttpResponse(PAGE, headers=validators))
    assert not set(validators) & set(answer.headers)
    kept = ask(HttpResponse("{}", content_type="application/json", headers=validators))
    assert set(validators) <= set(kept.headers)


def test_a_nonce_is_carried_and_a_policy_gets_room(ask):
    policy = "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'"
    answer = ask(HttpResponse(PAGE, headers={"Content-Security-Policy": policy}))
    assert b'nonce="abc" defer' in answer.content
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic' testserver/__matt__/reload.js; "
        "connect-src ws://testserver/__matt__/reload wss://testserver/__matt__/reload; "
        "frame-src testserver/__matt__/failure"
    )


@pytest.mark.parametrize(
    ("prefix", "folder"), [("/shop", b"/shop/__matt__/"), ('/"><script>', b'"/__matt__/')]
)
def test_a_forwarded_prefix_stands_before_the_script(ask, prefix, folder):
    assert (
        folder + b"reload.js" in ask(HttpResponse(PAGE), **{"x-forwarded-prefix": prefix}).content
    )


def test_a_script_name_stands_before_the_script(ask, settings):
    settings.FORCE_SCRIPT_NAME = "/own"
    assert b'"/own/__matt__/reload.js"' in ask(HttpResponse(PAGE)).content


def test_it_removes_itself_without_our_server(settings):
    settings.DEBUG = True
    with pytest.raises(MiddlewareNotUsed):
        HotReloadMiddleware(lambda request: HttpResponse())


def test_it_removes_itself_without_debug(hub, settings):
    settings.DEBUG = False
    with pytest.raises(MiddlewareNotUsed):
        HotReloadMiddleware(lambda request: HttpResponse())


def test_it_is_async_only_behind_an_async_handler(hub, settings):
    settings.DEBUG = True

    async def later(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert iscoroutinefunction(HotReloadMiddleware(later))
    assert not iscoroutinefunction(HotReloadMiddleware(lambda request: HttpResponse()))
