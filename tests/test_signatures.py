"""Annotations that are strings, and return annotations that are no schemas."""

import json
import warnings
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from ninja import Router as NinjaRouter
from ninja_extra import NinjaExtraAPI

from django_matt import MattAPI, Router, Schema
from tests import postponed
from tests.project.models import Author, Book
from tests.test_parameters import post, send

pytestmark = pytest.mark.django_db
ITEM = {"name": "a", "inner": None}


@pytest.fixture
def client(serve):
    api = MattAPI()
    api.register_controllers(postponed.make_controller())
    postponed.add_functions(api)
    postponed.add_status(api)
    made = serve(api)
    made.api = api
    return made


@pytest.mark.filterwarnings("ignore:Field:UserWarning")
def test_a_decorator_of_all_operations_leaves_a_controllers_parameters_alone(serve):
    api = MattAPI()
    api.add_decorator(postponed.passing, mode="operation")
    api.register_controllers(postponed.make_controller())
    client = serve(api)
    assert post(client, "sync", {"name": "a"}, "/api/c/body").json() == ITEM
    assert client.get("/api/c/query/7?name=b&size=2").json() == {"got": [7, "b", 2]}
    parameters = client.get("/api/openapi.json").json()["paths"]["/api/c/query/{number}"]["get"][
        "parameters"
    ]
    assert "self" not in {each["name"] for each in parameters}


# Ninja warns while the class is made, before anything of ours can read its annotations.
@pytest.mark.filterwarnings("ignore:Field:UserWarning")
class TestPostponedAnnotations:
    @pytest.mark.parametrize(
        "path",
        ["c/body", "c/async", "f/plain", "f/atomic", "f/passing", "f/return", "f/status"],
    )
    @pytest.mark.parametrize("mode", ["sync", "async"])
    def test_a_body_is_read(self, client, mode, path):
        assert post(client, mode, {"name": "a"}, f"/api/{path}").json() == ITEM
        assert post(client, mode, {}, f"/api/{path}").status_code == 422

    @pytest.mark.parametrize("path", ["c/patch", "f/patch"])
    def test_a_patch_of_a_schema_that_holds_itself_is_read(self, client, path):
        sent = {"inner": {"name": "b"}}
        answer = post(client, "sync", sent, f"/api/{path}")
        assert answer.json() == {"got": sent}
        assert post(client, "sync", {"inner": {}}, f"/api/{path}").status_code == 422

    def test_several_bodies_are_read(self, client):
        data = {"one": ITEM, "two": [ITEM], "three": 3}
        assert post(client, "sync", data, "/api/c/two").json() == {"got": ["a", "a", 3]}
        assert post(client, "sync", [ITEM], "/api/f/nested").json() == {"got": "a"}

    def test_paths_queries_and_forms_are_read(self, client):
        assert client.get("/api/c/query/7?name=b&size=2").json() == {"got": [7, "b", 2]}
        assert client.get("/api/c/query/7?size=0").status_code == 422
        assert client.post("/api/c/form", {"name": "a"}).json() == {"got": "a"}
        assert client.get("/api/f/pages?name=x").json()["items"][0]["name"] == "x"

    def test_the_response_is_given_to_the_view(self, client):
        assert client.get("/api/c/response").headers["X-Set"] == "yes"

    def test_a_paginator_with_a_filter_keeps_both(self, client):
        Author.objects.create(name="a")
        Author.objects.create(name="b")
        assert client.get("/api/c/pages?name=b").json()["count"] == 1

    def test_the_document_describes_the_bodies(self, client):
        paths = client.get("/api/openapi.json").json()["paths"]
        for path in ("/api/c/body", "/api/f/atomic"):
            content = paths[path]["post"]["requestBody"]["content"]["application/json"]
            assert content["schema"]["$ref"].endswith("Item")
        names = {p["name"] for p in paths["/api/c/query/{number}"]["get"]["parameters"]}
        assert names == {"number", "name", "size"}


@pytest.mark.parametrize("path", ["plain", "atomic", "passing", "return"])
def test_ninjas_own_router_reads_them_too(serve, path):
    api, router = MattAPI(), NinjaRouter()
    postponed.add_functions(router)
    api.add_router("/n", router)
    answer = post(serve(api), "sync", {"name": "a"}, f"/api/n/f/{path}")
    assert answer.json() == ITEM


class TestAnnotationsThatNameNothing:
    @pytest.fixture
    def broken(self, serve):
        api = MattAPI()
        with pytest.warns(UserWarning, match="returns: The return annotation 'Book'"):
            postponed.add_broken(api)
        return serve(api)

    def test_the_other_routes_and_the_document_work(self, broken):
        assert broken.get("/api/fine").json() == {"got": 1}
        assert broken.get("/api/broken/returns").json() == {"got": 1}
        paths = broken.get("/api/openapi.json").json()["paths"]
        assert sorted(paths) == ["/api/broken/returns", "/api/fine"]

    @pytest.mark.parametrize("mode", ["sync", "async"])
    @pytest.mark.parametrize("path", ["guarded", "async", "local"])
    def test_the_route_answers_500_and_the_log_names_the_cause(self, broken, caplog, mode, path):
        assert post(broken, mode, ITEM, f"/api/broken/{path}").status_code == 500
        said = "\n".join(str(record.exc_info) for record in caplog.records)
        assert "ConfigError" in said
        assert f"POST /broken/{path}" in said
        assert "'item'" in said
        assert "from __future__ import annotations" in said

    def test_the_system_check_reports_each(self, broken):
        with pytest.raises(SystemCheckError, match=r"matt\.E004") as failed:
            call_command("check", "--tag", "matt", stdout=StringIO(), stderr=StringIO())
        assert str(failed.value).count("matt.E004") == 3

    def test_an_incomplete_response_fails_alone(self, serve):
        class Unfinished(Schema):
            other: "NowhereAtAll"  # type: ignore[name-defined] # noqa: F821

        api = MattAPI()

        @api.get("/unfinished", response=Unfinished)
        def unfinished(request):
            return {}

        @api.get("/fine")
        def fine(request):
            return {"got": 1}

        client = serve(api)
        assert client.get("/api/fine").json() == {"got": 1}
        assert client.get("/api/unfinished").status_code == 500
        assert "/api/fine" in client.get("/api/openapi.json").json()["paths"]


class Named(Schema):
    name: str


def returns_response(request) -> HttpResponse:
    return HttpResponse("text")


def returns_json(request) -> JsonResponse:
    return JsonResponse({"got": 1})


def returns_pair(request) -> tuple[int, dict[str, Any]]:
    return 200, {"got": 1}


def returns_rows(request) -> "QuerySet[Book]":
    return list(Book.objects.values("title"))  # type: ignore[return-value]


def returns_one(request) -> Author | None:
    return None


def returns_list(request) -> list[Author]:
    return []


class TestReturnAnnotations:
    @pytest.mark.parametrize(
        ("view", "content"),
        [
            (returns_pair, b'{"got":1}'),
            (returns_rows, b"[]"),
            (returns_one, b"null"),
            (returns_list, b"[]"),
        ],
    )
    @pytest.mark.parametrize("on", ["api", "router"])
    @pytest.mark.filterwarnings("ignore:Returning tuple:DeprecationWarning")
    def test_one_that_is_no_schema_is_ignored_with_a_warning(self, serve, on, view, content):
        api, router = MattAPI(), Router()
        with pytest.warns(UserWarning, match=f"test_signatures.{view.__name__}: The return"):
            (api if on == "api" else router).get("/it")(view)
        api.add_router("/r", router)
        answer = serve(api).get("/api/it" if on == "api" else "/api/r/it")
        assert (answer.status_code, answer.content) == (200, content)

    @pytest.mark.parametrize(
        ("view", "content"), [(returns_response, b"text"), (returns_json, b'{"got": 1}')]
    )
    @pytest.mark.parametrize("on", ["api", "router"])
    def test_a_response_of_django_is_ignored_without_a_word(self, serve, on, view, content):
        api, router = MattAPI(), Router()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (api if on == "api" else router).get("/it")(view)
        api.add_router("/r", router)
        answer = serve(api).get("/api/it" if on == "api" else "/api/r/it")
        assert (answer.status_code, answer.content) == (200, content)

    @pytest.mark.parametrize("api_class", [NinjaExtraAPI, MattAPI])
    @pytest.mark.parametrize("hint", [Named, list[Named], dict[str, Named], Named | None])
    def test_one_that_is_a_schema_is_the_response(self, serve, api_class, hint):
        result: Any = {"name": "a", "secret": "b"}
        shown: Any = {"name": "a"}
        if hint == list[Named]:
            result, shown = [result], [shown]
        if hint == dict[str, Named]:
            result, shown = {"x": result}, {"x": shown}

        def view(request):
            return result

        view.__annotations__["return"] = hint
        api = api_class()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            api.get("/it")(view)
        client = serve(api)
        assert json.loads(client.get("/api/it").content) == shown
        documented = client.get("/api/openapi.json").json()["paths"]["/api/it"]["get"]["responses"]
        assert "Named" in json.dumps(documented["200"])

    def test_an_async_view_is_treated_alike(self, serve):
        api = MattAPI()
        with pytest.warns(UserWarning, match="not a schema"):

            @api.get("/it")
            async def it(request) -> tuple[int, str]:
                return HttpResponse("text")  # type: ignore[return-value]

        assert send(serve(api), "async", "get", "/api/it").content == b"text"
