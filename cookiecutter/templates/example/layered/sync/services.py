"""The verbs: rules and transactions, without HTTP."""

from typing import Any

from django.db.models import QuerySet
{%- if cookiecutter.__front %}
from django_matt import UploadedFile
{%- endif %}
from django_matt.errors.exceptions import NotFound

{% if cookiecutter.__front -%}
from {{ cookiecutter.app_name }} import photos
{% endif -%}
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
{%- if cookiecutter.__front %}
    photos.delete_photo(item.photo)


def store_photo(item_id: int, photo: UploadedFile | None) -> Item:
    """Give the item another photo, or none; raise `NotFound`."""
    item = get_item(item_id)
    return photos.store_photo(item, photo)
{%- endif %}
