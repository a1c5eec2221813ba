"""One deliberate mistake, for the error page."""

from django_matt import ControllerBase, api_controller, http_get
from store.models import Order
from store.schemas import OrderOut
from store.services.orders import select_orders


@api_controller("/oops", tags=["errors"])
class MistakeController(ControllerBase):
    """A route that fails on purpose."""

    @http_get("", response=OrderOut)
    async def oops(self, status: str = "placed") -> Order:
        """Fail on purpose. Open it in the browser to see the error page."""
        return find_latest_order(status)


def find_latest_order(status: str) -> Order:
    # The mistake: an async route calls this, and `latest()` is synchronous.
    return select_orders().filter(status=status).latest("created")
