"""The index is in step with its table after every way to write, also in a transaction that is rolled back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from django_matt.contrib.search.services import inspect
from tests.contrib.search.shelf.models import Book, Note, Reader
from tests.contrib.search.shelf.search import BookIndex, NoteIndex

pytestmark = pytest.mark.django_db


def found(text: str, **options: Any) -> list[str]:
    return sorted(each.title for each in BookIndex.search(text, mode="words", **options))


def run(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def save() -> None:
    book = Book.objects.get(title="one")
    book.title = "apple"
    book.save()


def update() -> None:
    Book.objects.filter(title="one").update(title="apple")


def update_by_expression() -> None:
    Book.objects.filter(title="one").update(title=Concat(Value("apple "), F("title")))


def bulk_update() -> None:
    book = Book.objects.get(title="one")
    book.title = "apple"
    Book.objects.bulk_update([book], ["title"])


def bulk_create() -> None:
    Book.objects.bulk_create([Book(title="apple"), Book(title="pear")])


def upsert() -> None:
    one = Book.objects.get(title="one")
    Book.objects.bulk_create(
        [Book(id=one.pk, title="apple")],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title"],
    )


def raw_sql() -> None:
    run("UPDATE shelf_book SET title = %s WHERE title = 'one'", "apple")


def raw_insert() -> None:
    run(
        "INSERT INTO shelf_book (title, body, language, shelf, pages) VALUES ('apple', NULL, 'english', 0, 1)"
    )


def change_of_the_key() -> None:
    run("UPDATE shelf_book SET id = 900000, title = 'apple' WHERE title = 'one'")


@pytest.mark.parametrize(
    "write",
    [
        save,
        update,
        update_by_expression,
        bulk_update,
        bulk_create,
        upsert,
        raw_sql,
        raw_insert,
        change_of_the_key,
    ],
)
@pytest.mark.sampled(9)
def test_what_is_written_is_found(write: Callable[[], None]):
    Book.objects.create(title="one")
    Book.objects.create(title="two")
    write()
    assert len(found("apple")) == 1
    assert len(found("one")) == Book.objects.filter(title__contains="one").count()
    status = inspect(BookIndex, "default")
    assert status.words == status.objects


@pytest.mark.parametrize(
    "delete",
    [
        lambda: Book.objects.get(title="one").delete(),
        lambda: Book.objects.filter(title="one").delete(),
        lambda: run("DELETE FROM shelf_book WHERE title = 'one'"),
        lambda: Reader.objects.all().delete(),
    ],
)
def test_what_is_deleted_is_gone(delete: Callable[[], object]):
    Book.objects.create(title="one", owner=Reader.objects.create(name="Ann"))
    Book.objects.create(title="two")
    delete()
    assert (found("one"), found("two")) == ([], ["two"])
    assert inspect(BookIndex, "default").words == 1


def test_what_is_rolled_back_was_never_there():
    with transaction.atomic():
        Book.objects.create(title="one")
        assert found("one") == ["one"]
        transaction.set_rollback(True)
    assert found("one") == []


def test_filters_are_in_step_for_words_and_vectors():
    book = Book.objects.create(title="one", shelf=1)
    BookIndex.embed()
    Book.objects.filter(pk=book.pk).update(shelf=2)
    for mode in ("words", "vectors", "hybrid"):
        assert not BookIndex.search("one", mode=mode, filters={"shelf": 1})
        assert BookIndex.search("one", mode=mode, filters={"shelf": 2}).get() == book


def test_a_replaced_row_of_a_table_with_another_key():
    note = Note.objects.create(text="old words")
    Note.objects.filter(pk=note.pk).update(text="new letters")
    assert (list(NoteIndex.search("old")), list(NoteIndex.search("letters"))) == ([], [note])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a statement of SQLite")
def test_replace_into():
    book = Book.objects.create(title="one")
    run(
        "REPLACE INTO shelf_book (id, title, language, shelf, pages) VALUES (%s, 'apple', '', 0, 1)",
        book.pk,
    )
    assert (found("one"), found("apple")) == ([], ["apple"])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="statements of PostgreSQL")
def test_copy_and_truncate():
    with connection.cursor() as cursor:
        with cursor.copy("COPY shelf_book (title, language, shelf, pages) FROM STDIN") as copy:
            copy.write_row(["apple", "", 0, 1])
        assert found("apple") == ["apple"]
        # The reference to the owner is checked at the end of the transaction otherwise, which the truncation would wait for.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE shelf_book")
    assert inspect(BookIndex, "default").words == 0
