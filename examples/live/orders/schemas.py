"""What clients send and see."""

from typing import Annotated, Literal

from ninja import Field

from django_matt import ModelSchema, Schema
from orders.models import Order


class OrderIn(Schema):
    drink: Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]
    customer: Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]


class StatusIn(Schema):
    status: Literal["ready", "collected"]


class Payment(Schema):
    order: int


class PaymentEvent(Schema):
    """What the payment service sends: an event of the Standard Webhooks specification."""

    type: Literal["payment.succeeded"]
    data: Payment


class OrderOut(ModelSchema):
    class Meta:
        model = Order
        fields = ["id", "drink", "customer", "status", "paid", "created"]
