"""``override_settings(MATT=…)`` reaches an API that exists, and a mistake in it is told at once."""

import itertools

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from ninja.pagination import LimitOffsetPagination
from ninja.pagination import paginate as ninja_paginate

from django_matt import (
    Body,
    ControllerBase,
    MattAPI,
    NinjaPaginationResponseSchema,
    Schema,
    api_controller,
    http_get,
    http_post,
    paginate,
)
from tests.project.models import Tag

pytestmark = pytest.mark.django_db
namespaces = (f"overrides-{number}" for number in itertools.count())


class TagOut(Schema):
    name: str


def counting(decorated):
    """Decorate a view, and note that."""

    def decorate(run):
        decorated.append(run)

        def around(request, *arguments, **named):
            return run(request, *arguments, **named)

        return around

    return decorate


@pytest.fixture(params=["function", "async function", "controller", "decorated function"])
def call(request, serve):
    """Serve an API that was bound long ago; return what calls it."""

    def made(**options):
        api = MattAPI(urls_namespace=next(namespaces), **options)
        if request.param == "controller":

            @api_controller("")
            class Tags(ControllerBase):
                @http_get("/tags", response=list[TagOut])
                def tags(self):
                    return Tag.objects.order_by("id")

                @http_get("/page", response=NinjaPaginationResponseSchema[TagOut])
                @paginate(LimitOffsetPagination)
                def page(self):
                    return Tag.objects.order_by("id")

                @http_post("/echo")
                def echo(self, data: Body[dict[str, str]]):
                    return data

            api.register_controllers(Tags)
        elif request.param == "async function":

            @api.get("/tags", response=list[TagOut])
            async def tags(request):
                return Tag.objects.order_by("id")

            @api.get("/page", response=list[TagOut])
            @ninja_paginate(LimitOffsetPagination)
            def page(request):
                return Tag.objects.order_by("id")

            @api.post("/echo")
            async def echo(request, data: Body[dict[str, str]]):
                return data

        else:

            @api.get("/tags", response=list[TagOut])
            def tags(request):
                return Tag.objects.order_by("id")

            @api.get("/page", response=list[TagOut])
            @ninja_paginate(LimitOffsetPagination)
            def page(request):
                return Tag.objects.order_by("id")

            @api.post("/echo")
            def echo(request, data: Body[dict[str, str]]):
                return data

        made.decorated = []
        if request.param == "decorated function":
            api.add_decorator(counting(made.decorated), mode="view")
        client = serve(api)
        made.client = client

        def ask(url, method="get", **options):
            if "async" in request.param:
                return async_to_sync(getattr(client.async_client, method))(url, **options)
            return getattr(client, method)(url, **options)

        return ask

    Tag.objects.create(name="a")
    return made


@pytest.fixture
def tier_of(call, settings):
    settings.DEBUG = True
    ask = call()
    return lambda url="/api/tags": ask(url)["X-Matt-Tier"].partition(";")[0]


def test_the_tier_follows(tier_of):
    assert tier_of() == "rows"
    for tier in ("instances", "pydantic"):
        with override_settings(MATT={"TIER": tier}):
            assert tier_of() == tier
            assert tier_of("/api/page") == tier
        assert tier_of() == tier_of("/api/page") == "rows"


def test_the_largest_page_follows(call):
    ask = call()
    assert ask("/api/page?limit=500").status_code == 200
    with override_settings(MATT={"MAX_PAGE_SIZE": 200}):
        assert ask("/api/page?limit=201").status_code == 422
        assert ask("/api/page?limit=200").status_code == 200
    assert ask("/api/page?limit=500").status_code == 200


def test_the_shape_of_errors_follows(call):
    ask = call()
    assert ask("/api/page?limit=x")["Content-Type"].startswith("application/json")
    with override_settings(MATT={"PROBLEM_DETAILS": True}):
        assert ask("/api/page?limit=x")["Content-Type"] == "application/problem+json"
    assert ask("/api/page?limit=x")["Content-Type"].startswith("application/json")


def test_the_formats_follow(call):
    ask = call()
    body = {"data": b"a: b", "content_type": "application/yaml"}

    def outcome():
        document = ask("/api/openapi.json").json()
        types = document["paths"]["/api/echo"]["post"]["requestBody"]["content"]
        answer = ask("/api/tags?format=yaml")
        return (
            answer.status_code,
            ask("/api/echo", "post", **body).status_code,
            "application/yaml" in types,
        )

    # The document names the formats that a project has named.
    assert outcome() == (200, 200, False)
    with override_settings(MATT={"FORMATS": ("json",)}):
        assert outcome() == (406, 415, False)
    with override_settings(MATT={"FORMATS": ("json", "yaml")}):
        assert outcome() == (200, 200, True)
    assert outcome() == (200, 200, False)


def test_what_the_api_itself_names_stays(call, settings):
    settings.DEBUG = True
    ask = call(tier="rows", formats=["json", "yaml"], problem_details=True)
    with override_settings(
        MATT={"TIER": "pydantic", "FORMATS": ("json",), "PROBLEM_DETAILS": False}
    ):
        assert ask("/api/tags")["X-Matt-Tier"] == "rows"
        assert ask("/api/tags?format=yaml").status_code == 200
        assert ask("/api/page?limit=x")["Content-Type"] == "application/problem+json"


def test_nothing_is_decorated_again(call):
    ask = call()
    before = len(call.decorated)
    with override_settings(MATT={"TIER": "pydantic"}):
        assert ask("/api/tags").status_code == 200
    assert len(call.decorated) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"NOTHING": 1}, "settings.MATT has no option 'NOTHING'"),
        ({"TIER": "row"}, "it must be one of 'rows'"),
        ({"FORMATS": ("toml",)}, "There is no format 'toml'"),
    ],
)
def test_a_mistake_is_told_where_it_is_made(call, options, words):
    ask = call()
    with pytest.raises(ImproperlyConfigured, match=words), override_settings(MATT=options):
        pytest.fail("the override was accepted")
    assert ask("/api/tags").status_code == 200
