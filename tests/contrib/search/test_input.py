"""Bad input: a 4xx that says what is wrong, or nothing found; never a 5xx, and never the syntax of a database."""

import json
import math
from typing import Any

import pytest
from ninja import Query

from django_matt import ModelSchema
from django_matt.contrib.search.errors import InvalidVector, UnknownFilter
from django_matt.contrib.search.schemas import SearchQuery
from django_matt.contrib.search.vectors import Embedding, normalise
from tests.contrib.search.conftest import getter, new_api
from tests.contrib.search.embedders import Hashed
from tests.contrib.search.shelf.models import Book, Draft, Section
from tests.contrib.search.shelf.search import BookIndex, DraftIndex, SectionIndex

pytestmark = pytest.mark.django_db


class BookOut(ModelSchema):
    search_rank: float
    search_snippet: str

    class Meta:
        model = Book
        fields = ["id", "title"]


class BookQuery(SearchQuery):
    shelf: str | None = None
    title: str | None = None


@pytest.fixture(params=["sync", "async"])
def get(request: Any, serve: Any) -> Any:
    api = new_api()
    if request.param == "sync":

        @api.get("/books", response=list[BookOut])
        def search(request, query: Query[BookQuery]):
            return BookIndex.search(query)

        @api.get("/sections")
        def search_sections(request, query: Query[SearchQuery]):
            return [each.place for each in SectionIndex.search(query)]

        @api.get("/drafts")
        def search_drafts(request, query: Query[SearchQuery]):
            return [each.title for each in DraftIndex.search(query)]

    else:

        @api.get("/books", response=list[BookOut])
        async def search(request, query: Query[BookQuery]):
            return await BookIndex.asearch(query)

        @api.get("/sections")
        async def search_sections(request, query: Query[SearchQuery]):
            return [each.place async for each in await SectionIndex.asearch(query)]

        @api.get("/drafts")
        async def search_drafts(request, query: Query[SearchQuery]):
            return [each.title async for each in await DraftIndex.asearch(query)]

    return getter(serve(api), request.param)


@pytest.fixture
def book() -> Book:
    made: Book = Book.objects.create(
        title="The \U0001f41f harbour", body="It is 100 % \"quoted\" & 'so' on"
    )
    BookIndex.embed()
    return made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "the of and",
        "\U0001f41f",
        "*",
        '"',
        '""',
        "-",
        "--",
        '-"',
        "'",
        "%s %(a)s %%",
        "()",
        ":*",
        "NEAR(",
        "title:",
        "^",
        "OR",
        "\\",
        "\u202e\ufeff",
    ],
)
@pytest.mark.sampled(20)
def test_a_question_without_words_finds_nothing(get, book, text):
    answer = get("/api/books", {"q": text, "mode": "words"})
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    "text",
    [
        "harbour \U0001f41f",
        '"harbour',
        'harbour"',
        "harbour OR",
        "harbour AND NOT",
        "harbour & | !",
        "harbour <-> (",
        "harbour:*",
        "{title} : harbour",
        "harbour NEAR(x y)",
        "title:harbour harbour",
        "harbour'; DROP TABLE shelf_book; --",
        "100 % harbour",
        "--nothing harbour",
        "harbour -",
    ],
)
@pytest.mark.sampled(15)
def test_operators_are_words(get, book, text):
    answer = get("/api/books", {"q": text, "mode": "words"})
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()] == [book.pk]


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"q": "a" * 1_001}, "q"),
        ({"q": "harbour " * 1_250_000}, "q"),
        ({"q": "x", "limit": "1000000000"}, "limit"),
        ({"q": "x", "limit": "0"}, "limit"),
        ({"q": "x", "limit": "many"}, "limit"),
        ({"q": "x", "mode": "magic"}, "mode"),
    ],
)
def test_parameters_that_are_refused(get, book, params, place):
    answer = get("/api/books", params)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == place


def test_the_character_nul_is_refused(get, book):
    assert get("/api/books", {"q": "har\0bour"}).status_code == 400
    assert list(BookIndex.search("har\0bour harbour", mode="words")) == [book]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"q": "x", "title": "harbour"}, "unknown_filter"),
        ({"q": "x", "shelf": "high"}, "unknown_filter"),
        ({"q": "x", "shelf": "1" * 30}, "unknown_filter"),
    ],
)
def test_filters_that_are_refused(get, book, params, code):
    answer = get("/api/books", params, headers={"Accept": "application/problem+json"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_mode_that_the_index_does_not_have(get):
    answer = get(
        "/api/sections",
        {"q": "x", "mode": "vectors"},
        headers={"Accept": "application/problem+json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "mode_unavailable")


def test_an_index_that_no_migration_has_created(get):
    Draft.objects.create(title="Harbour")
    answer = get("/api/drafts", {"q": "x"}, headers={"Accept": "application/problem+json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "index_not_built")
    assert answer.json()["command"] == "manage.py migrate"
    assert answer.headers["Retry-After"]


def test_vectors_that_nothing_has_embedded(get):
    Book.objects.create(title="Harbour")
    answer = get(
        "/api/books",
        {"q": "harbour", "mode": "hybrid"},
        headers={"Accept": "application/problem+json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "index_not_built")
    assert answer.json()["command"] == "manage.py matt_search rebuild shelf.Book"
    # Without a mode, words are searched until there are vectors.
    assert [each["title"] for each in get("/api/books", {"q": "harbour"}).json()] == ["Harbour"]


@pytest.mark.parametrize("text", ["!!!", "\U0001f41f"])
def test_a_question_without_a_direction(get, book, text):
    answer = get(
        "/api/books", {"q": text, "mode": "vectors"}, headers={"Accept": "application/problem+json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_vector")


def test_an_embedder_that_fails(get, book, monkeypatch):
    def fail(*_: Any) -> Any:
        raise RuntimeError("no memory left")

    monkeypatch.setattr(Hashed, "embed_query", fail)
    answer = get(
        "/api/books", {"q": "x", "mode": "hybrid"}, headers={"Accept": "application/problem+json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "embedder_failed")
    assert "memory" not in answer.content.decode()
    # Without a mode, words are searched.
    assert [each["id"] for each in get("/api/books", {"q": "harbour"}).json()] == [book.pk]


def test_an_embedder_that_cannot_be_loaded(get, book, monkeypatch):
    def load() -> Any:
        raise FileNotFoundError("/secret/model.onnx")

    monkeypatch.setattr(BookIndex, "vectors", Embedding(load, dimensions=32))
    answer = get(
        "/api/books", {"q": "x", "mode": "vectors"}, headers={"Accept": "application/problem+json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "embedder_failed")
    assert "secret" not in answer.content.decode()
    assert [each["id"] for each in get("/api/books", {"q": "harbour"}).json()] == [book.pk]


@pytest.mark.parametrize(
    "numbers",
    [
        [0.0] * 32,
        [1.0] * 31,
        [1.0] * 33,
        [],
        [math.nan] * 32,
        [math.inf] + [1.0] * 31,
        [1e308] * 32,
        ["a"] * 32,
        [None] * 32,
        json.loads("[1e999" + ", 1" * 31 + "]"),
    ],
)
@pytest.mark.sampled(10)
def test_vectors_that_are_refused(numbers):
    with pytest.raises(InvalidVector) as refused:
        normalise(numbers, 32)
    assert refused.value.status_code == 422


def test_a_phrase_of_thousands_of_words(book):
    assert not BookIndex.search(f'"{"harbour " * 1_200}"', mode="words")


def test_a_question_of_a_thousand_different_words(book):
    text = " ".join(map(str, range(1_000)))
    assert list(BookIndex.search(f"harbour {text}", mode="words")) == [book]


def test_a_text_of_ten_megabytes_finds_by_its_first_words(book):
    assert list(BookIndex.search("harbour " * 1_250_000, mode="words")) == [book]


def test_a_body_of_two_megabytes_of_different_words_can_be_saved():
    book = Book.objects.create(title="Long", body=" ".join(map(str, range(300_000))))
    assert list(BookIndex.search("1234", mode="words")) == [book]


def test_a_limit_of_a_caller_is_at_most_a_hundred(book):
    Book.objects.bulk_create([Book(title="Harbour") for _ in range(120)])
    assert len(BookIndex.search("harbour", limit=10**9, mode="words")) == 100


def test_filters_of_a_caller_are_checked(book):
    for filters in ({"pages": 1}, {"language": "a\0b"}, {"shelf": "x"}, {"shelf": [1, "x"]}):
        with pytest.raises(UnknownFilter):
            BookIndex.search("harbour", filters=filters)


@pytest.mark.parametrize(
    "scope",
    [
        Section.objects.all,
        lambda: Book.objects.all()[:1],
        lambda: Book.objects.distinct("title"),
        lambda: [1],
    ],
)
def test_a_scope_that_is_no_queryset_of_the_model(scope):
    with pytest.raises(TypeError, match="scope"):
        BookIndex.search("x", scope=scope())


class Small(Hashed):
    dimensions = 8


@pytest.mark.parametrize(
    ("embedder", "message"),
    [
        ("tests.contrib.search.embedders.Nothing", "cannot be imported"),
        ("tests.contrib.search.embedders.calls", "has no name"),
        (Small, "8 dimensions"),
    ],
)
def test_embedders_that_are_refused(embedder, message):
    with pytest.raises(Exception, match=message):
        Embedding(embedder, dimensions=32).load()
