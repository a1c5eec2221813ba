"""What a ``CrudController`` is, to a checker and to an editor."""

from collections.abc import Mapping
from typing import Any, assert_type

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from django_matt import Schema, api_controller
from django_matt.contrib.crud.controllers import ALL, AsyncCrudController, CrudController, Schemas


class GroupIn(Schema):
    name: str


class GroupController(CrudController[Group]):
    fields = ["id", "name"]
    filters, search, ordering = ["name__icontains"], ["name"], ["name"]
    verbs = ALL
    schemas = Schemas(create=GroupIn)

    def queryset(self) -> QuerySet[Group]:
        assert_type(self.request, HttpRequest)
        return super().queryset().filter(name__startswith="a")

    def values(self) -> Mapping[str, Any]:
        return {"name": "x"}

    def create(self, data: GroupIn) -> Any:
        return super().create(data)

    def remove(self, instance: Group) -> None:
        assert_type(instance.name, str)
        super().remove(instance)


class OtherController(AsyncCrudController[Group]):
    fields = "__all__"

    async def create(self, data: Any) -> Any:
        return await super().create(data)


assert_type(GroupController().queryset(), QuerySet[Group])
api_controller("/groups", tags=["groups"])(GroupController)
