"""Orders: a customer's own, or all for the staff."""

from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt import (
    ControllerBase,
    LimitOffsetPagination,
    NinjaPaginationResponseSchema,
    Status,
    api_controller,
    http_get,
    http_post,
    paginate,
)
from store.models import Order
from store.schemas import OrderIn, OrderOut
from store.security import IsCustomer, IsOwnerOrStaff, TokenAuth
from store.services.orders import cancel_order, place_order, select_orders


@api_controller("/orders", tags=["orders"], auth=TokenAuth(), permissions=[IsOwnerOrStaff])
class OrderController(ControllerBase):
    """Buy, look, take back."""

    @http_get("", response=NinjaPaginationResponseSchema[OrderOut])
    @paginate(LimitOffsetPagination)
    def list_orders(self, request: HttpRequest) -> QuerySet[Order]:
        """List your orders; the staff see all."""
        orders = select_orders()
        return orders if request.user.is_staff else orders.filter(customer__user=request.user)

    @http_post("", response={201: OrderOut}, permissions=[IsCustomer])
    def create_order(self, request: HttpRequest, data: OrderIn) -> Status:
        """Buy; a conflict says what is sold out and how much is left."""
        lines = [(line.product_id, line.quantity) for line in data.lines]
        order = place_order(request.user.customer, lines, data.note)
        return Status(201, select_orders().get(pk=order.pk))

    @http_get("/{int:order_id}", response=OrderOut)
    def get_order(self, order_id: int) -> Order:
        """Show one."""
        return self.get_object_or_exception(select_orders(), pk=order_id)

    @http_post("/{int:order_id}/cancel", response=OrderOut)
    def cancel(self, order_id: int) -> Order:
        """Take an order back while it is only placed."""
        cancel_order(self.get_object_or_exception(select_orders(), pk=order_id))
        return select_orders().get(pk=order_id)
