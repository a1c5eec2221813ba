"""What happens to orders, as other parts of the project learn about it."""

from django_matt.contrib.events.schemas import EventSchema


class OrderPlaced(EventSchema, topic="order.placed"):
    """A customer has placed an order."""

    order: int
    drink: str


class OrderReady(EventSchema, topic="order.ready"):
    """A drink can be collected."""

    order: int
    customer: str
