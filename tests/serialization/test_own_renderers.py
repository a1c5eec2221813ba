"""A renderer, or a ``create_response``, of the project's own: it gets Ninja's data, and the queries are planned."""

import itertools
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from ninja import Schema
from ninja.pagination import paginate
from ninja.renderers import BaseRenderer
from ninja.responses import Status
from ninja_extra import NinjaExtraAPI

from django_matt import MattAPI
from tests.project.models import Author, Book, Everything, Tag

namespaces = (f"own{number}" for number in itertools.count())


class TagOut(Schema):
    name: str


class Named(Schema):
    name: str


class Shelf(Schema):
    title: str
    author: Named
    tags: list[TagOut]


class Moments(Schema):
    moment: Any
    decimal: Any
    uuid: Any
    colour: str


class ORJSONRenderer(BaseRenderer):
    """Writes what it gets, in its own words for datetimes and decimals."""

    media_type = "application/json"

    def render(self, request, data, *, response_status):
        return orjson.dumps({"status": response_status, "data": data}, default=repr)


def logged(cls):
    """A class of APIs whose ``create_response`` looks at the data."""

    class Logged(cls):  # type: ignore[valid-type, misc]
        def create_response(self, request, data, *, status=None, temporal_response=None):
            made = super().create_response(
                request, data, status=status, temporal_response=temporal_response
            )
            made["X-Data"] = repr(type(data).__name__)
            made["X-Status"] = str(temporal_response.status_code)
            return made

    return Logged


@pytest.fixture
def library(db):
    tags = [Tag.objects.create(name=f"t{index}") for index in range(2)]
    for number in range(5):
        author = Author.objects.create(name=f"A{number}")
        Book.objects.create(title=f"B{number}", author=author).tags.set(tags)
    Everything.objects.create()


@pytest.fixture(params=["renderer", "create_response"])
def ask(request, serve):
    """Return what calls a view on our API and on Ninja Extra's, both with the project's own code."""

    def call(response, view, url="", is_async=False, paginated=False):
        answers = []
        for cls in (MattAPI, NinjaExtraAPI):
            own = cls if request.param == "renderer" else logged(cls)
            options: dict[str, Any] = {}
            if request.param == "renderer":
                options["renderer"] = ORJSONRenderer()
            api = own(urls_namespace=next(namespaces), **options)
            if is_async:

                async def answer(request):
                    return view(request)

            else:

                def answer(request):
                    return view(request)

            made: Any = paginate(view) if paginated else answer
            api.get("/it", response=response)(made)
            client = serve(api)
            with CaptureQueriesContext(connection) as queries:
                got = client.get("/api/it" + url)
            headers = {name: got.headers.get(name) for name in ("X-Data", "X-Status")}
            answers.append((got.status_code, got.json(), headers, len(queries)))
        ours, theirs = answers
        assert ours[:3] == theirs[:3]
        return ours[1], ours[3], theirs[3]

    return call


def books(request, **kwargs):
    return Book.objects.order_by("id")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_list_has_no_query_per_row(library, ask, is_async):
    _, ours, theirs = ask(list[Shelf], books, is_async=is_async)
    assert (ours, theirs) == (2, 11)


def test_a_page_has_no_query_per_row(library, ask):
    _, ours, theirs = ask(list[Shelf], books, "?limit=4", paginated=True)
    assert (ours, theirs) == (3, 10)


def test_a_dictionary_of_querysets_has_no_query_per_row(library, ask):
    class Both(Schema):
        books: list[Shelf]
        first: Shelf

    _, ours, theirs = ask(Both, lambda request: {"books": books(request), "first": books(0)[0]})
    assert ours < theirs


@pytest.mark.parametrize(
    ("response", "result"),
    [
        (Moments, lambda request: Everything.objects.get()),
        (list[Moments], lambda request: Everything.objects.all()),
        ({200: Named, 404: Named}, lambda request: Status(404, {"name": "gone"})),
        ({200: Named, 404: Named}, lambda request: (404, {"name": "gone"})),
        (Named, lambda request: Named(name="made")),
        (Any, lambda request: {"name": "a"}),
    ],
)
@pytest.mark.filterwarnings("ignore:Returning tuple:DeprecationWarning")
def test_it_gets_the_data_that_it_gets_from_ninja(library, ask, response, result):
    ask(response, result)


class Instances(BaseRenderer):
    """Reads model instances itself."""

    media_type = "application/json"

    def render(self, request, data, *, response_status):
        return orjson.dumps([f"{book.title}: {book.price}" for book in data])


def test_a_renderer_that_reads_instances_itself_gets_whole_ones(library, serve):
    api = MattAPI(renderer=Instances(), urls_namespace=next(namespaces))
    api.get("/it", response=list[Any])(books)
    client = serve(api)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/api/it").json()[0] == "B0: 1.00"
    assert len(queries) == 1


def test_a_view_without_a_schema_hands_over_what_it_returns(serve):
    api = MattAPI(renderer=ORJSONRenderer(), urls_namespace=next(namespaces))
    api.get("/it")(lambda request: {"a": [1]})
    assert serve(api).get("/api/it").json() == {"status": 200, "data": {"a": [1]}}


def test_the_header_of_debug_names_what_takes_the_fast_tiers(library, serve, settings):
    settings.DEBUG = True
    api = MattAPI(renderer=ORJSONRenderer(), urls_namespace=next(namespaces))
    api.get("/it", response=list[Shelf])(books)
    assert (
        serve(api).get("/api/it").headers["X-Matt-Tier"]
        == "pydantic; ORJSONRenderer, the renderer of the API, writes the responses"
    )
