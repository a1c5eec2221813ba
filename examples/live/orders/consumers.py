"""What the project does after an event, in the process of ``manage.py matt_events work``."""

from django_matt.contrib.events.consumers import consumer
from django_matt.event_log import find_event_log
from orders.events import OrderPlaced
from orders.models import Order

# Here, as each process imports this module: the live list shows what the worker and commands write.
find_event_log().publish_changes(Order)


@consumer("kitchen", OrderPlaced, once=True)
def accept_order(event, context):
    """Accept an order. With ``once=True``, the change and the receipt of the event share one transaction."""
    order = Order.objects.filter(id=event.order, status=Order.Status.PLACED).first()
    if order is not None:
        order.status = Order.Status.ACCEPTED
        # save() and not update(): the live list is told by Django's signal.
        order.save()
