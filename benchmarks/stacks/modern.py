"""django-modern-rest with msgspec, its response validation off, which favours it."""

import datetime
import uuid
from decimal import Decimal
from http import HTTPStatus

import msgspec
from django.shortcuts import get_object_or_404
from django.urls import path
from dmr import Body, Controller, Path, Query, modify
from dmr.plugins.msgspec import MsgspecSerializer

from benchmarks.data import COLUMNS, MAX_LIMIT, books, some_rows
from benchmarks.models import Row


class HelloOut(msgspec.Struct):
    message: str


class Item(msgspec.Struct):
    name: str
    email: str
    stock: int
    score: float
    active: bool
    tags: list[str]


class RowOut(msgspec.Struct):
    id: int
    name: str
    email: str
    about: str
    stock: int
    views: int
    score: float
    active: bool
    price: Decimal
    key: uuid.UUID
    at: datetime.datetime
    day: datetime.date


class AuthorOut(msgspec.Struct):
    id: int
    name: str
    email: str


class TagOut(msgspec.Struct):
    id: int
    name: str


class BookOut(msgspec.Struct):
    id: int
    title: str
    pages: int
    author: AuthorOut
    tags: list[TagOut]


class PageOut(msgspec.Struct):
    items: list[RowOut]
    count: int


class RowPath(msgspec.Struct):
    row_id: int


class PageQuery(msgspec.Struct):
    limit: int = MAX_LIMIT
    offset: int = 0


def row_out(row: Row) -> RowOut:
    return RowOut(
        id=row.id,
        name=row.name,
        email=row.email,
        about=row.about,
        stock=row.stock,
        views=row.views,
        score=row.score,
        active=row.active,
        price=row.price,
        key=row.key,
        at=row.at,
        day=row.day,
    )


class HelloController(Controller[MsgspecSerializer]):
    def get(self) -> HelloOut:
        return HelloOut(message="hello")


class AsyncHelloController(Controller[MsgspecSerializer]):
    async def get(self) -> HelloOut:
        return HelloOut(message="hello")


class EchoController(Controller[MsgspecSerializer]):
    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: Body[Item]) -> Item:
        return parsed_body


class OneController(Controller[MsgspecSerializer]):
    def get(self, parsed_path: Path[RowPath]) -> RowOut:
        return row_out(get_object_or_404(Row, id=parsed_path.row_id))


class FlatController(Controller[MsgspecSerializer]):
    def get(self) -> list[RowOut]:
        return [RowOut(**row) for row in Row.objects.values(*COLUMNS)]


class InstancesController(Controller[MsgspecSerializer]):
    def get(self) -> list[RowOut]:
        return [row_out(row) for row in some_rows()]


class NestedController(Controller[MsgspecSerializer]):
    def get(self) -> list[BookOut]:
        return [
            BookOut(
                id=book.id,
                title=book.title,
                pages=book.pages,
                author=AuthorOut(book.author.id, book.author.name, book.author.email),
                tags=[TagOut(tag.id, tag.name) for tag in book.tags.all()],
            )
            for book in books()
        ]


class PageController(Controller[MsgspecSerializer]):
    def get(self, parsed_query: Query[PageQuery]) -> PageOut:
        offset = parsed_query.offset
        found = Row.objects.values(*COLUMNS)
        rows = found[offset : offset + min(parsed_query.limit, MAX_LIMIT)]
        return PageOut(items=[RowOut(**row) for row in rows], count=found.count())


urlpatterns = [
    path("hello", HelloController.as_view()),
    path("hello-async", AsyncHelloController.as_view()),
    path("echo", EchoController.as_view()),
    path("rows/<int:row_id>", OneController.as_view()),
    path("flat", FlatController.as_view()),
    path("instances", InstancesController.as_view()),
    path("nested", NestedController.as_view()),
    path("page", PageController.as_view()),
]
