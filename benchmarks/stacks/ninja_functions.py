"""The routes as functions of any API of Ninja's kind."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import aget_object_or_404, get_object_or_404
from ninja import NinjaAPI, Status
from ninja.pagination import LimitOffsetPagination, paginate

from benchmarks.data import books, hundred_rows, publishers, some_rows
from benchmarks.models import Book, Entry, Invoice, Product, Publisher, Row
from benchmarks.stacks.schemas import (
    BookOut,
    Hello,
    InvoiceOut,
    Item,
    ProductIn,
    ProductOut,
    PublisherOut,
    RowOut,
)
from django_matt.contrib.crud.services import bulk_create


def register(api: NinjaAPI, *, planned: bool) -> None:
    """Add the routes to an API; ``planned`` where MattAPI does itself what others write by hand."""
    _register_constants(api)
    _register_reads(api, planned)
    _register_writes(api, planned)
    _register_async(api, planned)


def _register_constants(api: NinjaAPI) -> None:
    @api.get("/hello", response=Hello)
    def hello(request: HttpRequest) -> Any:
        return {"message": "hello"}

    @api.post("/echo", response=Item)
    def echo(request: HttpRequest, item: Item) -> Any:
        return item


def _register_reads(api: NinjaAPI, planned: bool) -> None:
    @api.get("/rows/{int:row_id}", response=RowOut)
    def one(request: HttpRequest, row_id: int) -> Any:
        return Entry.objects.filter(id=row_id) if planned else get_object_or_404(Entry, id=row_id)

    @api.get("/tenants/{int:tenant}/invoices", response=list[InvoiceOut])
    def invoices(request: HttpRequest, tenant: int) -> Any:
        return Invoice.objects.filter(tenant=tenant)

    @api.get("/flat", response=list[RowOut])
    def flat(request: HttpRequest) -> Any:
        return Row.objects.all()

    @api.get("/hundred", response=list[RowOut])
    def hundred(request: HttpRequest) -> Any:
        return hundred_rows()

    @api.get("/instances", response=list[RowOut])
    def instances(request: HttpRequest) -> Any:
        return list(some_rows())

    @api.get("/nested", response=list[BookOut])
    def nested(request: HttpRequest) -> Any:
        return Book.objects.all() if planned else books()

    @api.get("/deep", response=list[PublisherOut])
    def deep(request: HttpRequest) -> Any:
        return Publisher.objects.all() if planned else publishers()

    @api.get("/page", response=list[RowOut])
    @paginate(LimitOffsetPagination)
    def page(request: HttpRequest) -> Any:
        return Row.objects.all()

    @api.get("/stream", response=list[RowOut])
    def stream(request: HttpRequest) -> Any:
        return Entry.objects.all()


def _register_writes(api: NinjaAPI, planned: bool) -> None:
    @api.post("/products", response={201: ProductOut})
    def create(request: HttpRequest, product: ProductIn) -> Any:
        return Status(201, Product.objects.create(**product.dict()))

    @api.post("/products/bulk", response={201: list[ProductOut]})
    def create_many(request: HttpRequest, products: list[ProductIn]) -> Any:
        if planned:
            return Status(201, bulk_create(Product, products))
        made = [Product(**product.dict()) for product in products]
        return Status(201, Product.objects.bulk_create(made))


def _register_async(api: NinjaAPI, planned: bool) -> None:
    @api.get("/async/hello", response=Hello)
    async def hello_async(request: HttpRequest) -> Any:
        return {"message": "hello"}

    @api.get("/async/rows/{int:row_id}", response=RowOut)
    async def one_async(request: HttpRequest, row_id: int) -> Any:
        return (
            Entry.objects.filter(id=row_id)
            if planned
            else await aget_object_or_404(Entry, id=row_id)
        )

    @api.get("/async/flat", response=list[RowOut])
    async def flat_async(request: HttpRequest) -> Any:
        return Row.objects.all() if planned else [row async for row in Row.objects.all()]

    @api.get("/async/hundred", response=list[RowOut])
    async def hundred_async(request: HttpRequest) -> Any:
        return hundred_rows() if planned else [row async for row in hundred_rows()]

    @api.get("/async/events")
    async def events_async(request: HttpRequest) -> Any:
        async def stream() -> AsyncIterator[str]:
            yield f"data: {first}\n\n"
            await asyncio.sleep(3_600)

        # The view asks the database before it streams.
        first = await Row.objects.acount()
        return StreamingHttpResponse(stream(), content_type="text/event-stream")

    @api.get("/async/nested", response=list[BookOut])
    async def nested_async(request: HttpRequest) -> Any:
        return Book.objects.all() if planned else [book async for book in books()]
