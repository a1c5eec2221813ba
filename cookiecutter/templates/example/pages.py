"""The pages of items: a list with a search, and the forms that create and change an item."""

from typing import Annotated

from django.db import transaction
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django_matt import (
    ControllerBase,
    Field,
    ModelSchema,
    PageNumberPagination,
    Schema,
    Status,
    api_controller,
    http_delete,
    http_get,
    http_post,
    http_put,
    paginate,
)
from django_matt.contrib.htmx.permissions import HasPermission
from django_matt.contrib.htmx.representations import html

{% if cookiecutter.app_name > 'users' -%}
from users.authentication import SIGNED_IN
{% endif -%}
from {{ cookiecutter.app_name }}.models import Item
from {{ cookiecutter.app_name }}.photos import Photo, delete_photo, store_photo
from {{ cookiecutter.app_name }}.schemas import ItemIn
{%- if cookiecutter.app_name < 'users' %}
from users.authentication import SIGNED_IN
{%- endif %}

LIST, FORM = "{{ cookiecutter.app_name }}/item_list_page.html", "{{ cookiecutter.app_name }}/item_form_page.html"


class ItemRow(ModelSchema):
    """What a row of the list shows."""

    class Meta:
        model = Item
        fields = ("id", "name", "description", "price", "available", "photo")


class NewItem(ItemIn):
    """What the form of a new item sends: what the API takes, and a photo."""

    description: Annotated[str, Field(json_schema_extra={"ui": {"widget": "textarea"}})] = ""
    photo: Photo | None = None


class ChangedItem(NewItem):
    """What the form of an item sends."""

    remove_photo: bool = False


class Saved(Schema):
    """What is left to say of an item that is saved."""

    id: int


@api_controller("/items", tags=["items"], auth=SIGNED_IN)
class ItemPages(ControllerBase):
    """Items: for all to read, and to write for those with Django's permissions."""

    @http_get("", response=list[ItemRow], auth=None)
    @html(LIST, fragment="results")
    @paginate(PageNumberPagination, page_size=10)
    def list_items(self, search: str = "") -> QuerySet[Item]:
        """List by name; each word of the search is in the name or the description."""
        found = Item.objects.all()
        for word in search.split():
            found = found.filter(Q(name__icontains=word) | Q(description__icontains=word))
        return found

    @http_get(
        "/new",
        response=dict[str, str],
        permissions=[HasPermission("{{ cookiecutter.app_name }}.add_item")],
    )
    @html(FORM, form=NewItem)
    def new_item(self) -> dict[str, str]:
        """Return nothing: the form is empty."""
        return {}

    @http_post(
        "/new",
        response={201: Saved},
        permissions=[HasPermission("{{ cookiecutter.app_name }}.add_item")],
    )
    @html(FORM, invalid="form", location="/items")
    @transaction.atomic
    def create_item(self, data: NewItem) -> Status[Item]:
        """Create one."""
        return Status(201, save(Item(), data))

    @http_get(
        "/{int:item_id}",
        response=ItemRow,
        permissions=[HasPermission("{{ cookiecutter.app_name }}.change_item")],
    )
    @html(FORM, form=ChangedItem)
    def edit_item(self, item_id: int) -> Item:
        """Return what the form begins with."""
        return get_object_or_404(Item, pk=item_id)

    @http_put(
        "/{int:item_id}",
        response=Saved,
        permissions=[HasPermission("{{ cookiecutter.app_name }}.change_item")],
    )
    @html(FORM, invalid="form", location="/items")
    @transaction.atomic
    def change_item(self, item_id: int, data: ChangedItem) -> Item:
        """Change one."""
        return save(get_object_or_404(Item.objects.select_for_update(), pk=item_id), data)

    @http_delete(
        "/{int:item_id}",
        response={204: None},
        permissions=[HasPermission("{{ cookiecutter.app_name }}.delete_item")],
    )
    @html(FORM, location="/items")
    def delete_item(self, item_id: int) -> Status[None]:
        """Delete one."""
        item = get_object_or_404(Item, pk=item_id)
        item.delete()
        delete_photo(item.photo)
        return Status(204, None)


def save(item: Item, data: NewItem) -> Item:
    """Check an item by the rules of its model, and save it with the photo that the form has sent."""
    for name, value in data.dict(exclude={"photo", "remove_photo"}).items():
        setattr(item, name, value)
    item.full_clean()
    item.save()
    if data.photo is not None:
        return store_photo(item, data.photo)
    if getattr(data, "remove_photo", False):
        return store_photo(item, None)
    return item
