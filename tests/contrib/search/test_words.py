"""Searching by words: what is found, in which order, with which snippet, and how a queryset of it is answered."""

import re

import pytest
from ninja import Query
from pydantic import Field

from django_matt import ModelSchema
from django_matt.contrib.search.schemas import SearchQuery
from tests.contrib.search.conftest import getter, new_api
from tests.contrib.search.shelf.models import Book, Note
from tests.contrib.search.shelf.search import BookIndex, NoteIndex

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    return Book.objects.bulk_create(
        [
            Book(title="The harbour", body="Ships & sailors of the north <3"),
            Book(title="A garden", body="Harbours are rare in gardens.", shelf=1),
            Book(title="Cooking fish", body="From the sea to the table.", language="german"),
        ]
    )


def titles(found):
    return [each.title for each in found]


def test_words_are_found_by_their_stems_the_title_first(books):
    assert titles(BookIndex.search("harbour", mode="words")) == ["The harbour", "A garden"]


def test_any_of_the_words_is_enough(books):
    assert set(titles(BookIndex.search("harbour fish"))) == {
        "The harbour",
        "A garden",
        "Cooking fish",
    }


def test_phrases_and_excluded_words(books):
    assert titles(BookIndex.search('"gardens rare"')) == []
    assert titles(BookIndex.search('"sailors of the north"')) == ["The harbour"]
    assert titles(BookIndex.search("harbour -garden")) == ["The harbour"]
    assert titles(BookIndex.search("-garden")) == []


def test_the_snippet_is_html_in_which_the_texts_are_escaped(books):
    (found,) = BookIndex.search("sailors")
    assert "&amp; <mark>sailors</mark>" in found.search_snippet


def test_a_model_whose_key_is_a_uuid():
    note = Note.objects.create(text="Remember the milk")
    (found,) = NoteIndex.search("milk")
    assert found == note


def test_filters(books):
    assert titles(BookIndex.search("harbour", filters={"shelf": 1})) == ["A garden"]
    assert titles(BookIndex.search("harbour", filters={"shelf": [0, 1]})) == [
        "The harbour",
        "A garden",
    ]
    assert titles(BookIndex.search("harbour", filters={"shelf": []})) == []
    assert titles(BookIndex.search("fish", filters={"owner": None})) == ["Cooking fish"]
    assert titles(BookIndex.search("fish", filters={"owner": 5, "language": "german"})) == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_route_answers_from_rows(books, serve, kind, settings):
    settings.DEBUG = True

    class BookOut(ModelSchema):
        rank: float = Field(alias="search_rank")
        search_snippet: str

        class Meta:
            model = Book
            fields = ["id", "title"]

    api = new_api()
    if kind == "sync":

        @api.get("/search", response=list[BookOut])
        def search(request, q: Query[SearchQuery]):
            return BookIndex.search(q, scope=Book.objects.filter(pages__gte=50))
    else:

        @api.get("/search", response=list[BookOut])
        async def search(request, q: Query[SearchQuery]):
            return await BookIndex.asearch(q, scope=Book.objects.filter(pages__gte=50))

    get = getter(serve(api), kind)
    answer = get("/api/search?q=harbour")
    assert answer.status_code == 200, answer.content
    assert [each["title"] for each in answer.json()] == ["The harbour", "A garden"]
    assert answer.headers["X-Matt-Tier"].split(";")[0] == "rows"


def test_a_text_with_the_signs_of_a_snippet_leaves_no_mark_open():
    Book.objects.create(title="a \x03\x02 harbour \x02\x02b\x03 <i> \x02")
    (found,) = BookIndex.search("harbour", mode="words")
    snippet = found.search_snippet
    assert "<mark>harbour</mark>" in snippet
    assert re.sub("<mark>[^<]*</mark>", "", snippet).count("mark>") == 0
    assert not set(snippet) & {"\x02", "\x03"}
