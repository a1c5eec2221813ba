"""Figures for the staff."""

from collections.abc import AsyncIterator
from typing import Any

from django.db.models import Count, F, QuerySet

from store.models import Product, Review

__all__ = ["count_ratings", "iterate_stock", "select_stock"]


def select_stock() -> QuerySet[Product, dict[str, Any]]:
    """Return the stock as flat rows."""
    products = Product.objects.filter(is_active=True).order_by("sku")
    return products.values("sku", "name", "price", "stock").annotate(category=F("category__name"))


def iterate_stock() -> AsyncIterator[dict[str, Any]]:
    """Yield the same rows in constant memory."""
    return select_stock().aiterator(chunk_size=500)


async def count_ratings() -> list[dict[str, int]]:
    """Count how often each rating was given."""
    ratings = Review.objects.order_by("rating").values("rating").annotate(reviews=Count("id"))
    return [row async for row in ratings]
