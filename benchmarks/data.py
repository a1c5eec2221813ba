"""The rows in the tables, and the queries that the stacks share."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from benchmarks.models import (
    Author,
    Book,
    Chapter,
    Entry,
    Invoice,
    Product,
    Publisher,
    Row,
    Tag,
    Wide,
)

__all__ = ["COLUMNS", "MAX_LIMIT", "books", "fill", "hundred_rows", "publishers", "some_rows"]

COLUMNS = tuple(field.name for field in Row._meta.concrete_fields)
MAX_LIMIT = 100
ROWS, INSTANCES, BOOKS, AUTHORS, TAGS = 1_000, 200, 100, 20, 10
PUBLISHERS, CHAPTERS = 10, 3
TENANTS, INVOICES = 1_000, 10


def some_rows() -> "QuerySet[Row]":
    """Return the query of the case *instances*."""
    return Row.objects.filter(id__lte=INSTANCES)


def hundred_rows() -> "QuerySet[Row]":
    """Return the query of the case *hundred*."""
    return Row.objects.filter(id__lte=100)


def books() -> "QuerySet[Book]":
    """Return the query of the case *nested*, with its joins and prefetches chosen by hand."""
    return Book.objects.select_related("author").prefetch_related("tags")


def publishers() -> "QuerySet[Publisher]":
    """Return the query of the case *deep*, with its prefetches chosen by hand."""
    return Publisher.objects.prefetch_related("authors__books__chapters")


def fill(entries: int) -> None:
    """Make the tables and their rows; ``entries`` is the length of the stream. Tables of an earlier part are replaced."""
    models = (Row, Entry, Publisher, Author, Tag, Book, Chapter, Invoice, Product)
    there = set(connection.introspection.table_names())
    with connection.schema_editor() as editor:
        for model in reversed(models):
            if model._meta.db_table in there:
                editor.delete_model(model)
        for model in models:
            editor.create_model(model)
    Row.objects.bulk_create(_wide(Row, index) for index in range(ROWS))
    for first in range(0, entries, 10_000):
        last = min(first + 10_000, entries)
        Entry.objects.bulk_create(_wide(Entry, index) for index in range(first, last))
    Publisher.objects.bulk_create(
        Publisher(id=n, name=f"publisher {n}") for n in range(1, PUBLISHERS + 1)
    )
    Author.objects.bulk_create(
        Author(
            id=n,
            name=f"author {n}",
            email=f"b{n}@example.org",
            publisher_id=1 + n % PUBLISHERS,
        )
        for n in range(1, AUTHORS + 1)
    )
    Tag.objects.bulk_create(Tag(id=n, name=f"tag {n}") for n in range(1, TAGS + 1))
    Book.objects.bulk_create(
        Book(id=n, title=f"Title {n}", pages=n * 7, author_id=1 + n % AUTHORS)
        for n in range(1, BOOKS + 1)
    )
    link: Any = Book.tags.through
    link.objects.bulk_create(
        link(book_id=book, tag_id=1 + (book + step) % TAGS)
        for book in range(1, BOOKS + 1)
        for step in range(1 + book % 3)
    )
    Chapter.objects.bulk_create(
        Chapter(title=f"Chapter {n}", book_id=book)
        for book in range(1, BOOKS + 1)
        for n in range(1, CHAPTERS + 1)
    )
    Invoice.objects.bulk_create(
        Invoice(
            tenant=1 + n % TENANTS,
            number=f"2024-{n}",
            total=Decimal(n) / 4,
            paid=n % 3 == 0,
            due=datetime.date(2024, 1, 1 + n % 28),
        )
        for n in range(TENANTS * INVOICES)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _wide(model: type[Wide], index: int) -> Any:
    return model(
        id=index + 1,
        name=f"name {index}",
        email=f"a{index}@example.org",
        about="Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 2,
        stock=index,
        views=index * 10**12,
        score=index / 7,
        active=index % 2 == 0,
        price=Decimal(index) / 4,
        key=uuid.UUID(int=index * 2**80 + index),
        at=datetime.datetime(2024, 1, 1, 12, 30, index % 60, 123456, tzinfo=datetime.UTC),
        day=datetime.date(2024, 1, 1 + index % 28),
    )
