"""The pages of the board."""

from typing import Any

from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.shortcuts import render
from django.urls import path
from ninja import ModelSchema

from django_matt import MattAPI, Schema
from django_matt.contrib.htmx.representations import html
from django_matt.contrib.realtime import live, subscribe
from tests.contrib.realtime.board.apps import log
from tests.contrib.realtime.board.models import Order

api = MattAPI()


class BoardOrder(ModelSchema):
    class Meta:
        model = Order
        fields = ["id", "status"]


class Said(Schema):
    text: str


def is_allowed(request: Any) -> bool:
    return "forbidden" not in request.GET


@api.get("/orders", response=list[BoardOrder])
@html("board/orders.html", fragment="rows")
def list_orders(request: Any, status: str = "open") -> Any:
    return Order.objects.filter(status__startswith=status).order_by("-id")


@api.get("/rows", response=list[BoardOrder])
@html("board/rows.html", fragment=["list", "upsert", "remove"])
async def list_rows(request: Any) -> Any:
    return Order.objects.order_by("id")


@subscribe(api, "/said", item=Said, allow=is_allowed)
@html("board/said.html", fragment="one")
def said(request: Any) -> list[str]:
    return ["said"]


@api.post("/said", response={204: None})
def say(request: Any, said: Said) -> Any:
    log().publish("said", said.model_dump())
    return 204, None


@api.post("/orders", response=BoardOrder)
def create_order(request: Any, status: str) -> Any:
    return Order.objects.create(status=status)


@api.put("/orders/{int:key}", response=BoardOrder)
def change_order(request: Any, key: int, status: str) -> Any:
    order = Order.objects.get(pk=key)
    order.status = status
    order.save()
    return order


@api.delete("/orders/{int:key}", response={204: None})
def delete_order(request: Any, key: int) -> Any:
    Order.objects.get(pk=key).delete()
    return 204, None


live(api, "/orders/live", list_orders)
live(api, "/rows/live", list_rows)


def hear(request: Any) -> Any:
    return render(request, "board/said.html")


urlpatterns = [path("api/", api.urls), path("said", hear), *staticfiles_urlpatterns()]
