"""Orders: customers see their own, the staff see all."""

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
    """Place, read and cancel orders."""

    @http_get("", response=NinjaPaginationResponseSchema[OrderOut])
    @paginate(LimitOffsetPagination)
    def list_orders(self, request: HttpRequest) -> QuerySet[Order]:
        """List your orders. The staff see all orders."""
        orders = select_orders()
        return orders if request.user.is_staff else orders.filter(customer__user=request.user)

    @http_post("", response={201: OrderOut}, permissions=[IsCustomer])
    def create_order(self, request: HttpRequest, data: OrderIn) -> Status:
        """Place an order. If a product is sold out, the conflict says how many are left."""
        lines = [(line.product_id, line.quantity) for line in data.lines]
        order = place_order(request.user.customer, lines, data.note)
        return Status(201, select_orders().get(pk=order.pk))

    @http_get("/{int:order_id}", response=OrderOut)
    def get_order(self, order_id: int) -> Order:
        """Return one order."""
        return self.get_object_or_exception(select_orders(), pk=order_id)

    @http_post("/{int:order_id}/cancel", response=OrderOut)
    def cancel(self, order_id: int) -> Order:
        """Cancel an order that has not been shipped."""
        cancel_order(self.get_object_or_exception(select_orders(), pk=order_id))
        return select_orders().get(pk=order_id)
