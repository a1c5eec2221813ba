"""Searching by vectors, and by both: what is stored when, what is found, and within which filters and scope."""

import math

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from django_matt.contrib.search.errors import InvalidVector
from django_matt.contrib.search.services import Embedded, embed
from tests.contrib.search import embedders
from tests.contrib.search.shelf.models import Book, Note
from tests.contrib.search.shelf.search import BookIndex, NoteIndex

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    made = Book.objects.bulk_create(
        Book(title=title, body=body, shelf=number % 2)
        for number, (title, body) in enumerate(
            [
                ("The harbour", "ships and sailors"),
                ("A garden", "flowers and bees"),
                ("Cooking fish", "salt and fire"),
            ]
        )
    )
    BookIndex.embed()
    return made


def titles(found):
    return [each.title for each in found]


def test_the_nearest_is_the_first(books):
    found = list(BookIndex.search("flowers and bees", mode="vectors", limit=3))
    assert found[0].title == "A garden"
    assert len(found) == 3
    assert found[0].search_rank > found[1].search_rank


def test_hybrid_is_what_an_index_with_vectors_does(books):
    assert titles(BookIndex.search("ships", limit=3))[0] == "The harbour"
    assert len(BookIndex.search("ships", limit=3)) == 3
    assert len(BookIndex.search("ships", limit=3, mode="words")) == 1


def test_filters_and_scope_are_inside_of_the_search(books):
    assert titles(BookIndex.search("ships", filters={"shelf": 1})) == ["A garden"]
    scope = Book.objects.filter(title__contains="fish")
    assert titles(BookIndex.search("ships", scope=scope, mode="vectors")) == ["Cooking fish"]


def test_a_vector_of_a_client_s(books):
    vector = embedders.Hashed().embed_query("Cooking fish salt and fire")
    (first, *_) = BookIndex.nearest(vector)
    assert first.title == "Cooking fish"


def test_unchanged_texts_are_not_embedded_again(books):
    embedders.calls.clear()
    assert BookIndex.embed() == BookIndex.embed()
    assert embedders.calls == []
    Book.objects.filter(title="A garden").update(body="weeds")
    assert BookIndex.embed().written == 1
    assert embedders.calls == [1]


def test_uuid_keys_have_vectors():
    notes = Note.objects.bulk_create([Note(text="milk and bread"), Note(text="call the plumber")])
    assert embed(NoteIndex, batch=1).written == 2
    assert next(iter(NoteIndex.search("plumber", mode="vectors"))) == notes[1]


def test_vectors_of_deleted_objects_are_gone(books):
    Book.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shelf_book_search_vectors")
        assert cursor.fetchone() == (0,)


def test_objects_without_a_text_have_no_vector():
    books = [Book.objects.create(title=title) for title in ("sea", "", "...", "ship")]
    assert BookIndex.embed() == Embedded(written=2, unchanged=0, empty=2)
    assert len(BookIndex.search("sea", mode="vectors")) == 2
    Book.objects.filter(pk=books[0].pk).update(title="")
    Book.objects.filter(pk=books[3].pk).update(title="!")
    assert BookIndex.embed() == Embedded(written=0, unchanged=0, empty=4)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shelf_book_search_vectors")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("made", "error"),
    [
        ([], ImproperlyConfigured),
        ([[1.0] * 31], InvalidVector),
        ([[math.nan] * 32], InvalidVector),
        ([[0.0] * 31], InvalidVector),
    ],
)
def test_an_embedder_that_returns_no_vectors_is_refused(monkeypatch, made, error):
    Book.objects.create(title="sea")
    monkeypatch.setattr(embedders.Hashed, "embed", lambda self, texts: made)
    with pytest.raises(error):
        BookIndex.embed()


def test_arrays_of_numpy_are_vectors(monkeypatch):
    numpy = pytest.importorskip("numpy")
    Book.objects.create(title="sea")
    array = numpy.ones((1, 32), dtype="float32")
    monkeypatch.setattr(embedders.Hashed, "embed", lambda self, texts: array)
    assert BookIndex.embed().written == 1
    assert BookIndex.nearest(array[0]).get().search_rank == pytest.approx(1)


@pytest.mark.parametrize("mode", ["words", "vectors", "hybrid"])
def test_excluded_words_are_excluded_in_every_mode(books, mode):
    assert "The harbour" not in titles(BookIndex.search("ships fish -sailor", mode=mode))
    assert titles(BookIndex.search('fish ships garden -sailors -"salt and fire"', mode=mode)) == [
        "A garden"
    ]
    assert "The harbour" in titles(BookIndex.search("ships -½ -² -nothing", mode=mode))
    assert titles(BookIndex.search("-ships", mode=mode)) == []


@pytest.mark.parametrize("made", [None, [], [0.0] * 32, [float("nan")] * 32, [1.0], ["a"] * 32])
def test_words_are_searched_if_the_embedder_makes_no_vector_of_the_question(
    books, made, monkeypatch
):
    monkeypatch.setattr(embedders.Hashed, "embed_query", lambda self, text: made)
    assert titles(BookIndex.search("ships")) == ["The harbour"]
    with pytest.raises(InvalidVector):
        BookIndex.search("ships", mode="hybrid")
