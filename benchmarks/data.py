"""The rows in the tables, and the queries that every stack makes."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from benchmarks.models import Author, Book, Row, Tag

__all__ = ["COLUMNS", "MAX_LIMIT", "books", "fill", "some_rows"]

COLUMNS = tuple(field.name for field in Row._meta.concrete_fields)
MAX_LIMIT = 100
ROWS, INSTANCES, BOOKS, AUTHORS, TAGS = 1_000, 200, 100, 20, 10


def some_rows() -> "QuerySet[Row]":
    """Return the query of the case *instances*."""
    return Row.objects.filter(id__lte=INSTANCES)


def books() -> "QuerySet[Book]":
    """Return the query of the case *nested*, with its joins and prefetches chosen by hand."""
    return Book.objects.select_related("author").prefetch_related("tags")


def fill() -> None:
    """Make the tables and their rows."""
    with connection.schema_editor() as editor:
        for model in (Row, Author, Tag, Book):
            editor.create_model(model)
    Row.objects.bulk_create(_row(index) for index in range(ROWS))
    Author.objects.bulk_create(
        Author(id=n, name=f"author {n}", email=f"b{n}@example.org") for n in range(1, AUTHORS + 1)
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
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _row(index: int) -> Row:
    return Row(
        id=index + 1,
        name=f"name {index}",
        email=f"a{index}@example.org",
        about="Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 2,
        stock=index,
        views=index * 10**12,
        score=index / 7,
        active=index % 2 == 0,
        price=Decimal(index) / 4,
        key=uuid.UUID(int=index * 2**90 + index),
        at=datetime.datetime(2024, 1, 1, 12, 30, index % 60, 123456, tzinfo=datetime.UTC),
        day=datetime.date(2024, 1, 1 + index % 28),
    )
