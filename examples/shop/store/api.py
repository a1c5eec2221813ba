"""The API: its title and its controllers."""

from django_matt import MattAPI
from store.controllers import (
    AuthController,
    CategoryController,
    MistakeController,
    OrderController,
    ProductController,
    ReportController,
    ReviewController,
)

TAGS = {
    "account": "Sign in, and read or change your own data.",
    "catalog": "Categories and products. The staff can change them.",
    "reviews": "Reviews of products.",
    "orders": "Customers order, and see their own orders. The staff see all.",
    "reports": "Tables and streams.",
    "errors": "A deliberate mistake.",
}

api = MattAPI(
    title="The shop",
    version="1.0",
    description="The example of Django Matt. To sign in, send `POST /api/auth/login` with the user `ada` (a customer) "
    "or `staff`, and the password `demo-demo`. Then click **Authorize** and paste the token.",
    openapi_extra={"tags": [{"name": name, "description": TAGS[name]} for name in TAGS]},
)
# The documentation lists them in this order.
api.register_controllers(
    AuthController,
    CategoryController,
    ProductController,
    ReviewController,
    OrderController,
    ReportController,
    MistakeController,
)
