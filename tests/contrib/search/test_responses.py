"""A result is a queryset like any other: nested schemas, pages, and the rows tier stay, in sync and async routes."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from ninja import Query
from ninja.pagination import LimitOffsetPagination, paginate
from ninja_extra.pagination import PageNumberPaginationExtra, PaginatedResponseSchema
from ninja_extra.pagination import paginate as paginate_extra

from django_matt import ModelSchema
from django_matt.contrib.search.schemas import SearchQuery
from tests.contrib.search.conftest import getter, new_api
from tests.contrib.search.shelf.models import Book, Reader
from tests.contrib.search.shelf.search import BookIndex

pytestmark = pytest.mark.django_db


class ReaderOut(ModelSchema):
    class Meta:
        model = Reader
        fields = ["name"]


class BookOut(ModelSchema):
    owner: ReaderOut
    search_rank: float
    search_snippet: str

    class Meta:
        model = Book
        fields = ["id", "title"]


@pytest.fixture
def books() -> None:
    owner = Reader.objects.create(name="Ann")
    Book.objects.bulk_create(
        Book(title=f"Harbour {'sea ' * number}", owner=owner) for number in range(15)
    )
    BookIndex.embed()


@pytest.fixture(params=["sync", "async"])
def get(request: Any, serve: Any, settings: Any) -> Any:
    settings.DEBUG = True
    api = new_api()
    if request.param == "sync":

        @api.get("/list", response=list[BookOut])
        def listed(request, query: Query[SearchQuery]):
            return BookIndex.search(query)

        @api.get("/pages", response=list[BookOut])
        @paginate(LimitOffsetPagination)
        def paged(request, q: str):
            return BookIndex.search(q, limit=12)

        @api.get("/numbered", response=PaginatedResponseSchema[BookOut])
        @paginate_extra(PageNumberPaginationExtra, page_size=5)
        def numbered(request, q: str):
            return BookIndex.search(q, limit=12)

    else:

        @api.get("/list", response=list[BookOut])
        async def listed(request, query: Query[SearchQuery]):
            return await BookIndex.asearch(query)

        @api.get("/pages", response=list[BookOut])
        @paginate(LimitOffsetPagination)
        async def paged(request, q: str):
            return await BookIndex.asearch(q, limit=12)

        @api.get("/numbered", response=PaginatedResponseSchema[BookOut])
        @paginate_extra(PageNumberPaginationExtra, page_size=5)
        async def numbered(request, q: str):
            return await BookIndex.asearch(q, limit=12)

    return getter(serve(api), request.param)


@pytest.mark.parametrize("mode", ["words", "vectors", "hybrid"])
def test_a_list_with_nested_objects_comes_from_rows(get, books, mode):
    answer = get("/api/list", {"q": "harbour", "mode": mode, "limit": 10})
    assert answer.headers["X-Matt-Tier"] == "rows"
    found = answer.json()
    assert len(found) == 10
    assert {each["owner"]["name"] for each in found} == {"Ann"}
    assert [each["search_rank"] for each in found] == sorted(
        (each["search_rank"] for each in found), reverse=True
    )
    ranked = BookIndex.search("harbour", mode=mode, limit=10)
    assert [each["id"] for each in found] == [each.pk for each in ranked]


@pytest.mark.parametrize(
    ("path", "second", "items", "count"),
    [
        ("/api/pages?q=harbour&limit=5", "&offset=5", "items", "count"),
        ("/api/numbered?q=harbour", "&page=2", "results", "count"),
    ],
)
def test_pages(get, books, path, second, items, count):
    pages = [get(path), get(path + second)]
    assert {each.headers["X-Matt-Tier"] for each in pages} == {"rows"}
    assert pages[0].json()[count] == 12
    keys = [each["id"] for page in pages for each in page.json()[items]]
    assert keys == [each.pk for each in BookIndex.search("harbour", limit=10)]


def test_the_number_of_queries_does_not_grow_with_the_result(books):
    counts = set()
    for limit in (1, 15):
        with CaptureQueriesContext(connection) as asked:
            found = BookIndex.search("harbour", mode="words", limit=limit).select_related("owner")
            assert {each.owner.name for each in found} == {"Ann"}
        counts.add(len(asked))
    assert counts == {2}


def test_a_scope_with_joins_annotations_and_distinct(books):
    scope = Reader.objects.get().book_set.select_related("owner").distinct().order_by("title")
    found = list(BookIndex.search("harbour", scope=scope, limit=3))
    assert len({each.pk for each in found}) == 3
    with CaptureQueriesContext(connection) as asked:
        assert found[0].owner.name == "Ann"
    assert len(asked) == 0
