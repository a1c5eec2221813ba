"""Every way to write makes the responses invalid that were computed from the table, and no others."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest

from django_matt.contrib.caching import cached, invalidate, writes
from django_matt.contrib.caching.statements import read_statement
from tests.contrib.caching.conftest import Cached, a_book
from tests.project.models import Author, Blurb, Book, Note, Review, Tag

BOOKS, AUTHORS = "project_book", "project_author"


def run(sql: str, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else None


def save(book: Book) -> None:
    book.title = "changed"
    book.save()


def update(book: Book) -> None:
    Book.objects.update(title="changed")


def update_expression(book: Book) -> None:
    Book.objects.filter(pk=book.pk).update(price=F("price") + 1)


def create(book: Book) -> None:
    Book.objects.create(title="new", author=book.author)


def delete(book: Book) -> None:
    book.delete()


def delete_queryset(book: Book) -> None:
    Book.objects.all().delete()


def bulk_create(book: Book) -> None:
    Book.objects.bulk_create([Book(title="new", author=book.author)])


def bulk_update(book: Book) -> None:
    book.title = "changed"
    Book.objects.bulk_update([book], ["title"])


def upsert(book: Book) -> None:
    Book.objects.bulk_create(
        [Book(pk=book.pk, title="changed", author=book.author)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title"],
    )


def get_or_create(book: Book) -> None:
    Book.objects.get_or_create(title="new", defaults={"author": book.author})


def update_or_create(book: Book) -> None:
    Book.objects.update_or_create(pk=book.pk, defaults={"title": "changed"})


def cascade(book: Book) -> None:
    book.author.delete()


def set_null(book: Book) -> None:
    editor = Author.objects.create(name="editor")
    Book.objects.update(editor=editor)
    editor.delete()


def reverse_add(book: Book) -> None:
    Author.objects.create(name="other").books.add(book)


def raw_update(book: Book) -> None:
    run("update project_book set title = 'changed'")


def raw_with(book: Book) -> None:
    run(
        "WITH chosen AS (SELECT id FROM project_book) "
        "UPDATE project_book SET title = 'changed' WHERE id IN (SELECT id FROM chosen)"
    )


def raw_comment(book: Book) -> None:
    run("/* why */ DELETE/**/FROM project_book")


def raw_returning(book: Book) -> None:
    assert run("UPDATE project_book SET title = 'changed' RETURNING title") == [("changed",)]


def raw_many(book: Book) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE project_book SET title = %s WHERE id = %s", [("changed", book.pk)]
        )


def in_a_transaction(book: Book) -> None:
    with transaction.atomic():
        save(book)


def after_a_savepoint_that_is_rolled_back(book: Book) -> None:
    with transaction.atomic():
        with transaction.atomic():
            save(book)
            transaction.set_rollback(True)
        update(book)


def in_a_savepoint(book: Book) -> None:
    with transaction.atomic(), transaction.atomic():
        save(book)


def after_a_transaction_that_is_rolled_back(book: Book) -> None:
    with transaction.atomic():
        save(book)
        transaction.set_rollback(True)
    in_a_transaction(book)


def async_save(book: Book) -> None:
    book.title = "changed"
    async_to_sync(book.asave)()


def fixture(book: Book) -> None:
    import json
    import tempfile

    data = [
        {
            "model": "project.book",
            "pk": book.pk,
            "fields": {"title": "changed", "author": book.author_id},
        }
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(data, file)
        file.flush()
        call_command("loaddata", file.name, verbosity=0)


def by_hand(book: Book) -> None:
    invalidate(Book)


def by_hand_in_a_transaction(book: Book) -> None:
    with transaction.atomic():
        invalidate("project_book")


def everything_by_hand(book: Book) -> None:
    invalidate()


WAYS: list[Callable[[Book], None]] = [
    *(
        save,
        update,
        update_expression,
        create,
        delete,
        delete_queryset,
        bulk_create,
        bulk_update,
        upsert,
    ),
    *(
        get_or_create,
        update_or_create,
        cascade,
        set_null,
        reverse_add,
        raw_update,
        raw_with,
        raw_comment,
    ),
    *(
        raw_returning,
        raw_many,
        in_a_transaction,
        after_a_savepoint_that_is_rolled_back,
        in_a_savepoint,
    ),
    *(
        after_a_transaction_that_is_rolled_back,
        async_save,
        fixture,
        by_hand,
        by_hand_in_a_transaction,
    ),
    everything_by_hand,
]


@pytest.fixture
def shelf(locmem: None, serve: Any) -> Cached:
    made = Cached(serve, "sync")

    def books(request: HttpRequest) -> list[str]:
        return [f"{each.title} {each.price}" for each in Book.objects.all()]

    made.add(books, cached(seconds=60))
    return made


@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
def test_a_write_makes_the_response_invalid(shelf: Cached, write: Callable[[Book], None]):
    book = a_book()
    shelf.get()
    shelf.get()
    assert len(shelf.loads) == 1
    write(book)
    assert shelf.get().json() == [f"{each.title} {each.price}" for each in Book.objects.all()]
    assert len(shelf.loads) == 2


def rolled_back(book: Book) -> None:
    with transaction.atomic():
        save(book)
        transaction.set_rollback(True)


def other_table(book: Book) -> None:
    Tag.objects.create(name="x")
    Tag.objects.update(name="y")
    Tag.objects.all().delete()


def m2m_of_it(book: Book) -> None:
    book.tags.add(Tag.objects.create(name="x"))


def child(book: Book) -> None:
    Blurb.objects.create(book=book, text="x")


def a_reading_lock(book: Book) -> None:
    with transaction.atomic():
        list(Book.objects.select_for_update())


def a_failing_write(book: Book) -> None:
    Tag.objects.filter(name="none").update(name="x")


def a_savepoint_alone(book: Book) -> None:
    with transaction.atomic(), transaction.atomic():
        list(Book.objects.all())


@pytest.mark.parametrize(
    "write",
    [
        rolled_back,
        other_table,
        m2m_of_it,
        child,
        a_reading_lock,
        a_failing_write,
        a_savepoint_alone,
    ],
    ids=lambda way: way.__name__,
)
def test_what_is_unrelated_does_not(shelf: Cached, write: Callable[[Book], None]):
    book = a_book()
    shelf.get()
    write(book)
    shelf.get()
    assert len(shelf.loads) == 1


RELATED: list[tuple[str, Callable[[Book], object]]] = [
    ("add", lambda book: book.tags.add(Tag.objects.get())),
    ("set", lambda book: book.tags.set([Tag.objects.get()])),
    ("through", lambda book: Book.tags.through.objects.create(book=book, tag=Tag.objects.get())),
    (
        "bulk",
        lambda book: Book.tags.through.objects.bulk_create(
            [Book.tags.through(book=book, tag=Tag.objects.get())]
        ),
    ),
    ("reverse", lambda book: Tag.objects.get().books.add(book)),  # noqa: PLW0108 - the tag is made later
    ("create", lambda book: book.tags.create(name="new")),
]


@pytest.mark.parametrize(("name", "write"), RELATED, ids=[name for name, _ in RELATED])
def test_a_relation_of_many_to_many_makes_it_invalid(
    locmem: None, serve: Any, name: str, write: Callable[[Book], object]
):
    made = Cached(serve, "sync")
    made.add(
        lambda request: [
            [tag.name for tag in book.tags.all()] for book in Book.objects.prefetch_related("tags")
        ],
        cached(seconds=60),
    )
    book = a_book()
    Tag.objects.create(name="old")
    made.get()
    write(book)
    assert made.get().json() == [[Tag.objects.filter(books=book).values_list("name", flat=True)[0]]]
    for remove in (book.tags.clear, Note.objects.all().delete):
        remove()
    assert made.get().json() == [[]]
    assert len(made.loads) == 3


def test_a_row_of_a_child_table_is_a_write_of_its_parent(locmem: None, serve: Any):
    made = Cached(serve, "sync")
    made.add(lambda request: len(Blurb.objects.all()), cached(seconds=60))
    book = a_book()
    assert made.get().json() == 0
    review = Review.objects.create(book=book, text="x")
    assert made.get().json() == 1
    review.delete()
    assert made.get().json() == 0


@pytest.mark.parametrize(
    ("sql", "tables", "writes"),
    [
        ('SELECT "project_book"."id" FROM "project_book"', {BOOKS}, False),
        ('SELECT "update" FROM "project_book"', {BOOKS}, False),
        ("SELECT id FROM project_book FOR UPDATE", {BOOKS}, False),
        ("SELECT id FROM project_book FOR NO KEY UPDATE", {BOOKS}, False),
        ("SELECT replace(title, 'a', 'b') FROM project_book", {BOOKS}, False),
        ("SELECT id INTO project_tag FROM project_book", {BOOKS, "project_tag"}, True),
        ("insert or replace into PROJECT_BOOK values (1)", {BOOKS}, True),
        ("MERGE INTO project_book USING project_author", {BOOKS, AUTHORS}, True),
        ("TRUNCATE project_book", {BOOKS}, True),
        ("COPY project_book FROM STDIN", {BOOKS}, True),
        ("SELECT 1; DELETE FROM project_book", {BOOKS}, True),
        ("EXPLAIN ANALYZE UPDATE project_book SET id = 1", {BOOKS}, True),
        ("SELECT 1", set(), False),
        ("SAVEPOINT x", set(), False),
    ],
)
def test_what_a_statement_does(sql: str, tables: set[str], writes: bool):
    found = read_statement(sql)
    assert ({*found.tables}, found.writes, found.anything) == (tables, writes, False)


@pytest.mark.parametrize(
    "sql",
    [
        "CALL sell()",
        "/* x */ do $$ begin end $$",
        "EXECUTE plan(1)",
        "TRUNCATE project_book CASCADE",
    ],
)
def test_what_may_write_anything(sql: str):
    assert read_statement(sql).anything


def test_a_statement_of_psycopg_is_understood():
    sql = pytest.importorskip("psycopg.sql")
    update = sql.SQL("UPDATE {} SET id = 1").format(sql.Identifier(BOOKS))
    assert read_statement(update).tables == {BOOKS}
    assert read_statement(update).writes
    assert read_statement(b"DELETE FROM project_book").writes


@pytest.mark.parametrize("trusted", [False, True])
def test_a_table_without_a_model_is_stored_only_if_it_is_named(
    locmem: None, serve: Any, trusted: bool
):
    run("CREATE TABLE legacy_stock (amount integer)")
    try:
        made = Cached(serve, "sync")
        reads = ["legacy_stock"] if trusted else []
        made.add(
            lambda request: run("SELECT amount FROM legacy_stock"), cached(seconds=60, reads=reads)
        )
        made.get()
        made.get()
        assert len(made.loads) == (1 if trusted else 2)
        run("INSERT INTO legacy_stock VALUES (5)")
        assert made.get().json() == [[5]]
    finally:
        run("DROP TABLE legacy_stock")


def test_a_view_that_writes_is_not_stored(locmem: None, serve: Any):
    made = Cached(serve, "sync")
    made.add(lambda request: Book.objects.update(price=F("price") + 1), cached(seconds=60))
    for _ in range(3):
        made.get()
    assert len(made.loads) == 3


def test_returned_rows_are_there_although_they_were_fetched(locmem: None):
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                "INSERT INTO project_tag (name) VALUES ('a'), ('b'), ('c') RETURNING name"
            )
            assert cursor.fetchone() == ("a",)
            assert cursor.fetchmany(1) == [("b",)]
            assert list(cursor) == [("c",)]
        cursor.execute("SELECT count(*) FROM project_tag")
        assert cursor.fetchall() == [(6,)]
        cursor.executemany("UPDATE project_tag SET name = %s", [("x",)])
        cursor.execute("SELECT DISTINCT name FROM project_tag")
        assert cursor.fetchone() == ("x",)
        assert cursor.fetchone() is None


def test_a_callback_of_the_project_that_fails_does_not_leave_an_old_response(shelf: Cached):
    def fail() -> None:
        raise RuntimeError("of the project")

    def write() -> None:
        with transaction.atomic():
            transaction.on_commit(fail)
            save(book)

    book = a_book()
    shelf.get()
    with pytest.raises(RuntimeError, match="of the project"):
        write()
    # A server does it before it takes the next request.
    writes._release()
    assert shelf.get().json() == ["changed 1.00"]


def test_the_first_load_is_stored_also_if_tables_are_named(locmem: None, serve: Any):
    made = Cached(serve, "sync")
    made.add(lambda request: len(Book.objects.all()), cached(seconds=60, reads=[Tag]))
    for _ in range(3):
        made.get()
    assert len(made.loads) == 1
    Tag.objects.create(name="x")
    made.get()
    assert len(made.loads) == 2


def test_copy_of_psycopg_is_not_seen_and_made_known_by_hand(locmem: None, serve: Any):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    made = Cached(serve, "sync")
    made.add(lambda request: [tag.name for tag in Tag.objects.all()], cached(seconds=60))
    made.get()
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy("COPY project_tag (name) FROM STDIN") as copy,
    ):
        copy.write_row(("copied",))
        invalidate(Tag)
    assert made.get().json() == ["copied"]
