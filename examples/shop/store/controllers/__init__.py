"""The routes: each parses the request, calls one service, and returns what its schema describes."""

from store.controllers.accounts import AuthController
from store.controllers.catalog import CategoryController, ProductController
from store.controllers.mistakes import MistakeController
from store.controllers.orders import OrderController
from store.controllers.reports import ReportController
from store.controllers.reviews import ReviewController

__all__ = [
    "AuthController",
    "CategoryController",
    "MistakeController",
    "OrderController",
    "ProductController",
    "ReportController",
    "ReviewController",
]
