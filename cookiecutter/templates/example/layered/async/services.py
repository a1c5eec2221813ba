"""The verbs: rules and transactions, without HTTP."""

from typing import Any

{% if cookiecutter.__front -%}
from asgiref.sync import sync_to_async
{% endif -%}
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


async def get_item(item_id: int) -> Item:
    """Return the item; raise `NotFound`."""
    item = await select_items().filter(pk=item_id).afirst()
    if item is None:
        raise NotFound(f"There is no item {item_id}.")
    return item


async def create_item(data: ItemIn) -> Item:
    """Store a new item."""
    return await Item.objects.acreate(**data.dict())


async def change_item(item_id: int, values: dict[str, Any]) -> Item:
    """Save an item with other values; raise `NotFound`."""
    item = await get_item(item_id)
    for name, value in values.items():
        setattr(item, name, value)
    await item.asave()
    return item


async def delete_item(item_id: int) -> None:
    """Delete the item; raise `NotFound`."""
    item = await get_item(item_id)
    await item.adelete()
{%- if cookiecutter.__front %}
    await sync_to_async(photos.delete_photo)(item.photo)


async def store_photo(item_id: int, photo: UploadedFile | None) -> Item:
    """Give the item another photo, or none; raise `NotFound`."""
    item = await get_item(item_id)
    return await sync_to_async(photos.store_photo)(item, photo)
{%- endif %}
