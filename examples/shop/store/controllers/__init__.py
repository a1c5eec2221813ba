"""Parse, call one service, return what the schema shows."""

from store.controllers.accounts import AuthController
from store.controllers.catalog import CategoryController, ProductController
from store.controllers.orders import OrderController
from store.controllers.reports import ReportController
from store.controllers.reviews import ReviewController

__all__ = [
    "AuthController",
    "CategoryController",
    "OrderController",
    "ProductController",
    "ReportController",
    "ReviewController",
]
