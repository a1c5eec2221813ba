"""Reports: a table for CSV, an async route, and a stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.db.models import QuerySet

from django_matt import SSE, ControllerBase, P, Query, api_controller, http_get
from store.models import Product
from store.schemas import RatingRow, StockRow
from store.services.reports import count_ratings, select_stock


@api_controller("/reports", tags=["reports"])
class ReportController(ControllerBase):
    """Reports for the staff, open to everyone in this demo."""

    @http_get("/stock", response=list[StockRow])
    def stock(self) -> QuerySet[Product, dict[str, Any]]:
        """List the stock of all products. ``?format=csv`` returns a table."""
        return select_stock()

    @http_get("/ratings", response=list[RatingRow])
    async def ratings(self) -> list[dict[str, int]]:
        """Count the reviews of each rating, in an async route."""
        return await count_ratings()

    @http_get("/ratings/live", response=SSE[RatingRow])
    async def watch_ratings(
        self, times: Query[int, P(ge=1, le=10)] = 1
    ) -> AsyncIterator[dict[str, int]]:
        """Send the ratings as server-sent events, once per second, ``times`` times."""
        for turn in range(times):
            if turn:
                await asyncio.sleep(1)
            for row in await count_ratings():
                yield row
