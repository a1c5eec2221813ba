"""Orders: place one without selling what is not there, and take one back."""

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import F, QuerySet
from django.db.transaction import atomic

from django_matt.errors.exceptions import Conflict, UnprocessableContent
from store.models import Customer, Order, OrderLine, Product

__all__ = ["cancel_order", "place_order", "select_orders"]


def select_orders() -> QuerySet[Order]:
    """Return orders with what their answer shows, in three queries however many there are."""
    return Order.objects.select_related("customer").prefetch_related("lines__product")


@atomic
def place_order(customer: Customer, lines: Iterable[tuple[int, int]], note: str = "") -> Order:
    """Sell ``lines`` of (product id, quantity), all or nothing.

    Raises ``Conflict`` where the stock is too small, ``UnprocessableContent`` for an unknown product. Each stock
    is taken by one conditional UPDATE, so that parallel buyers can never take the same piece; the order of the
    ids keeps two baskets from waiting for each other (a deadlock).
    """
    wanted = dict(sorted(lines))
    for product_id, quantity in wanted.items():
        taken = Product.objects.filter(pk=product_id, is_active=True, stock__gte=quantity).update(
            stock=F("stock") - quantity
        )
        if not taken:
            product = Product.objects.filter(pk=product_id, is_active=True).first()
            if product is None:
                raise UnprocessableContent(
                    f"The product {product_id} does not exist.",
                    code="no_product",
                    product=product_id,
                )
            raise Conflict(
                f"Only {product.stock} of {product.name} are left.",
                code="out_of_stock",
                product=product_id,
                available=product.stock,
            )
    prices = dict(Product.objects.filter(pk__in=wanted).values_list("pk", "price"))
    total = sum((prices[pk] * quantity for pk, quantity in wanted.items()), Decimal(0))
    order = Order.objects.create(customer=customer, note=note, total=total)
    OrderLine.objects.bulk_create(
        OrderLine(order=order, product_id=pk, quantity=quantity, unit_price=prices[pk])
        for pk, quantity in wanted.items()
    )
    return order


@atomic
def cancel_order(order: Order) -> None:
    """Take an order back and its pieces into the stock; raise ``Conflict`` if it is no longer placed."""
    claimed = Order.objects.filter(pk=order.pk, status=Order.Status.PLACED).update(
        status=Order.Status.CANCELLED
    )
    if not claimed:
        raise Conflict("The order is no longer open.", code="order_closed")
    for line in order.lines.order_by("product_id"):
        Product.objects.filter(pk=line.product_id).update(stock=F("stock") + line.quantity)
