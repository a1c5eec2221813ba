"""The API: its title, its controllers, and one deliberate error."""

from django.http import HttpRequest

from django_matt import MattAPI, Schema
from store.controllers import (
    AuthController,
    CategoryController,
    OrderController,
    ProductController,
    ReportController,
    ReviewController,
)
from store.services.reports import convert_price

api = MattAPI(
    title="The shop",
    version="1.0",
    description="Sign in as `ada` (a customer) or `staff`, password `demo-demo`: "
    "`POST /api/auth/login` gives the token.",
)
api.register_controllers(
    AuthController,
    CategoryController,
    ProductController,
    ReviewController,
    OrderController,
    ReportController,
)


class Converted(Schema):
    """A price in another currency."""

    price: float


@api.get("/oops", response=Converted, tags=["errors"])
def oops(request: HttpRequest, currency: str = "GBP") -> Converted:
    """Fail on purpose: there is no rate for GBP, and the error page shows where."""
    secret_token = "never shown"  # the error page redacts it by its name
    return Converted(price=convert_price(float(len(secret_token)), currency))
