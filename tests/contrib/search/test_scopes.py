"""No row outside of the scope or the filters is ever found, and as many as asked for are, if they match."""

import random

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import Query

from django_matt import ModelSchema
from django_matt.contrib.search.schemas import SearchQuery
from tests.contrib.search.conftest import getter, new_api
from tests.contrib.search.shelf.models import Book, Reader
from tests.contrib.search.shelf.search import BookIndex

pytestmark = pytest.mark.django_db

WORDS = ["sea", "ship", "garden", "tree", "bread", "salt", "fire", "stone"]
MODES = ["words", "vectors", "hybrid"]


@pytest.fixture(scope="module")
def shelves(django_db_setup, django_db_blocker):
    """Books of three owners, with vectors, for the whole module: no test here writes."""
    chosen = random.Random(17)
    with django_db_blocker.unblock():
        owners = Reader.objects.bulk_create([Reader(name=name) for name in ("Ann", "Bob", "Cid")])
        books = Book.objects.bulk_create(
            Book(
                title=" ".join(chosen.sample(WORDS, 2)),
                body=" ".join(chosen.sample(WORDS, 4)),
                shelf=number % 7,
                language=("english", "german")[number % 2],
                owner=owners[number % 3],
                pages=number,
            )
            for number in range(400)
        )
        BookIndex.embed()
        yield books
        Reader.objects.all().delete()


questions = st.lists(st.sampled_from([*WORDS, "-sea", '"sea ship"', "the"]), min_size=1, max_size=4)
scopes = st.sampled_from(
    [
        Q(),
        Q(owner__name="Ann"),
        Q(pages__lt=25),
        Q(owner__name__in=["Bob", "Cid"], shelf__gt=3),
        ~Q(language="german"),
        Q(pk=-1),
    ]
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "shelf": st.one_of(st.integers(-1, 7), st.lists(st.integers(0, 7), max_size=3)),
        "language": st.sampled_from(["english", "german", "dutch", None]),
    },
)


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(questions, scopes, filters, st.sampled_from(MODES), st.integers(1, 30))
def test_nothing_outside_and_never_fewer(shelves, words, scope, chosen, mode, limit):
    question = " ".join(words)
    allowed = Book.objects.filter(scope)
    matching = allowed
    for name, value in chosen.items():
        if isinstance(value, list):
            matching = matching.filter(**{f"{name}__in": value})
        else:
            matching = matching.filter(
                **{name: value} if value is not None else {f"{name}__isnull": True}
            )
    found = list(BookIndex.search(question, scope=allowed, filters=chosen, mode=mode, limit=limit))
    keys = {each.pk for each in found}
    assert len(keys) == len(found) <= limit
    assert keys <= set(matching.values_list("pk", flat=True))
    ranks = [each.search_rank for each in found]
    assert ranks == sorted(ranks, reverse=True)
    excluded = [word[1:] for word in words if word.startswith("-")]
    assert not any(word in f"{each.title} {each.body}" for each in found for word in excluded)
    if mode != "words" and not excluded:
        assert len(found) == min(limit, matching.count())
    elif mode == "words":
        # By another way: rows that have a word, without what is excluded.
        every = set(
            BookIndex.search(question, mode="words", limit=100).values_list("pk", flat=True)
        )
        if len(every) < 100:
            most = every & set(matching.values_list("pk", flat=True))
            assert len(found) == min(limit, len(most))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_scopes_of_an_api_are_obeyed(shelves, serve, kind):
    class BookOut(ModelSchema):
        class Meta:
            model = Book
            fields = ["id", "pages"]

    api = new_api()
    api.add_scope(Book, lambda request: Q(owner__name="Bob"))
    if kind == "sync":

        @api.get("/search", response=list[BookOut])
        def search(request, query: Query[SearchQuery]):
            return BookIndex.search(query)
    else:

        @api.get("/search", response=list[BookOut])
        async def search(request, query: Query[SearchQuery]):
            return await BookIndex.asearch(query)

    answer = getter(serve(api), kind)("/api/search", {"q": "sea ship", "limit": 50})
    owned = set(Book.objects.filter(owner__name="Bob").values_list("pk", flat=True))
    found = [each["id"] for each in answer.json()]
    assert len(found) == 50
    assert set(found) <= owned


def test_a_hybrid_search_ranks_in_one_statement(shelves):
    list(BookIndex.search("sea", mode="hybrid", limit=5))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        list(BookIndex.search("sea", mode="hybrid", limit=5))
    ranked = [each["sql"] for each in asked if "WITH words AS" in each["sql"]]
    assert len(ranked) == 1
    assert "nearest AS" in ranked[0]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="an index of PostgreSQL")
def test_the_index_of_vectors_goes_on_until_enough_rows_pass(shelves):
    with CaptureQueriesContext(connection) as asked:
        BookIndex.search("sea", mode="vectors", filters={"shelf": 3})
    statements = [each["sql"] for each in asked]
    assert any("'hnsw.iterative_scan', 'relaxed_order', true" in each for each in statements)


def test_pages_of_a_result(shelves):
    found = BookIndex.search("sea ship tree", mode="hybrid", limit=30)
    assert [*found[:10], *found[10:30]] == list(found)
    assert found.count() == 30


@pytest.mark.skipif(connection.vendor != "postgresql", reason="an index of PostgreSQL")
def test_hnsw_never_returns_fewer_than_match(shelves):
    """The planner is made to use the index: so few rows it would read as a whole."""
    uses, short = set(), 0
    with connection.cursor() as cursor:
        for method in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{method} = off")
        cursor.execute("SET LOCAL hnsw.max_scan_tuples = 20")
        for shelf in range(7):
            scope = Book.objects.filter(owner__name="Ann", pages__lt=60)
            with CaptureQueriesContext(connection) as asked:
                found = BookIndex.search(
                    "garden stone", mode="vectors", scope=scope, filters={"shelf": shelf}, limit=3
                )
            assert len(found) == min(3, scope.filter(shelf=shelf).count())
            ranked = [each["sql"] for each in asked if "WITH nearest" in each["sql"]]
            short += len(ranked) - 1
            cursor.execute(f"EXPLAIN {ranked[0]}")
            uses.add("embedding_idx" in str(cursor.fetchall()))
    assert uses == {True}
    # The index has given up at least once, and the search was repeated without it.
    assert short


def test_the_best_is_the_first_of_a_reversed_scope(db):
    Book.objects.create(title="ship")
    Book.objects.create(title="stone ship")
    found = BookIndex.search(
        "stone ship", scope=Book.objects.order_by("title").reverse(), mode="words"
    )
    assert found[0].title == "stone ship"
    assert found.reverse()[0].title != "stone ship"
