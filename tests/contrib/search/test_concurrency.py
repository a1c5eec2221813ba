"""The index is in step although it is rebuilt and embedded while others write."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from django_matt.contrib.search.services import inspect, rebuild_words
from tests.contrib.search.shelf.models import Book
from tests.contrib.search.shelf.search import BookIndex
from tests.waiting import SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def in_thread(work: Any, *arguments: Any) -> None:
    try:
        work(*arguments)
    finally:
        connections.close_all()


def test_writers_beside_a_rebuild():
    books = Book.objects.bulk_create([Book(title=f"book{number}") for number in range(12)])
    stop = threading.Event()

    def write(number: int) -> None:
        for version in range(20):
            for book in books[number::3]:
                Book.objects.filter(pk=book.pk).update(
                    title=f"book{book.pk}v{version}", shelf=version
                )
        Book.objects.filter(pk=books[number].pk).delete()

    def rebuild() -> None:
        while not stop.is_set():
            rebuild_words(BookIndex, "default")
            BookIndex.embed()

    with ThreadPoolExecutor(4) as threads:
        rebuilding = threads.submit(in_thread, rebuild)
        try:
            for writing in [threads.submit(in_thread, write, number) for number in range(3)]:
                writing.result()
        finally:
            stop.set()
        rebuilding.result()
    BookIndex.embed()
    kept = list(Book.objects.all())
    assert len(kept) == 9
    for book in kept:
        assert list(BookIndex.search(book.title, mode="words", filters={"shelf": 19})) == [book]
        nearest = BookIndex.search(book.title, mode="vectors", filters={"shelf": 19})
        assert nearest[0].title == book.title
    status = inspect(BookIndex, "default")
    assert (status.objects, status.words, status.vectors) == (9, 9, (("hashed-1", 9),))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shelf_book_search_vectors WHERE shelf <> 19")
        assert cursor.fetchone() == (0,)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_embedding_never_waits_with_locked_rows_for_a_transaction():
    first, second = Book.objects.bulk_create([Book(title="one"), Book(title="two")])
    locked, embedding = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Book.objects.filter(pk=second.pk).update(shelf=1)
            locked.set()
            assert embedding.wait(SECONDS)
            wait_until(lambda: stored() == [first.pk])
            # Would wait for the lock of the embedding, which would wait for this transaction.
            Book.objects.filter(pk=first.pk).update(shelf=1)

    def stored() -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT object_id FROM shelf_book_search_vectors ORDER BY object_id")
            return [key for (key,) in cursor.fetchall()]

    def embed() -> None:
        assert locked.wait(SECONDS)
        embedding.set()
        BookIndex.embed()

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(in_thread, write), threads.submit(in_thread, embed)]:
            each.result()
    assert stored() == [first.pk, second.pk]
    assert len(BookIndex.search("one", mode="vectors", filters={"shelf": 1})) == 2
