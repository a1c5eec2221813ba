"""Routes: parse, call one service, return a schema."""

from django.db.models import QuerySet
from django_matt import (
    ControllerBase,
{%- if cookiecutter.__front %}
    File,
{%- endif %}
    LimitOffsetPagination,
    NinjaPaginationResponseSchema,
    PatchDict,
    Searching,
    Status,
    api_controller,
    http_delete,
    http_get,
    http_patch,
    http_post,
    http_put,
    paginate,
    searching,
)
{%- if cookiecutter.__b2b %}
from django_matt.contrib.tenants.permissions import HasRole
{%- endif %}

from {{ cookiecutter.app_name }} import services
from {{ cookiecutter.app_name }}.models import Item
{%- if cookiecutter.__front %}
from {{ cookiecutter.app_name }}.photos import Photo
{%- endif %}
from {{ cookiecutter.app_name }}.schemas import ItemIn, ItemOut


@api_controller("/items", tags=["items"])
class ItemController(ControllerBase):
{%- if cookiecutter.__b2b %}
    """Items of an organization: for its members to read, and to write unless they are viewers."""
{%- else %}
    """Items: for all to read, for those to write whom config/api.py lets."""
{%- endif %}

    @http_get("", response=NinjaPaginationResponseSchema[ItemOut]{{ '' if cookiecutter.__b2b else ', auth=None' }})
    @paginate(LimitOffsetPagination)
    @searching(Searching, search_fields=["name", "description"])
    def list_items(self) -> QuerySet[Item]:
        """List by name, with `limit` and `offset`; `search` looks into name and description."""
        return services.select_items()

    @http_post("", response={201: ItemOut}{{ ', permissions=[HasRole("member")]' if cookiecutter.__b2b else '' }})
    def create_item(self, data: ItemIn) -> Status[Item]:
        """Create one; a name that is taken is a conflict."""
        return Status(201, services.create_item(data))

    @http_get("/{int:item_id}", response=ItemOut{{ '' if cookiecutter.__b2b else ', auth=None' }})
    def read_item(self, item_id: int) -> Item:
        """Show one."""
        return services.get_item(item_id)

    @http_put("/{int:item_id}", response=ItemOut{{ ', permissions=[HasRole("member")]' if cookiecutter.__b2b else '' }})
    def replace_item(self, item_id: int, data: ItemIn) -> Item:
        """Replace all of its fields."""
        return services.change_item(item_id, data.dict())

    @http_patch("/{int:item_id}", response=ItemOut{{ ', permissions=[HasRole("member")]' if cookiecutter.__b2b else '' }})
    def change_item(self, item_id: int, changes: PatchDict[ItemIn]) -> Item:
        """Write what the body names."""
        return services.change_item(item_id, changes)

    @http_delete("/{int:item_id}", response={204: None}{{ ', permissions=[HasRole("member")]' if cookiecutter.__b2b else '' }})
    def delete_item(self, item_id: int) -> Status[None]:
        """Delete it."""
        services.delete_item(item_id)
        return Status(204, None)
{%- if cookiecutter.__front %}

    @http_put("/{int:item_id}/photo", response=ItemOut)
    def replace_photo(self, item_id: int, photo: File[Photo]) -> Item:
        """Store a photo, instead of the one that the item has."""
        return services.store_photo(item_id, photo)

    @http_delete("/{int:item_id}/photo", response=ItemOut)
    def remove_photo(self, item_id: int) -> Item:
        """Remove the photo."""
        return services.store_photo(item_id, None)
{%- endif %}


CONTROLLERS: tuple[type[ControllerBase], ...] = (ItemController,)
