"""``manage.py matt_plan`` says what answers, by which queries, and why not faster."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from ninja import ModelSchema, Schema
from ninja.pagination import CursorPagination
from ninja.pagination import paginate as ninja_paginate
from ninja.renderers import BaseRenderer
from ninja_extra import ControllerBase, api_controller, http_get

from django_matt import MattAPI
from tests.project.models import Account, Author, Book, Payment, Tag

pytestmark = pytest.mark.django_db


class TagOut(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class BookOut(Schema):
    title: str
    tags: list[TagOut]


class Shouting(ModelSchema):
    shout: str

    class Meta:
        model = Author
        fields = ["name"]


class Resolved(ModelSchema):
    @staticmethod
    def resolve_name(tag):
        return tag.name.upper()

    class Meta:
        model = Tag
        fields = ["name"]


class PlannedGreeting(Schema):
    hello: str


@pytest.fixture
def plan(serve):
    api, other = MattAPI(urls_namespace="planned"), MattAPI(urls_namespace="other")
    api.get("/tags", response=list[TagOut])(tags)
    api.get("/paged", response=list[TagOut])(ninja_paginate(paged))
    api.get("/by-cursor", response=list[TagOut])(ninja_paginate(CursorPagination)(by_cursor))
    api.get("/books", response=list[BookOut])(books)
    api.get("/authors", response=list[Shouting])(authors)
    api.get("/resolved", response=list[Resolved])(resolved)
    api.get("/one", response=TagOut)(one)
    api.get("/plain")(plain)
    api.post("/tags", response={201: TagOut})(add_tag)
    api.post("/resolved", response=Resolved)(add_resolved)
    api.delete("/tags/{tag_id}", response={204: None})(remove_tag)
    api.get("/greeting", response=PlannedGreeting)(greeting)
    api.register_controllers(Tags)
    other.get("/elsewhere")(elsewhere)
    serve(api, "api/", **{"other/": other})

    def run(*arguments: Any, verbosity: int = 2, **options: Any) -> str:
        out = io.StringIO()
        call_command("matt_plan", *arguments, stdout=out, verbosity=verbosity, **options)
        return out.getvalue()

    return run


class Renderer(BaseRenderer):
    media_type = "application/json"


class OwnResponses(MattAPI):
    def create_response(self, *arguments, **options):
        return super().create_response(*arguments, **options)


def lines_of(shown: str) -> dict[str, list[str]]:
    """Return the cells of each line of the list, by method and path."""
    cells = (re.split(r" {2,}", line) for line in shown.partition("\n\n")[0].splitlines())
    return {f"{method} {path}": rest for method, path, *rest in cells}


def plan_alone(serve, api, *arguments: Any) -> str:
    api.get("/", response=list[TagOut])(all_tags)
    api.get("/paged", response=list[TagOut])(ninja_paginate(paged))
    api.get("/resolved", response=list[Resolved])(resolved)
    serve(api, "")
    out = io.StringIO()
    call_command("matt_plan", *arguments, stdout=out, verbosity=2)
    return out.getvalue()


def all_tags(request): ...
def tags(request): ...
def paged(request, **kwargs): ...
def by_cursor(request, **kwargs): ...
def books(request): ...
def authors(request): ...
def resolved(request): ...
def one(request): ...
def plain(request): ...
def add_tag(request): ...
def add_resolved(request): ...
def remove_tag(request, tag_id: int): ...
def greeting(request): ...
def elsewhere(request): ...


@api_controller("/shop")
class Tags(ControllerBase):
    @http_get("/all", response=list[TagOut])
    def all(self): ...


def test_each_route_is_one_line(plan):
    shown = plan(api="planned", verbosity=1)
    assert lines_of(shown) == {
        "METHOD PATH": ["RESPONSE IS BUILT FROM", "QUERIES"],
        "GET /api/tags": ["database rows", "1"],
        "GET /api/paged": ["database rows", "1"],
        "GET /api/by-cursor": ["model instances", "1"],
        "GET /api/books": ["what the view returns: no model", "?"],
        "GET /api/authors": ["model instances", "?"],
        "GET /api/resolved": ["model instances, by pydantic", "?"],
        "GET /api/one": ["a database row (queryset), or a model instance", "1"],
        "GET /api/plain": ["what the view returns: no response schema", "?"],
        "POST /api/tags": ["model instances", "?"],
        "POST /api/resolved": ["model instances, by pydantic", "?"],
        "DELETE /api/tags/{tag_id}": ["nothing: the body is empty", "0"],
        "GET /api/greeting": ["what the view returns: no model", "?"],
        "GET /api/shop/all": ["database rows", "1"],
    }
    assert "SELECT" not in shown
    assert "-v 2 shows the SQL" in shown


def test_a_list_of_many_to_many_is_counted(plan):
    shown = plan("books", model="project.Book", verbosity=1)
    assert lines_of(shown)["GET /api/books"] == ["database rows", "2"]


def test_a_write_shows_no_query(plan):
    shown = plan("add_tag")
    assert "201 TagOut: rows or instances" in shown
    assert "SELECT" not in shown
    assert "SELECT" not in plan("add_resolved")


def test_rows_are_shown_with_their_query(plan):
    shown = plan("/api/tags").partition("POST")[0]
    assert "GET     /api/tags" in shown
    assert ": rows\n" in shown
    assert 'SELECT "project_tag"."id"' in shown
    assert "not faster" not in shown


def test_a_page_is_shown_by_its_items(plan):
    assert "PagedTagOut: rows" in plan("paged")


def test_a_page_that_rows_do_not_make_says_why(plan):
    shown = plan("by-cursor")
    assert "PagedTagOut: instances\n" in shown
    assert "not faster: CursorPagination reads the items of its pages" in shown
    assert 'SELECT "project_tag"."id"' in shown


def test_a_controller_is_shown_under_its_prefix(plan):
    assert "GET     /api/shop/all" in plan("/shop")


def test_a_model_is_asked_for_where_the_schema_does_not_say(plan):
    assert "the schema names no model: --model app.Model shows" in plan("books")
    shown = plan("books", model="project.Book")
    assert ": rows\n" in shown
    assert shown.count("SELECT") == 2


def test_a_property_keeps_rows_away_and_is_named(plan):
    shown = plan("authors")
    assert ": instances" in shown
    assert "not faster: shout is not a column" in shown
    assert "SELECT" in shown


def test_a_resolver_keeps_both_away_and_is_named(plan):
    shown = plan("resolved")
    assert ": pydantic" in shown
    assert "resolve_name" in shown


def test_an_object_is_answered_by_rows_where_its_queryset_is_returned(plan):
    shown = plan("/api/one")
    assert "TagOut: rows or instances" in shown
    assert "return the queryset" in shown
    assert 'SELECT "project_tag"."id"' in shown


def test_one_api_is_shown_alone(plan):
    assert "elsewhere" not in plan(api="planned")
    assert "/other/elsewhere" in plan(api="other")
    assert "no response schema" in plan(api="other")


def test_a_renderer_of_the_project_is_named_with_what_answers_without_it(serve):
    shown = plan_alone(serve, MattAPI(renderer=Renderer()), "paged")
    assert "PagedTagOut: pydantic\n" in shown
    assert "not faster: Renderer, the renderer of the API, writes the responses; " in shown
    assert "; without it: rows\n" in shown
    assert 'SELECT "project_tag"."id"' in shown
    shown = plan_alone(serve, MattAPI(renderer=Renderer(), urls_namespace="more"), "resolved")
    assert "writes the responses\n" in shown


def test_an_overridden_create_response_is_named(serve):
    shown = plan_alone(serve, OwnResponses(), "all_tags")
    assert (
        "not faster: OwnResponses.create_response writes the responses; without it: rows" in shown
    )
    assert "renderer" not in shown


def test_a_view_that_names_its_schema_is_told_what_an_instance_costs(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/built", response=list[TagOut])
    def built(request):
        return [TagOut(id=1, name=name) for name in ("a", "b")]

    shown = plan_alone(serve, api, "built")
    assert "the view names TagOut: if it makes instances of it, return the queryset" in shown
    assert "the view names" not in plan_alone(serve, MattAPI(urls_namespace="more"), "all_tags")
    answer = serve(api).get("/api/built")
    assert [each["name"] for each in answer.json()] == ["a", "b"]
    said = answer.headers["X-Matt-Tier"]
    assert said.startswith("instances; the view creates instances of TagOut")


def test_an_api_at_the_root_is_shown_with_one_slash(serve):
    shown = plan_alone(serve, MattAPI())
    assert "GET     / " in shown
    assert "GET     /paged " in shown
    assert "//" not in shown


def test_what_is_not_there_is_an_error(plan):
    with pytest.raises(CommandError, match="No operation"):
        plan("nothing")
    with pytest.raises(CommandError, match="nowhere"):
        plan(model="nowhere.Thing")
    with pytest.raises(CommandError, match="name the app too"):
        plan(model="Thing")


def test_the_queries_are_those_of_a_request(plan, serve, django_assert_num_queries):
    Book.objects.create(title="x", author=Author.objects.create(name="a"))
    api = MattAPI(urls_namespace="asked")
    api.get("/books", response=list[BookOut])(lambda request: Book.objects.all())
    client = serve(api)
    with django_assert_num_queries(2):
        client.get("/api/books")


def test_what_would_be_streamed_is_said(plan, settings):
    said = "streamed past 10,000 rows"
    assert said in plan("/tags")
    assert said not in plan("/one")
    settings.MATT = {"STREAM_ROWS": None}
    assert said not in plan("/tags")


class PlannedPayment(ModelSchema):
    class Meta:
        model = Payment
        fields = ["id"]


class PlannedAccount(ModelSchema):
    payments: list[PlannedPayment]

    class Meta:
        model = Account
        fields = ["name"]


def test_a_manager_that_needs_a_request_is_named_and_the_rest_is_shown(serve):
    api = MattAPI()
    api.get("/accounts", response=list[PlannedAccount])(all_tags)
    shown = plan_alone(serve, api)
    assert ": rows\n" in shown.partition("GET     / ")[0]
    assert (
        "it may read more: the default manager of Account fails: LookupError: no request" in shown
    )
    assert "GET     /paged " in shown
