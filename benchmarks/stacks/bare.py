"""Hand-written Django and orjson: what the ratios are against."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from benchmarks.data import COLUMNS, MAX_LIMIT, books, hundred_rows, publishers, some_rows
from benchmarks.models import Book, Entry, Invoice, Product, Row, Wide


class InvalidError(Exception):
    """The body is not what it should be."""


def answer(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(data, default=str), status=status, content_type="application/json"
    )


def body_of(request: HttpRequest) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise InvalidError from None


def valid_product(data: Any) -> dict[str, Any]:
    try:
        product = {
            "name": data["name"],
            "email": data["email"],
            "stock": data["stock"],
            "score": data["score"],
            "active": data["active"],
        }
    except (KeyError, TypeError):
        raise InvalidError from None
    if not (
        isinstance(product["name"], str)
        and isinstance(product["email"], str)
        and type(product["stock"]) is int
        and isinstance(product["score"], float | int)
        and isinstance(product["active"], bool)
    ):
        raise InvalidError
    return product


def product_dict(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name,
        "email": product.email,
        "stock": product.stock,
        "score": product.score,
        "active": product.active,
    }


def row_dict(row: Wide) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "about": row.about,
        "stock": row.stock,
        "views": row.views,
        "score": row.score,
        "active": row.active,
        "price": str(row.price),
        "key": row.key,
        "at": row.at,
        "day": row.day,
    }


def book_dict(book: Book) -> dict[str, Any]:
    return {
        "id": book.id,
        "title": book.title,
        "pages": book.pages,
        "author": {"id": book.author.id, "name": book.author.name, "email": book.author.email},
        "tags": [{"id": tag.id, "name": tag.name} for tag in book.tags.all()],
    }


def hello(request: HttpRequest) -> HttpResponse:
    return answer({"message": "hello"})


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    try:
        data = body_of(request)
        item = {**valid_product(data), "tags": data.get("tags")}
    except InvalidError:
        return answer({"detail": "invalid"}, 422)
    if not (isinstance(item["tags"], list) and all(isinstance(tag, str) for tag in item["tags"])):
        return answer({"detail": "invalid"}, 422)
    return answer(item)


def one(request: HttpRequest, row_id: int) -> HttpResponse:
    try:
        return answer(row_dict(Entry.objects.get(id=row_id)))
    except Entry.DoesNotExist:
        return answer({"detail": "not found"}, 404)


def invoices(request: HttpRequest, tenant: int) -> HttpResponse:
    columns = "id", "number", "total", "paid", "due"
    return answer(list(Invoice.objects.filter(tenant=tenant).values(*columns)))


def flat(request: HttpRequest) -> HttpResponse:
    return answer(list(Row.objects.values(*COLUMNS)))


def hundred(request: HttpRequest) -> HttpResponse:
    return answer(list(hundred_rows().values(*COLUMNS)))


def instances(request: HttpRequest) -> HttpResponse:
    return answer([row_dict(row) for row in some_rows()])


def nested(request: HttpRequest) -> HttpResponse:
    return answer([book_dict(book) for book in books()])


def deep(request: HttpRequest) -> HttpResponse:
    return answer(
        [
            {
                "id": publisher.id,
                "name": publisher.name,
                "authors": [
                    {
                        "id": author.id,
                        "name": author.name,
                        "books": [
                            {
                                "id": book.id,
                                "title": book.title,
                                "chapters": [
                                    {"id": chapter.id, "title": chapter.title}
                                    for chapter in book.chapters.all()
                                ],
                            }
                            for book in author.books.all()
                        ],
                    }
                    for author in publisher.authors.all()
                ],
            }
            for publisher in publishers()
        ]
    )


def page(request: HttpRequest) -> HttpResponse:
    try:
        limit = min(max(int(request.GET.get("limit", MAX_LIMIT)), 1), MAX_LIMIT)
        offset = max(int(request.GET.get("offset", 0)), 0)
    except ValueError:
        return answer({"detail": "invalid"}, 422)
    found = Row.objects.values(*COLUMNS)
    return answer({"items": list(found[offset : offset + limit]), "count": found.count()})


@csrf_exempt
def create(request: HttpRequest) -> HttpResponse:
    try:
        product = valid_product(body_of(request))
    except InvalidError:
        return answer({"detail": "invalid"}, 422)
    return answer(product_dict(Product.objects.create(**product)), 201)


@csrf_exempt
def bulk_create(request: HttpRequest) -> HttpResponse:
    try:
        data = body_of(request)
        if not isinstance(data, list):
            raise InvalidError
        products = [Product(**valid_product(product)) for product in data]
    except InvalidError:
        return answer({"detail": "invalid"}, 422)
    return answer([product_dict(made) for made in Product.objects.bulk_create(products)], 201)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_chunks(), content_type="application/json")


def _chunks() -> Iterator[bytes]:
    batch: list[Any] = []
    before = b"["
    for row in Entry.objects.values(*COLUMNS).iterator(chunk_size=1000):
        batch.append(row)
        if len(batch) == 1000:
            yield before + orjson.dumps(batch, default=str)[1:-1]
            batch, before = [], b","
    if batch:
        yield before + orjson.dumps(batch, default=str)[1:-1]
        before = b","
    yield b"[]" if before == b"[" else b"]"


async def hello_async(request: HttpRequest) -> HttpResponse:
    return answer({"message": "hello"})


async def one_async(request: HttpRequest, row_id: int) -> HttpResponse:
    try:
        return answer(row_dict(await Entry.objects.aget(id=row_id)))
    except Entry.DoesNotExist:
        return answer({"detail": "not found"}, 404)


async def flat_async(request: HttpRequest) -> HttpResponse:
    return answer([row async for row in Row.objects.values(*COLUMNS)])


async def hundred_async(request: HttpRequest) -> HttpResponse:
    return answer([row async for row in hundred_rows().values(*COLUMNS)])


async def nested_async(request: HttpRequest) -> HttpResponse:
    return answer([book_dict(book) async for book in books()])


urlpatterns = [
    path("hello", hello),
    path("echo", echo),
    path("rows/<int:row_id>", one),
    path("tenants/<int:tenant>/invoices", invoices),
    path("flat", flat),
    path("hundred", hundred),
    path("instances", instances),
    path("nested", nested),
    path("deep", deep),
    path("page", page),
    path("stream", stream),
    path("products", create),
    path("products/bulk", bulk_create),
    path("async/hello", hello_async),
    path("async/rows/<int:row_id>", one_async),
    path("async/flat", flat_async),
    path("async/hundred", hundred_async),
    path("async/nested", nested_async),
]
