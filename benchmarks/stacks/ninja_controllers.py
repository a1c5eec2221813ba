"""The routes as a controller of Ninja Extra's kind."""

from typing import Any

from ninja import Status
from ninja_extra import (
    ControllerBase,
    NinjaExtraAPI,
    api_controller,
    http_get,
    http_post,
    paginate,
)
from ninja_extra.pagination import LimitOffsetPagination, NinjaPaginationResponseSchema

from benchmarks.data import books, publishers, some_rows
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


def register(api: NinjaExtraAPI, *, planned: bool) -> None:
    """Add the routes to an API, as two controllers of its own; ``planned`` as for the functions."""
    api.register_controllers(_sync(planned), _async(planned))


def _sync(planned: bool) -> type[ControllerBase]:
    @api_controller("")
    class Everything(ControllerBase):
        @http_get("/hello", response=Hello)
        def hello(self) -> Any:
            return {"message": "hello"}

        @http_post("/echo", response=Item)
        def echo(self, item: Item) -> Any:
            return item

        @http_get("/rows/{int:row_id}", response=RowOut)
        def one(self, row_id: int) -> Any:
            if planned:
                return Entry.objects.filter(id=row_id)
            return self.get_object_or_exception(Entry, id=row_id)

        @http_get("/tenants/{int:tenant}/invoices", response=list[InvoiceOut])
        def invoices(self, tenant: int) -> Any:
            return Invoice.objects.filter(tenant=tenant)

        @http_get("/flat", response=list[RowOut])
        def flat(self) -> Any:
            return Row.objects.all()

        @http_get("/instances", response=list[RowOut])
        def instances(self) -> Any:
            return list(some_rows())

        @http_get("/nested", response=list[BookOut])
        def nested(self) -> Any:
            return Book.objects.all() if planned else books()

        @http_get("/deep", response=list[PublisherOut])
        def deep(self) -> Any:
            return Publisher.objects.all() if planned else publishers()

        @http_get("/page", response=NinjaPaginationResponseSchema[RowOut])
        @paginate(LimitOffsetPagination)
        def page(self) -> Any:
            return Row.objects.all()

        @http_get("/stream", response=list[RowOut])
        def stream(self) -> Any:
            return Entry.objects.all()

        @http_post("/products", response={201: ProductOut})
        def create(self, product: ProductIn) -> Any:
            return Status(201, Product.objects.create(**product.dict()))

        @http_post("/products/bulk", response={201: list[ProductOut]})
        def create_many(self, products: list[ProductIn]) -> Any:
            if planned:
                return Status(201, bulk_create(Product, products))
            made = [Product(**product.dict()) for product in products]
            return Status(201, Product.objects.bulk_create(made))

    return Everything


def _async(planned: bool) -> type[ControllerBase]:
    @api_controller("/async")
    class Asynchronous(ControllerBase):
        @http_get("/hello", response=Hello)
        async def hello_async(self) -> Any:
            return {"message": "hello"}

        @http_get("/rows/{int:row_id}", response=RowOut)
        async def one_async(self, row_id: int) -> Any:
            if planned:
                return Entry.objects.filter(id=row_id)
            return await self.aget_object_or_exception(Entry, id=row_id)

        @http_get("/flat", response=list[RowOut])
        async def flat_async(self) -> Any:
            return Row.objects.all() if planned else [row async for row in Row.objects.all()]

        @http_get("/nested", response=list[BookOut])
        async def nested_async(self) -> Any:
            return Book.objects.all() if planned else [book async for book in books()]

    return Asynchronous
