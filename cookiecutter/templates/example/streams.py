"""What the API tells as it happens."""

from typing import Literal

from django.http import HttpRequest
from django_matt import Router, Schema
from django_matt.contrib.realtime import subscribe

from {{ cookiecutter.app_name }}.models import Item

router = Router(tags=["events"])


class ItemChange(Schema):
    """What has happened to an item: read the items again."""

    verb: Literal["created", "changed", "deleted"]


@subscribe(router, "/events/items", item=ItemChange, auth=None)
def watch_items(request: HttpRequest) -> list[str]:
    """Tell when an item is created, changed or deleted, by whomever: MATT_EVENTS writes it down."""
    return [Item._meta.label_lower]
