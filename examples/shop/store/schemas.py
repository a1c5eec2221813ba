"""What the API takes and shows."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from django.db.models import Q
from ninja.filter_schema import FilterLookup
from pydantic import AwareDatetime, StringConstraints, field_validator

from django_matt import Field, FilterSchema, ModelSchema, Schema
from store.models import Category, Customer, Order, OrderLine, Product, Review

# PostgreSQL keeps no NUL in text; the pattern says so to the client and in the OpenAPI document.
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

    username: str = Field(max_length=150)
    password: str = Field(max_length=128)


class Token(Schema):
    """What ``Authorization: Bearer …`` takes."""

    token: str


class Refusal(Schema):
    """Why not."""

    detail: str


class CustomerOut(ModelSchema):
    """A customer, to that customer and the staff."""

    class Meta:
        model = Customer
        fields = ["id", "name", "email", "birthday"]


class CustomerIn(Schema):
    """What customers may change of themselves."""

    name: Name
    birthday: date | None = None


class CategoryOut(ModelSchema):
    """A shelf."""

    class Meta:
        model = Category
        fields = ["id", "name", "slug"]


class CategoryIn(Schema):
    """A shelf to set up."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=NO_NUL)]
    slug: Slug


class ProductOut(ModelSchema):
    """A product with its category."""

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
    """A product with all that its page shows."""

    description: str
    attributes: dict[str, str]
    rating: float | None
    reviews_count: int


class ProductIn(Schema):
    """A product to sell."""

    category_id: int
    sku: Slug
    name: Name
    description: Text = ""
    price: Price
    stock: Stock = 0
    weight: Weight | None = None
    attributes: Attributes = Field(default_factory=dict)
    available_from: AwareDatetime | None = None


class StockLevel(Schema):
    """How many of a product there are now."""

    sku: Slug
    stock: Stock


class ProductFilter(FilterSchema):
    """How to narrow the list of products."""

    category: Annotated[str | None, FilterLookup("category__slug")] = None
    min_price: Annotated[Decimal | None, FilterLookup("price__gte")] = None
    max_price: Annotated[Decimal | None, FilterLookup("price__lte")] = None
    in_stock: bool | None = None

    def filter_in_stock(self, value: bool | None) -> Q:
        """Tell what can be bought from what is sold out."""
        if value is None:
            return Q()
        return Q(stock__gt=0) if value else Q(stock=0)


class StockRow(Schema):
    """A product as a row of a report: flat, so that CSV can hold it."""

    sku: str
    name: str
    category: str
    price: Decimal
    stock: int


class RatingRow(Schema):
    """How often a rating was given."""

    rating: int
    reviews: int


class LineIn(Schema):
    """So many of one product."""

    product_id: int
    quantity: int = Field(ge=1, le=1_000)


class OrderIn(Schema):
    """A basket."""

    lines: list[LineIn] = Field(min_length=1, max_length=50)
    note: Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)] = ""

    @field_validator("lines")
    @classmethod
    def name_a_product_once(cls, lines: list[LineIn]) -> list[LineIn]:
        """Refuse two lines of one product: which quantity was meant?"""
        if len({line.product_id for line in lines}) < len(lines):
            raise ValueError("a product stands in two lines")
        return lines


class ProductShort(ModelSchema):
    """A product inside an order."""

    class Meta:
        model = Product
        fields = ["id", "sku", "name"]


class LineOut(ModelSchema):
    """So many of one product, at the price of that moment."""

    product: ProductShort

    class Meta:
        model = OrderLine
        fields = ["quantity", "unit_price"]


class OrderOut(ModelSchema):
    """An order with its customer and lines."""

    customer: CustomerOut
    lines: list[LineOut]

    class Meta:
        model = Order
        fields = ["id", "status", "note", "total", "created"]


class ReviewIn(Schema):
    """An opinion."""

    rating: int = Field(ge=1, le=5)
    text: Text = ""


class ReviewOut(ModelSchema):
    """An opinion and whose it is."""

    author: str = Field(alias="customer.name")

    class Meta:
        model = Review
        fields = ["id", "rating", "text", "created"]
