"""The verbs: rules and transactions, without HTTP."""

from typing import Any

from django.db.models import QuerySet
from django_matt.errors.exceptions import NotFound

from {{ cookiecutter.app_name }}.models import Item
from {{ cookiecutter.app_name }}.schemas import ItemIn


def select_items() -> QuerySet[Item]:
    """Return all items."""
    return Item.objects.all()


def get_item(item_id: int) -> Item:
    """Return the item; raise `NotFound`."""
    item = select_items().filter(pk=item_id).first()
    if item is None:
        raise NotFound(f"There is no item {item_id}.")
    return item


def create_item(data: ItemIn) -> Item:
    """Store a new item."""
    return Item.objects.create(**data.dict())


def change_item(item_id: int, values: dict[str, Any]) -> Item:
    """Save an item with other values; raise `NotFound`."""
    item = get_item(item_id)
    for name, value in values.items():
        setattr(item, name, value)
    item.save()
    return item


def delete_item(item_id: int) -> None:
    """Delete the item; raise `NotFound`."""
    item = get_item(item_id)
    item.delete()
