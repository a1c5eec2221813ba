"""Suggestions while somebody types, over HTTP."""

import pytest

from tests.contrib.search.conftest import getter, new_api
from tests.contrib.search.shelf.models import Book
from tests.contrib.search.shelf.search import BookIndex

pytestmark = pytest.mark.django_db


@pytest.fixture
def books():
    Book.objects.bulk_create(
        [
            Book(title="The universities of the north"),
            Book(title="A universal garden", shelf=1),
            Book(title="Gardening"),
            Book(title="Café society"),
        ]
    )


def titles(text, **options):
    return sorted(each.title for each in BookIndex.suggest(text, **options))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("g", ["A universal garden", "Gardening"]),
        ("gard", ["A universal garden", "Gardening"]),
        ("universities", ["The universities of the north"]),
        ("universitie", ["The universities of the north"]),
        ("gardeni", ["Gardening"]),
        ("univers", ["A universal garden", "The universities of the north"]),
        ("universitiesx", []),
        ("universal gar", ["A universal garden"]),
        ("the nor", ["The universities of the north"]),
        ("garden nothing", []),
        ("", []),
        ('"', []),
        ("*", []),
        ("gard:*", ["A universal garden", "Gardening"]),
        ("caf", ["Café society"]),
    ],
)
@pytest.mark.sampled(15)
def test_the_last_word_may_be_unfinished(books, text, found):
    assert titles(text) == found


def test_suggestions_obey_scope_filters_and_limit(books):
    assert titles("g", scope=Book.objects.filter(shelf=0)) == ["Gardening"]
    assert titles("g", filters={"shelf": 1}) == ["A universal garden"]
    assert len(titles("g", limit=1)) == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_route_of_suggestions(books, serve, kind):
    api = new_api()
    if kind == "sync":

        @api.get("/suggest")
        def suggest(request, q: str):
            return [each.title for each in BookIndex.suggest(q)]
    else:

        @api.get("/suggest")
        async def suggest(request, q: str):
            return [each.title async for each in await BookIndex.asuggest(q)]

    answer = getter(serve(api), kind)("/api/suggest", {"q": "gardeni"})
    assert (answer.status_code, answer.json()) == (200, ["Gardening"])
