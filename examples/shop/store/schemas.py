"""What the API accepts and returns, with the examples that its documentation shows."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import Q
from ninja.filter_schema import FilterLookup
from pydantic import AwareDatetime, ConfigDict, StringConstraints, field_validator

from django_matt import Field, FilterSchema, ModelSchema, Schema
from store.models import Category, Customer, Order, OrderLine, Product, Review

CATEGORY = {"id": 5, "name": "Lamps", "slug": "lamps"}
CUSTOMER = {"id": 1, "name": "Ada Lovelace", "email": "ada@example.org", "birthday": "1815-12-10"}
PRODUCT = {
    "category": CATEGORY,
    "id": 3,
    "sku": "demo-0002",
    "name": "Oak lamp, tall (no. 2)",
    "price": "129.90",
    "stock": 12,
    "weight": 2.4,
    "image": "/media/products/demo-0002.png",
    "available_from": None,
    "created": "2026-05-04T09:30:00Z",
}
LINE = {
    "product": {"id": 3, "sku": "demo-0002", "name": "Oak lamp, tall (no. 2)"},
    "quantity": 2,
    "unit_price": "129.90",
}


def show(**example: Any) -> ConfigDict:
    """Return the configuration of a schema that is documented by one whole example."""
    return ConfigDict(json_schema_extra={"examples": [example]})


# PostgreSQL keeps no NUL in text; the pattern tells clients, in errors and in the OpenAPI document.
NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=NO_NUL)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[-a-zA-Z0-9_]+$")]
Text = Annotated[str, StringConstraints(max_length=2_000, pattern=NO_NUL)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=NO_NUL)]
Value = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
# PostgreSQL's integer; SQLite would take more.
Stock = Annotated[int, Field(ge=0, le=2_147_483_647)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Attributes = Annotated[dict[Key, Value], Field(max_length=20)]
Price = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]


class Credentials(Schema):
    """A user name and a password."""

    username: str = Field(max_length=150, examples=["ada"])
    password: str = Field(max_length=128, examples=["demo-demo"])


class Token(Schema):
    """The token to send as ``Authorization: Bearer <token>``."""

    token: str = Field(examples=["WzEsIjBmM2EiXQ:1vBq0n:Y2xpY2sgb24gQXV0aG9yaXpl"])


class Refusal(Schema):
    """Why the request was refused."""

    detail: str = Field(examples=["The user name or the password is wrong."])


class CustomerOut(ModelSchema):
    """A customer, as that customer and the staff see it."""

    model_config = show(**CUSTOMER)

    class Meta:
        model = Customer
        fields = ["id", "name", "email", "birthday"]


class CustomerIn(Schema):
    """What customers can change about themselves."""

    name: Annotated[Name, Field(examples=["Ada Lovelace"])]
    birthday: Annotated[date | None, Field(examples=["1815-12-10"])] = None


class CategoryOut(ModelSchema):
    """A category of products."""

    model_config = show(**CATEGORY)

    class Meta:
        model = Category
        fields = ["id", "name", "slug"]


class CategoryIn(Schema):
    """A new category."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=80, pattern=NO_NUL),
        Field(examples=["Garden"]),
    ]
    slug: Annotated[Slug, Field(examples=["garden"])]


class ProductOut(ModelSchema):
    """A product with its category."""

    model_config = show(**PRODUCT)

    category: CategoryOut

    class Meta:
        model = Product
        fields = [
            "id",
            "sku",
            "name",
            "price",
            "stock",
            "weight",
            "image",
            "available_from",
            "created",
        ]


class ProductDetail(ProductOut):
    """A product with everything that its page shows."""

    model_config = show(
        **PRODUCT,
        description="A tall piece of oak for every room.",
        attributes={"wood": "Oak", "style": "tall"},
        rating=4.2,
        reviews_count=9,
    )

    description: str
    attributes: dict[str, str]
    rating: float | None
    reviews_count: int


class ProductIn(Schema):
    """A product to sell."""

    # In the annotation, and not in the default, so that PatchDict keeps the examples.
    category_id: Annotated[int, Field(examples=[1])]
    sku: Annotated[Slug, Field(examples=["lamp-oak-1"])]
    name: Annotated[Name, Field(examples=["Oak lamp, tall"])]
    description: Annotated[Text, Field(examples=["A tall lamp made of oak."])] = ""
    price: Annotated[Price, Field(examples=["129.90"])]
    stock: Annotated[Stock, Field(examples=[12])] = 0
    weight: Annotated[Weight | None, Field(examples=[2.4])] = None
    attributes: Annotated[Attributes, Field(examples=[{"wood": "Oak"}])] = Field(
        default_factory=dict
    )
    available_from: Annotated[AwareDatetime | None, Field(examples=["2026-05-04T09:30:00Z"])] = None


class StockLevel(Schema):
    """How many pieces of a product are in stock."""

    sku: Slug = Field(examples=["demo-0002"])
    stock: Stock = Field(examples=[12])


class ProductFilter(FilterSchema):
    """How to narrow the list of products."""

    category: Annotated[str | None, FilterLookup("category__slug")] = None
    min_price: Annotated[Decimal | None, FilterLookup("price__gte")] = None
    max_price: Annotated[Decimal | None, FilterLookup("price__lte")] = None
    in_stock: bool | None = None

    def filter_in_stock(self, value: bool | None) -> Q:
        """Return products that are in stock, or those that are sold out."""
        if value is None:
            return Q()
        return Q(stock__gt=0) if value else Q(stock=0)


class StockRow(Schema):
    """A product as a row of a report: flat, so that it fits CSV."""

    model_config = show(
        sku="demo-0002", name="Oak lamp, tall (no. 2)", category="Lamps", price="129.90", stock=12
    )

    sku: str
    name: str
    category: str
    price: Decimal
    stock: int


class RatingRow(Schema):
    """How often a rating was given."""

    rating: int = Field(examples=[5])
    reviews: int = Field(examples=[81])


class LineIn(Schema):
    """How many pieces of a product to order."""

    product_id: int = Field(examples=[3])
    quantity: int = Field(ge=1, le=1_000, examples=[2])


class OrderIn(Schema):
    """A basket."""

    lines: list[LineIn] = Field(min_length=1, max_length=50)
    note: Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)] = Field(
        "", examples=["Leave it at the door."]
    )

    @field_validator("lines")
    @classmethod
    def name_a_product_once(cls, lines: list[LineIn]) -> list[LineIn]:
        """Refuse two lines with the same product: which quantity is meant?"""
        if len({line.product_id for line in lines}) < len(lines):
            raise ValueError("two lines name the same product")
        return lines


class ProductShort(ModelSchema):
    """A product inside an order."""

    class Meta:
        model = Product
        fields = ["id", "sku", "name"]


class LineOut(ModelSchema):
    """A line of an order: a product, its quantity, and its price at the time of the order."""

    model_config = show(**LINE)

    product: ProductShort

    class Meta:
        model = OrderLine
        fields = ["quantity", "unit_price"]


class OrderOut(ModelSchema):
    """An order with its customer and lines."""

    model_config = show(
        customer=CUSTOMER,
        lines=[LINE],
        id=7,
        status="placed",
        note="Leave it at the door.",
        total="259.80",
        created="2026-05-04T09:30:00Z",
    )

    customer: CustomerOut
    lines: list[LineOut]

    class Meta:
        model = Order
        fields = ["id", "status", "note", "total", "created"]


class ReviewIn(Schema):
    """A review to write."""

    rating: int = Field(ge=1, le=5, examples=[5])
    text: Text = Field("", examples=["Well made."])


class ReviewOut(ModelSchema):
    """A review and its author."""

    model_config = show(
        author="Ada Lovelace", id=9, rating=5, text="Well made.", created="2026-05-04T09:30:00Z"
    )

    author: str = Field(alias="customer.name")

    class Meta:
        model = Review
        fields = ["id", "rating", "text", "created"]
