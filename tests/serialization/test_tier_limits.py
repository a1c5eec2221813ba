"""A setting, an API and a route choose the fastest tier that their answers may take."""

import io

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from ninja.pagination import paginate as ninja_paginate

from django_matt import (
    ControllerBase,
    LimitOffsetPagination,
    MattAPI,
    ModelSchema,
    Schema,
    api_controller,
    http_get,
    tier,
)
from tests.project.models import Tag

pytestmark = pytest.mark.django_db


class ChosenTag(ModelSchema):
    class Meta:
        model = Tag
        fields = ["name"]


class Loud(Schema):
    name: str

    @staticmethod
    def resolve_name(tag):
        return tag.name.upper()


def tags():
    return Tag.objects.order_by("id")


@pytest.fixture(autouse=True)
def rows(settings):
    settings.DEBUG = True
    Tag.objects.create(name="a")


def said(client, path="/api/it", method="get"):
    answer = getattr(client, method)(path)
    assert answer.status_code == 200, answer.content
    return answer.headers["X-Matt-Tier"]


def serve_list(serve, *, chosen=None, response=list[ChosenTag], paged=False, **options):
    def view(request, **_):
        return tags()

    if paged:
        view = ninja_paginate(LimitOffsetPagination)(view)
    if chosen:
        view = tier(chosen)(view)
    api = MattAPI(**options)
    api.get("/it", response=response)(view)
    return serve(api)


@pytest.mark.parametrize("paged", [False, True])
@pytest.mark.parametrize("chosen", ["instances", "pydantic"])
def test_each_of_the_three_places_closes_what_is_faster(serve, settings, chosen, paged):
    assert said(serve_list(serve, paged=paged)) == "rows"
    by_route = said(serve_list(serve, chosen=chosen, paged=paged))
    assert by_route == f'{chosen}; closed by @tier("{chosen}") on the route'
    by_api = said(serve_list(serve, tier=chosen, paged=paged))
    assert by_api == f'{chosen}; closed by MattAPI(tier="{chosen}")'
    settings.MATT = {"TIER": chosen}
    assert said(serve_list(serve, paged=paged)) == f'{chosen}; closed by MATT["TIER"] = "{chosen}"'


@pytest.mark.parametrize("paged", [False, True])
def test_every_tier_gives_the_same_answer(serve, paged):
    answers = {
        serve_list(serve, chosen=chosen, paged=paged).get("/api/it").content
        for chosen in ("rows", "instances", "pydantic")
    }
    assert len(answers) == 1


def test_the_route_wins_over_the_api_and_the_api_over_the_settings(serve, settings):
    settings.MATT = {"TIER": "pydantic"}
    assert said(serve_list(serve, tier="instances")).startswith("instances; closed by MattAPI")
    assert said(serve_list(serve, tier="rows")) == "rows"
    assert said(serve_list(serve, tier="instances", chosen="rows")) == "rows"


def test_a_choice_opens_no_tier_that_the_schema_closes(serve):
    shown = said(serve_list(serve, chosen="instances", response=list[Loud]))
    assert shown.startswith("pydantic; response[]: resolve_name of Loud")


def test_a_result_that_no_faster_tier_takes_gets_no_reason(serve):
    api = MattAPI(tier="instances")
    api.get("/it", response=list[ChosenTag])(lambda request: list(tags()))
    assert said(serve(api)) == "instances"


def test_it_stands_above_and_below_other_decorators_sync_and_async(serve):
    api = MattAPI()

    @tier("instances")
    @api.get("/above", response=list[ChosenTag])
    @ninja_paginate(LimitOffsetPagination)
    def above(request):
        return tags()

    @api.get("/below", response=list[ChosenTag])
    @ninja_paginate(LimitOffsetPagination)
    @tier("instances")
    async def below(request):
        return tags()

    @api_controller("/shop")
    class Shop(ControllerBase):
        @http_get("/sync", response=list[ChosenTag])
        @tier("instances")
        def sync(self):
            return tags()

        @tier("instances")
        @http_get("/async", response=list[ChosenTag])
        async def asynchronous(self):
            return tags()

    api.register_controllers(Shop)
    client = serve(api)
    for path in ("/api/above", "/api/below", "/api/shop/sync", "/api/shop/async"):
        assert said(client, path).startswith("instances; closed by @tier"), path
        answer = async_to_sync(client.async_client.get)(path)
        assert answer.headers["X-Matt-Tier"].startswith("instances; closed by @tier"), path


def test_matt_plan_says_what_the_choice_closed(serve):
    serve_list(serve, chosen="instances")
    out = io.StringIO()
    call_command("matt_plan", stdout=out, verbosity=2)
    assert ": instances\n" in out.getvalue()
    assert 'not faster: closed by @tier("instances") on the route' in out.getvalue()
    assert 'SELECT "project_tag"."id"' in out.getvalue()


@pytest.mark.parametrize(
    "place",
    [
        lambda: MattAPI(tier="row"),  # type: ignore[arg-type] # the point
        lambda: tier("row"),  # type: ignore[arg-type]
    ],
)
def test_an_unknown_tier_is_an_error_where_it_stands(place):
    with pytest.raises(ImproperlyConfigured, match="'row'; it must be one of 'rows', 'instances'"):
        place()


def test_an_unknown_tier_in_the_settings_is_a_system_check(settings_module):
    settings_module("MATT", {"TIER": "row"})
    with pytest.raises(SystemCheckError, match=r"matt.E001.*'row'; it must be one of"):
        call_command("check", "--tag", "matt")


def test_a_class_cannot_choose(serve):
    with pytest.raises(ImproperlyConfigured, match="not on the class Shop"):

        @tier("instances")
        class Shop: ...
