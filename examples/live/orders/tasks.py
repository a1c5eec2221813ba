"""Work for the process of ``manage.py db_worker``, by Django's own API of background tasks."""

from django.conf import settings

from orders.models import Order

try:
    from django.tasks import task
except ImportError:  # Django 5.2
    from django_tasks import task


@task
def print_receipt(order_id):
    """Add a line to a file, in place of a printer."""
    order = Order.objects.get(id=order_id)
    with (settings.DATA_DIR / "receipts.txt").open("a") as printer:
        printer.write(f"Order {order.id}: {order}, paid\n")
