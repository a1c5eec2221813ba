"""A project of long lists, for real servers to stream: its settings, its API, and its two applications."""

# ruff: noqa: E402 - what is imported further down needs settings

import os
from decimal import Decimal
from typing import Any

import django
from django.conf import settings

HOST, PLACE = os.environ.get("LIBRARY_POSTGRES", ""), os.environ["LIBRARY_DATABASE"]
if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        INSTALLED_APPS=[
            # What the models of the tests' project refer to.
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "tests.project",
        ],
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["console"]},
            "loggers": {"django.request": {"level": "ERROR"}},
        },
        DATABASES={
            "default": {
                "ENGINE": f"django.db.backends.{'postgresql' if HOST else 'sqlite3'}",
                "HOST": HOST,
                "USER": "postgres",
                "NAME": PLACE,
                "CONN_MAX_AGE": None,
                "ATOMIC_REQUESTS": os.environ.get("LIBRARY_ATOMIC") == "1",
            }
        },
    )
    django.setup()

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import path
from ninja import Schema

from django_matt import MattAPI
from tests.project.models import Author, Book, Tag

TAGS = 3
BROKEN = 15_000


class AuthorOut(Schema):
    id: int
    name: str


class TagOut(Schema):
    name: str


class BookOut(Schema):
    id: int
    title: str
    price: Decimal
    author: AuthorOut
    editor_id: int | None


class TaggedOut(BookOut):
    tags: list[TagOut]


class LoudOut(Schema):
    title: str

    @staticmethod
    def resolve_title(book: Any) -> str:
        return str(book.title).upper()


class FragileOut(Schema):
    title: str

    @staticmethod
    def resolve_title(book: Any) -> str:
        if book.id == BROKEN:
            raise RuntimeError("a row of the second half cannot be read")
        return str(book.title)


api = MattAPI(docs_url=None)


def every(first: int, last: int) -> Any:
    return Book.objects.filter(id__gt=first, id__lte=last).order_by("id")


@api.get("/rows", response=list[BookOut])
def list_rows(request, first: int = 0, last: int = 1 << 62):
    return every(first, last)


@api.get("/rows-async", response=list[BookOut])
async def list_rows_async(request, first: int = 0, last: int = 1 << 62):
    return every(first, last)


@api.get("/tagged", response=list[TaggedOut])
def list_tagged(request, first: int = 0, last: int = 1 << 62):
    return every(first, last)


@api.get("/instances", response=list[TaggedOut])
def list_instances(request, first: int = 0, last: int = 1 << 62):
    return every(first, last).only("title", "price", "author", "editor")


@api.get("/loud", response=list[LoudOut])
def list_loud(request, first: int = 0, last: int = 1 << 62):
    return every(first, last)


@api.get("/broken", response=list[FragileOut])
def list_fragile(request):
    return every(0, 2 * BROKEN)


urlpatterns = [path("api/", api.urls)]
wsgi = get_wsgi_application()
asgi = get_asgi_application()


def fill(rows: int) -> None:
    """Make the tables and so many books, by the database alone."""
    with connection.schema_editor() as editor:
        for model in (Tag, Author, Book):
            editor.create_model(model)
    Author.objects.create(id=1, name="Ada")
    Tag.objects.bulk_create(Tag(id=number + 1, name=f"tag {number}") for number in range(TAGS))
    numbers = (
        f"generate_series(1, {rows}) AS numbers(n)"
        if HOST
        else f"(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})"
        " SELECT n FROM numbers)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO project_book (id, title, price, author_id)"
            f" SELECT n, 'A book of some length, the number ' || n, n % 1000 / 4.0, 1 FROM {numbers}"
        )
        cursor.execute(
            "INSERT INTO project_book_tags (book_id, tag_id)"
            f" SELECT id, id %% {TAGS} + 1 FROM project_book WHERE id <= 20000",
            [],
        )
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    fill(int(os.environ["LIBRARY_ROWS"]))
