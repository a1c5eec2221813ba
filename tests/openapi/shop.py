"""A small API that the tests of the document and of its page read."""

from enum import Enum
from typing import Literal

from ninja import File, Form
from ninja.files import UploadedFile
from ninja.security import HttpBearer, django_auth
from ninja.throttling import AnonRateThrottle
from pydantic import Field, computed_field

from django_matt import (
    SSE,
    MattAPI,
    Query,
    Schema,
    api_controller,
    http_get,
    http_post,
    permissions,
)

__all__ = ["build"]


class Size(Enum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


class Maker(Schema):
    """Who made it."""

    name: str


class Item(Schema):
    """A thing to sell; the label is only in what is written."""

    name: str = Field(max_length=40)
    price: int = 0
    size: Size = Size.SMALL
    maker: Maker | None = None

    @computed_field
    @property
    def label(self) -> str:
        """Name and price."""
        return f"{self.name}: {self.price}"


class Filters(Schema):
    """What to look for."""

    text: str | None = None
    sizes: list[Size] = []
    order: Literal["name", "price"] = "name"


class Bearer(HttpBearer):
    """Lets one token in."""

    def authenticate(self, request, token):
        """Return the token's owner."""
        return "owner" if token == "right" else None


def build(**options) -> MattAPI:
    """Return the API; a new one each time, as an API is mounted once."""
    api = MattAPI(title="The <Shop>", version="2.1", description="Things to *sell*.", **options)

    @api.get("/items", response=list[Item], tags=["shelf"])
    def list_items(request, filters: Query[Filters]):
        """List what is for sale."""
        return [{"name": "Lamp", "price": 3}]

    @api.post("/items", response={201: Item, 409: Maker}, auth=Bearer(), tags=["shelf"])
    def create_item(request, item: Item):
        """Put a thing on the shelf."""
        return 201, item

    @api.get(
        "/items/{int:item_id}", response=Item, tags=["shelf"], throttle=AnonRateThrottle("9/m")
    )
    def read_item(request, item_id: int):
        """Show one thing."""
        return {"name": "Lamp"}

    @api.api_operation(["PUT", "PATCH"], "/items/{item_id}", response=Item, tags=["shelf"])
    def change_item(request, item_id: int, item: Item):
        """Change one thing."""
        return item

    @api.post("/note", response={204: None}, auth=django_auth, tags=["two words"])
    def leave_note(request, text: Form[str], picture: File[UploadedFile]):
        """Leave a note with a picture."""
        return 204, None

    @api.get("/events", response=SSE[Item], tags=["two words"])
    def follow_events(request):
        """Follow what happens."""
        yield {"name": "Lamp"}

    @api_controller(
        "/members",
        tags=["members"],
        permissions=[permissions.IsAuthenticated],
        use_unique_op_id=False,
    )
    class MembersController:
        @http_get("/", response=list[Maker])
        def everyone(self):
            """List the members."""
            return []

        @http_post("/", permissions=[permissions.AllowAny], response=Maker)
        def join(self, maker: Maker):
            """Become a member."""
            return maker

    api.register_controllers(MembersController)
    return api
