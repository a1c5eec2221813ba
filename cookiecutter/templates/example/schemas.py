"""What goes in and what comes out."""

from decimal import Decimal
from typing import Annotated

from django_matt import Field, ModelSchema, Schema

from {{ cookiecutter.app_name }}.models import Item

Name = Annotated[str, Field(min_length=1, max_length=200)]
Price = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]


class ItemIn(Schema):
    """What a client writes."""

    name: Name
    description: str = ""
    price: Price
    available: bool = True


class ItemOut(ModelSchema):
    """What a client reads."""

    class Meta:
        model = Item
        fields = ("id", "name", "description", "price", "available", {{ '"photo", ' if cookiecutter.__front else '' }}"created", "updated")
