"""django-modern-rest with msgspec, its response validation off, which favours it."""

import datetime
import uuid
from decimal import Decimal
from http import HTTPStatus

import msgspec
from django.shortcuts import aget_object_or_404, get_object_or_404
from django.urls import path
from dmr import Body, Controller, Path, Query, modify
from dmr.plugins.msgspec import MsgspecSerializer

from benchmarks.data import COLUMNS, MAX_LIMIT, books, publishers, some_rows
from benchmarks.models import Book, Entry, Invoice, Product, Row, Wide


class HelloOut(msgspec.Struct):
    message: str


class ProductIn(msgspec.Struct):
    name: str
    email: str
    stock: int
    score: float
    active: bool


class ProductOut(msgspec.Struct):
    id: int
    name: str
    email: str
    stock: int
    score: float
    active: bool


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


class ChapterOut(msgspec.Struct):
    id: int
    title: str


class BookWithChapters(msgspec.Struct):
    id: int
    title: str
    chapters: list[ChapterOut]


class AuthorWithBooks(msgspec.Struct):
    id: int
    name: str
    books: list[BookWithChapters]


class PublisherOut(msgspec.Struct):
    id: int
    name: str
    authors: list[AuthorWithBooks]


class InvoiceOut(msgspec.Struct):
    id: int
    number: str
    total: Decimal
    paid: bool
    due: datetime.date


class PageOut(msgspec.Struct):
    items: list[RowOut]
    count: int


class RowPath(msgspec.Struct):
    row_id: int


class TenantPath(msgspec.Struct):
    tenant: int


class PageQuery(msgspec.Struct):
    limit: int = MAX_LIMIT
    offset: int = 0


def row_out(row: Wide) -> RowOut:
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


def book_out(book: Book) -> BookOut:
    return BookOut(
        id=book.id,
        title=book.title,
        pages=book.pages,
        author=AuthorOut(book.author.id, book.author.name, book.author.email),
        tags=[TagOut(tag.id, tag.name) for tag in book.tags.all()],
    )


def product_out(product: Product) -> ProductOut:
    return ProductOut(
        id=product.id,
        name=product.name,
        email=product.email,
        stock=product.stock,
        score=product.score,
        active=product.active,
    )


class HelloController(Controller[MsgspecSerializer]):
    def get(self) -> HelloOut:
        return HelloOut(message="hello")


class EchoController(Controller[MsgspecSerializer]):
    @modify(status_code=HTTPStatus.OK)
    def post(self, parsed_body: Body[Item]) -> Item:
        return parsed_body


class OneController(Controller[MsgspecSerializer]):
    def get(self, parsed_path: Path[RowPath]) -> RowOut:
        return row_out(get_object_or_404(Entry, id=parsed_path.row_id))


class InvoicesController(Controller[MsgspecSerializer]):
    def get(self, parsed_path: Path[TenantPath]) -> list[InvoiceOut]:
        found = Invoice.objects.filter(tenant=parsed_path.tenant)
        return [InvoiceOut(**row) for row in found.values("id", "number", "total", "paid", "due")]


class FlatController(Controller[MsgspecSerializer]):
    def get(self) -> list[RowOut]:
        return [RowOut(**row) for row in Row.objects.values(*COLUMNS)]


class InstancesController(Controller[MsgspecSerializer]):
    def get(self) -> list[RowOut]:
        return [row_out(row) for row in some_rows()]


class NestedController(Controller[MsgspecSerializer]):
    def get(self) -> list[BookOut]:
        return [book_out(book) for book in books()]


class DeepController(Controller[MsgspecSerializer]):
    def get(self) -> list[PublisherOut]:
        return [
            PublisherOut(
                id=publisher.id,
                name=publisher.name,
                authors=[
                    AuthorWithBooks(
                        id=author.id,
                        name=author.name,
                        books=[
                            BookWithChapters(
                                id=book.id,
                                title=book.title,
                                chapters=[
                                    ChapterOut(chapter.id, chapter.title)
                                    for chapter in book.chapters.all()
                                ],
                            )
                            for book in author.books.all()
                        ],
                    )
                    for author in publisher.authors.all()
                ],
            )
            for publisher in publishers()
        ]


class PageController(Controller[MsgspecSerializer]):
    def get(self, parsed_query: Query[PageQuery]) -> PageOut:
        offset = parsed_query.offset
        found = Row.objects.values(*COLUMNS)
        rows = found[offset : offset + min(parsed_query.limit, MAX_LIMIT)]
        return PageOut(items=[RowOut(**row) for row in rows], count=found.count())


class CreateController(Controller[MsgspecSerializer]):
    def post(self, parsed_body: Body[ProductIn]) -> ProductOut:
        return product_out(Product.objects.create(**msgspec.structs.asdict(parsed_body)))


class BulkCreateController(Controller[MsgspecSerializer]):
    def post(self, parsed_body: Body[list[ProductIn]]) -> list[ProductOut]:
        products = [Product(**msgspec.structs.asdict(product)) for product in parsed_body]
        return [product_out(product) for product in Product.objects.bulk_create(products)]


class StreamController(Controller[MsgspecSerializer]):
    def get(self) -> list[RowOut]:
        return [RowOut(**row) for row in Entry.objects.values(*COLUMNS)]


class AsyncHelloController(Controller[MsgspecSerializer]):
    async def get(self) -> HelloOut:
        return HelloOut(message="hello")


class AsyncOneController(Controller[MsgspecSerializer]):
    async def get(self, parsed_path: Path[RowPath]) -> RowOut:
        return row_out(await aget_object_or_404(Entry, id=parsed_path.row_id))


class AsyncFlatController(Controller[MsgspecSerializer]):
    async def get(self) -> list[RowOut]:
        return [RowOut(**row) async for row in Row.objects.values(*COLUMNS)]


class AsyncNestedController(Controller[MsgspecSerializer]):
    async def get(self) -> list[BookOut]:
        return [book_out(book) async for book in books()]


urlpatterns = [
    path("hello", HelloController.as_view()),
    path("echo", EchoController.as_view()),
    path("rows/<int:row_id>", OneController.as_view()),
    path("tenants/<int:tenant>/invoices", InvoicesController.as_view()),
    path("flat", FlatController.as_view()),
    path("instances", InstancesController.as_view()),
    path("nested", NestedController.as_view()),
    path("deep", DeepController.as_view()),
    path("page", PageController.as_view()),
    path("stream", StreamController.as_view()),
    path("products", CreateController.as_view()),
    path("products/bulk", BulkCreateController.as_view()),
    path("async/hello", AsyncHelloController.as_view()),
    path("async/rows/<int:row_id>", AsyncOneController.as_view()),
    path("async/flat", AsyncFlatController.as_view()),
    path("async/nested", AsyncNestedController.as_view()),
]
