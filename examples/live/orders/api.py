"""The operations: orders are placed and changed, and the list of open ones is live."""

from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404

from django_matt import MattAPI, Status
from django_matt.contrib.events.services import publish
from django_matt.contrib.realtime import live, subscribe
from django_matt.contrib.webhooks.decorators import webhook
from orders.events import OrderPlaced, OrderReady
from orders.models import Order
from orders.schemas import OrderIn, OrderOut, PaymentEvent, StatusIn
from orders.tasks import print_receipt
from orders.webhooks import EndpointsController

api = MattAPI(title="Orders")
api.register_controllers(EndpointsController)


@api.get("/orders", response=list[OrderOut])
def list_orders(request):
    """List the orders that nobody has collected."""
    return Order.objects.exclude(status=Order.Status.COLLECTED)


# The same list, followed by each order that enters it, changes, or leaves it.
live(api, "/orders/live", list_orders)


@api.post("/orders", response={201: OrderOut})
def place_order(request, data: OrderIn):
    """Place an order. Its event is published exactly if the order is stored."""
    with transaction.atomic():
        order = Order.objects.create(**data.dict())
        publish(OrderPlaced(order=order.id, drink=order.drink), key=f"order:{order.id}")
    return Status(201, order)


@api.patch("/orders/{int:order_id}", response=OrderOut)
def change_order(request, order_id: int, data: StatusIn):
    """Say that an order is ready, or was collected."""
    with transaction.atomic():
        order = get_object_or_404(Order.objects.select_for_update(), id=order_id)
        if order.status != data.status:
            order.status = data.status
            order.save()
            if order.status == Order.Status.READY:
                ready = OrderReady(order=order.id, customer=order.customer)
                publish(ready, key=f"order:{order.id}")
    return order


@subscribe(api, "/calls", item=OrderReady)
def call_customers(request):
    """Stream the customers whose drink is ready, for a loudspeaker."""
    return ["order.ready"]


@api.post("/payments", response={204: None}, auth=None)
@webhook(settings.PAYMENTS_SECRET)
def accept_payment(request, event: PaymentEvent):
    """Note that an order was paid, once for each webhook. A worker prints the receipt."""
    order = get_object_or_404(Order.objects.select_for_update(), id=event.data.order)
    order.paid = True
    order.save()
    print_receipt.enqueue(order.id)
    return Status(204, None)
