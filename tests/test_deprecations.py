"""``@deprecated``: the headers of every response, and what the OpenAPI document has."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from ninja import NinjaAPI
from ninja import Router as NinjaRouter
from ninja.security import HttpBearer

from django_matt import (
    JSONL,
    MattAPI,
    Router,
    api_controller,
    deprecated,
    http_get,
    http_post,
)

LINK = "https://example.com/docs/v2"
mark = deprecated(since="2026-12-01", sunset=date(2027, 6, 1), link=LINK)
HEADERS = {
    "Deprecation": "@1796083200",
    "Sunset": "Tue, 01 Jun 2027 00:00:00 GMT",
    "Link": f'<{LINK}>; rel="deprecation"',
}


class Token(HttpBearer):
    def authenticate(self, request, token):
        return token == "secret"


def make_api() -> MattAPI:
    api = MattAPI()

    @api.get("/outside")
    @mark
    def outside(request, number: int = 1):
        if number == 2:
            raise ValueError("a fault")
        return {}

    @mark
    @api.get("/inside")
    def inside(request):
        return {}

    @api.get("/async")
    @mark
    async def run_async(request):
        return {}

    @api.get("/secret", auth=Token())
    @mark
    def secret(request):
        return {}

    @api.get("/link")
    @mark
    def with_link(request, response: HttpResponse):
        response["Link"] = "</next>; rel=next"
        return {}

    @api.get("/stream", response=JSONL[int])
    @mark
    def stream(request):
        yield 1

    @api.get("/fresh")
    def fresh(request):
        return {}

    for kind, prefix in ((Router, "matt"), (NinjaRouter, "ninja")):
        router = kind()

        @router.get("/old")
        @mark
        def old(request):
            return {}

        api.add_router(prefix, router)

    @api_controller("/controlled")
    class Controlled:
        @http_get("/sync")
        @mark
        def read(self):
            return {}

        @mark
        @http_get("/above")
        def above(self):
            return {}

        @http_post("/async")
        @mark
        async def write(self):
            return {}

    api.register_controllers(Controlled)
    return api


@pytest.fixture
def client(serve):
    return serve(make_api())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "outside", 200),
        ("get", "outside?number=x", 422),
        ("get", "outside?number=2", 500),
        ("get", "inside", 200),
        ("get", "async", 200),
        ("get", "secret", 401),
        ("get", "stream", 200),
        ("get", "matt/old", 200),
        ("get", "ninja/old", 200),
        ("get", "controlled/sync", 200),
        ("get", "controlled/above", 200),
        ("post", "controlled/async", 200),
    ],
)
def test_every_response_of_a_deprecated_route_has_the_headers(client, method, path, status):
    answer = getattr(client, method)(f"/api/{path}")
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_an_async_server_sends_the_headers(client):
    answer = asyncio.run(client.async_client.get("/api/async"))
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_link_of_the_view_is_kept(client):
    assert client.get("/api/link").headers["Link"] == f"</next>; rel=next, {HEADERS['Link']}"


def test_other_routes_have_none(client):
    assert not HEADERS.keys() & client.get("/api/fresh").headers.keys()


def test_the_document_has_the_dates(client):
    document = client.get("/api/openapi.json").json()
    for path in ("/api/outside", "/api/controlled/sync", "/api/matt/old"):
        details = document["paths"][path]["get"]
        assert details["deprecated"] is True
        assert details["x-deprecated-since"] == "2026-12-01"
        assert details["x-sunset"] == "2027-06-01"
        assert details["x-deprecation-link"] == LINK
        assert details["description"].endswith(
            f"**Deprecated** since 2026-12-01. It may be removed after 2027-06-01. [What to use instead](<{LINK}>)."
        )
    assert "deprecated" not in document["paths"]["/api/fresh"]["get"]


def test_operations_know_that_they_are_deprecated(client):
    api = make_api()
    found = {each.path: each.deprecated for each in api.operations(path_prefix="/")}
    assert found["/outside"]
    assert not found["/fresh"]


@pytest.mark.parametrize(
    ("since", "seconds"),
    [
        ("2026-12-01", 1796083200),
        (date(2026, 12, 1), 1796083200),
        ("2026-12-01T02:00:00+02:00", 1796083200),
        (datetime(2026, 12, 1), 1796083200),
        (datetime(2026, 12, 1, 2, tzinfo=timezone(timedelta(hours=2))), 1796083200),
        (datetime(2026, 12, 1, 0, 0, 1, 900_000, tzinfo=UTC), 1796083201),
    ],
)
def test_a_day_begins_at_midnight_in_utc(serve, since, seconds):
    api = MattAPI()

    @api.get("/old")
    @deprecated(since=since)
    def old(request):
        return {}

    answer = serve(api).get("/api/old")
    assert answer.headers["Deprecation"] == f"@{seconds}"
    assert "Sunset" not in answer.headers
    assert "Link" not in answer.headers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"since": "soon"}, "since is 'soon', and not a date such as 2026-12-01"),
        ({"since": 5}, "since is 5, and not a date"),
        ({"since": "2026-12-01", "sunset": "never"}, "sunset is 'never', and not a date"),
        (
            {"since": "2026-12-01", "sunset": "2026-11-30"},
            r"the sunset \(2026-11-30\) is before the deprecation",
        ),
        ({"since": "2026-12-01", "link": ""}, "the link '' is no address"),
        (
            {"since": "2026-12-01", "link": "https://a.b/>\r\nX: y"},
            "is no address. Percent-encode it",
        ),
        ({"since": "2026-12-01", "link": "https://ä.example"}, "is no address. Percent-encode it"),
    ],
)
def test_a_wrong_argument_is_refused_where_it_is_written(arguments, message):
    with pytest.raises(ImproperlyConfigured, match=message):
        deprecated(**arguments)


def test_a_class_cannot_be_deprecated():
    with pytest.raises(ImproperlyConfigured, match="belongs on a route, not on the class Old"):

        @deprecated(since="2026-12-01")
        class Old:
            pass


def test_an_api_of_ninja_ignores_the_decorator(serve):
    api = NinjaAPI(urls_namespace="plain")

    @api.get("/old")
    @mark
    def old(request):
        return {}

    assert serve(api).get("/api/old").status_code == 200


def test_a_project_without_a_deprecated_route_does_not_import_the_module():
    import subprocess
    import sys

    code = (
        "import sys; from django.conf import settings; settings.configure(); import django; django.setup();"
        "from django_matt import MattAPI; assert 'django_matt.deprecations' not in sys.modules;"
        "from django_matt import deprecated; assert 'django_matt.deprecations' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
