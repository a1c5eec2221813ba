"""The API of the board, for the real servers of ``test_servers.py``."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from ninja import ModelSchema

from django_matt import MattAPI, Schema
from django_matt.contrib.realtime.decorators import EventStream, live, subscribe
from django_matt.contrib.realtime.hubs import _hubs, broadcast
from django_matt.contrib.realtime.sockets import Socket, socket

from .board.apps import log
from .board.models import Logged, Order

api = MattAPI()


class Numbered(Schema):
    writer: int
    number: int
    padding: str | None = None


class OrderOut(ModelSchema):
    class Meta:
        model = Order
        fields = ["id", "status"]


@api.get("/noise", response=EventStream[Numbered])
async def noise(request: Any) -> Any:
    while True:
        yield Numbered(writer=0, number=0, padding="x" * 60_000)


@subscribe(api, "/events", item=Numbered)
def events(request: Any) -> list[str]:
    return ["numbered"]


@api.post("/events", response={204: None})
def write(request: Any, event: Numbered, rolls_back: bool = False, copies: int = 1) -> Any:
    with transaction.atomic():
        for _ in range(copies):
            log().publish("numbered", event.model_dump())
        transaction.set_rollback(rolls_back)
    return 204, None


@api.get("/orders", response=list[OrderOut])
def list_orders(request: Any) -> Any:
    return Order.objects.order_by("id")


@api.post("/orders", response=OrderOut)
def create_order(request: Any) -> Any:
    return Order.objects.create()


@api.patch("/orders/{int:number}", response=OrderOut)
def change_order(request: Any, number: int, status: str) -> Any:
    order = Order.objects.get(pk=number)
    order.status = status
    order.save()
    return order


@api.delete("/orders/{int:number}")
def delete_order(request: Any, number: int) -> None:
    Order.objects.get(pk=number).delete()


@api.delete("/log")
def forget(request: Any) -> None:
    """Delete all events but the last."""
    Logged.objects.filter(position__lt=log().give_positions()).delete()


@api.get("/streams")
def count_streams(request: Any) -> int:
    return len(_hubs[-1])


live(api, "/orders/live", list_orders)


@socket(api, "/echo")
async def echo(request: Any, socket: Socket[Numbered, Numbered]) -> None:
    async for message in socket:
        await socket.send(message)


@socket(api, "/rooms/{room}")
async def room(request: Any, socket: Socket[str, str], room: str) -> None:
    await socket.join(f"room {room}")
    async for message in socket:
        await socket.broadcast(f"room {room}", message)


@api.post("/rooms/{room}")
def say(request: Any, room: str, text: str) -> None:
    broadcast(f"room {room}", text)


def page(request: Any) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Board</title>")


urlpatterns = [path("api/", api.urls), path("page", page)]
