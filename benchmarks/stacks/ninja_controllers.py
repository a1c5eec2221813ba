"""The routes as a controller of Ninja Extra's kind."""

from typing import Any

from ninja_extra import (
    ControllerBase,
    NinjaExtraAPI,
    api_controller,
    http_get,
    http_post,
    paginate,
)
from ninja_extra.pagination import LimitOffsetPagination, NinjaPaginationResponseSchema

from benchmarks.data import books, some_rows
from benchmarks.models import Row
from benchmarks.stacks.schemas import BookOut, Hello, Item, RowOut


def register(api: NinjaExtraAPI) -> None:
    """Add the eight routes to an API, as a controller of its own."""

    @api_controller("")
    class Everything(ControllerBase):
        @http_get("/hello", response=Hello)
        def hello(self) -> Any:
            return {"message": "hello"}

        @http_get("/hello-async", response=Hello)
        async def hello_async(self) -> Any:
            return {"message": "hello"}

        @http_post("/echo", response=Item)
        def echo(self, item: Item) -> Any:
            return item

        @http_get("/rows/{int:row_id}", response=RowOut)
        def one(self, row_id: int) -> Any:
            return self.get_object_or_exception(Row, id=row_id)

        @http_get("/flat", response=list[RowOut])
        def flat(self) -> Any:
            return Row.objects.all()

        @http_get("/instances", response=list[RowOut])
        def instances(self) -> Any:
            return list(some_rows())

        @http_get("/nested", response=list[BookOut])
        def nested(self) -> Any:
            return books()

        @http_get("/page", response=NinjaPaginationResponseSchema[RowOut])
        @paginate(LimitOffsetPagination)
        def page(self) -> Any:
            return Row.objects.all()

    api.register_controllers(Everything)
