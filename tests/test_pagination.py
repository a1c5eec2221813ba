"""``@paginate`` over a list: the response is a page of the schema in the document, whoever's decorator it is."""

import json
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ninja.pagination import CursorPagination, LimitOffsetPagination, PageNumberPagination
from ninja.pagination import paginate as ninja_paginate
from ninja_extra import NinjaExtraAPI
from ninja_extra.pagination import PageNumberPaginationExtra
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field

from django_matt import (
    MattAPI,
    ModelSchema,
    NinjaPaginationResponseSchema,
    PaginatedResponseSchema,
    Schema,
    api_controller,
    http_get,
    paginate,
)
from tests.errors.test_debugging import BROWSER

pytestmark = pytest.mark.django_db(transaction=True)


class PagedGroupOut(ModelSchema):
    class Meta:
        model = Group
        fields = ["name"]


class Message(Schema):
    message: str


PAGINATORS = [
    (None, {}, "items"),
    (LimitOffsetPagination, {}, "items"),
    (PageNumberPagination, {"page_size": 100}, "items"),
    (PageNumberPaginationExtra, {"page_size": 100}, "results"),
    (CursorPagination, {"ordering": ("name",)}, "results"),
]


@pytest.fixture(params=["function", "controller"])
def make(request, serve):
    """Return ``make(response, decorator, is_async)``: a served route that returns three groups, and its view."""

    def mount(response: Any, decorator: Any, *, is_async: bool, source: Any = None) -> Any:
        def groups() -> Any:
            return Group.objects.order_by("name") if source is None else source

        api = MattAPI()
        if request.param == "function":
            if is_async:

                async def view(request):
                    return groups()
            else:

                def view(request):
                    return groups()

            api.get("/groups", response=response)(decorator(view))
        else:
            if is_async:

                async def method(self):
                    return groups()
            else:

                def method(self):
                    return groups()

            body = {"method": http_get("", response=response)(decorator(method))}
            api.register_controllers(api_controller("/groups")(type("GroupController", (), body)))
        client: Any = serve(api)

        def get(url: str = "/api/groups", **headers: str) -> Any:
            call = async_to_sync(client.async_client.get) if is_async else client.get
            return call(url, headers=headers)

        return SimpleNamespace(api=api, get=get)

    Group.objects.bulk_create(Group(name=name) for name in "abc")
    return mount


def document_of(api: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the document, and the schema of the route's 200."""
    document = json.loads(json.dumps(api.get_openapi_schema()))
    OpenAPIV31SpecValidator(document).validate()
    (path,) = (each for each in document["paths"] if "groups" in each)
    return document, document["paths"][path]["get"]["responses"]["200"]["content"][
        "application/json"
    ]["schema"]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("paginator", "options", "items"), PAGINATORS)
def test_a_list_is_the_page_that_the_document_describes(
    make, settings, is_async, paginator, options, items
):
    settings.DEBUG = True
    decorator = paginate if paginator is None else paginate(paginator, **options)
    served = make(list[PagedGroupOut], decorator, is_async=is_async)
    answer = served.get()
    assert answer.status_code == 200, answer.content
    assert answer.json()[items] == [{"name": name} for name in "abc"]
    document, schema = document_of(served.api)
    assert schema["$ref"].endswith("/PagedPagedGroupOut")
    Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())
    expected = "instances" if paginator is CursorPagination else "rows"
    assert answer["X-Matt-Tier"].split(";")[0] == expected


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("paginator", "options", "items"), PAGINATORS[:-2] + PAGINATORS[-1:])
def test_ninja_s_own_decorator_gives_the_same(serve, settings, is_async, paginator, options, items):
    Group.objects.bulk_create(Group(name=name) for name in "abc")
    theirs = ninja_paginate if paginator is None else ninja_paginate(paginator, **options)
    ours = paginate if paginator is None else paginate(paginator, **options)
    answers, schemas = [], []
    for decorator in (theirs, ours):
        api = MattAPI()
        if is_async:

            async def view(request):
                return Group.objects.order_by("name")
        else:

            def view(request):
                return Group.objects.order_by("name")

        api.get("/groups", response=list[PagedGroupOut])(decorator(view))
        answers.append(serve(api).get("/api/groups").json())
        document, schema = document_of(api)
        schemas.append(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    assert answers[0] == answers[1]
    assert schemas[0] == schemas[1]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("item", "source"),
    [
        (int, [1, 2, 3]),
        (int | str, [1, "a"]),
        (dict, [{"a": 1}]),
        (Annotated[int, Field(gt=0)], [1]),
        (list[int], [[1], [2]]),
    ],
)
def test_a_page_may_be_of_anything(make, item, source, is_async):
    served = make(list[item], paginate, is_async=is_async, source=source)  # type: ignore[valid-type]
    answer = served.get()
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"items": source, "count": len(source)}
    _, schema = document_of(served.api)
    assert schema["$ref"].rpartition("/")[2].isidentifier()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("page", "paginator", "component"),
    [
        (NinjaPaginationResponseSchema, LimitOffsetPagination, "NinjaPaginationResponseSchema_"),
        (PaginatedResponseSchema, PageNumberPaginationExtra, "PaginatedResponseSchema_"),
    ],
)
def test_an_explicit_page_stays_as_it_is(make, page, paginator, component, is_async):
    served = make(page[PagedGroupOut], paginate(paginator), is_async=is_async)
    assert served.get().json()["count"] == 3
    assert component in document_of(served.api)[1]["$ref"]


def test_another_status_may_have_a_schema_of_its_own(make):
    served = make({200: list[PagedGroupOut], 404: Message}, paginate, is_async=False)
    assert served.get().json()["count"] == 3
    document = document_of(served.api)[0]
    assert "Message" in document["components"]["schemas"]


@pytest.mark.parametrize("errors_first", [False, True])
def test_a_list_of_errors_is_no_page(make, errors_first):
    responses: Any = {200: list[PagedGroupOut], 409: list[Message]}
    if errors_first:
        responses = dict(reversed(responses.items()))
    served = make(responses, paginate, is_async=False)
    assert served.get().json()["count"] == 3
    document, schema = document_of(served.api)
    assert schema["$ref"].endswith("/PagedPagedGroupOut")
    (methods,) = (item for path, item in document["paths"].items() if "groups" in path)
    conflict = methods["get"]["responses"]["409"]["content"]["application/json"]["schema"]
    assert conflict["type"] == "array"


def test_routes_with_the_same_pages_share_one_component(serve):
    api = MattAPI()
    for name in ("groups", "more"):

        def view(request):
            return Group.objects.all()

        view.__name__ = name
        api.get(f"/{name}", response=list[PagedGroupOut])(paginate(view))
    serve(api)
    schemas = document_of(api)[0]["components"]["schemas"]
    assert sorted(name for name in schemas if "Group" in name) == [
        "PagedGroupOut",
        "PagedPagedGroupOut",
    ]


class Plain(LimitOffsetPagination):
    """Returns a list, as a project may that sends the count in a header."""

    def paginate_queryset(self, queryset, pagination, request, **params):
        return list(queryset[: pagination.limit])

    async def apaginate_queryset(self, queryset, pagination, request, **params):
        return [each async for each in queryset[: pagination.limit]]


class Declared(Plain):
    """Says what its pages look like."""

    class Output(Schema):
        rows: list[Any]

    items_attribute = "rows"

    def paginate_queryset(self, queryset, pagination, request, **params):
        return {"rows": super().paginate_queryset(queryset, pagination, request)}


class Named(PageNumberPaginationExtra):
    """Has another key for its rows."""

    def get_paginated_response(self, *, base_url: str, page: Any) -> Any:
        return {"found": list(page)}

    @classmethod
    def get_response_schema(cls, response_schema: Any) -> Any:
        annotations = {"found": list[response_schema]}
        return type("FoundGroups", (Schema,), {"__annotations__": annotations})


class Derived(LimitOffsetPagination):
    """Changes nothing of the page."""


@pytest.mark.parametrize(
    ("paginator", "expected"),
    [
        (Plain, [{"name": "a"}, {"name": "b"}, {"name": "c"}]),
        (Declared, {"rows": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}),
        (Named, {"found": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}),
        (Derived, {"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "count": 3}),
    ],
)
def test_a_paginator_of_the_project_s_own(make, paginator, expected):
    assert make(list[PagedGroupOut], paginate(paginator), is_async=False).get().json() == expected


def test_a_paginator_that_returns_lists_works_as_on_ninja_extra(serve):
    Group.objects.bulk_create(Group(name=name) for name in "abc")
    answers = []
    for api in (NinjaExtraAPI(), MattAPI()):

        @api.get("/groups", response=list[PagedGroupOut])
        @paginate(Plain)
        def groups(request):
            return Group.objects.order_by("name")

        answers.append(serve(api).get("/api/groups").json())
    assert answers[0] == answers[1]


class Undeclared(LimitOffsetPagination):
    def paginate_queryset(self, queryset, pagination, request, **params):
        return {"rows": list(queryset), "total": 3}


@pytest.mark.parametrize(
    ("response", "paginator", "words"),
    [
        (list[PagedGroupOut], Undeclared, "as its class attribute Output"),
        (
            NinjaPaginationResponseSchema[PagedGroupOut],
            PageNumberPaginationExtra,
            "@paginate(PageNumberPaginationExtra) returns a page",
        ),
        (PagedGroupOut, LimitOffsetPagination, "Declare a list of the items: response=list[Item]"),
    ],
)
def test_a_wrong_page_schema_has_a_hint_that_names_pagination_and_the_view(
    make, settings, response, paginator, words
):
    settings.DEBUG = True
    served = make(response, paginate(paginator), is_async=False)
    problem = served.get().json()
    assert words in problem["hint"]
    (yours,) = [frame for frame in problem["traceback"]["frames"] if frame["yours"]][-1:]
    assert yours["file"] == __file__
    page = served.get(Accept=BROWSER).content.decode()
    assert "test_pagination.py" in page


def test_ninja_s_decorator_with_a_paginator_of_ninja_extra_names_the_right_one(serve, settings):
    settings.DEBUG = True
    api = MattAPI()

    @api.get("/groups", response=list[PagedGroupOut])
    @ninja_paginate(PageNumberPaginationExtra)
    def groups(request):
        return Group.objects.order_by("name")

    hint = serve(api).get("/api/groups").json()["hint"]
    assert hint.startswith("Import paginate from django_matt:")
