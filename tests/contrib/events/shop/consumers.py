"""The app of events imports this module by itself."""

import os
import time
from pathlib import Path
from typing import Any

from django_matt.contrib.events.consumers import consumer
from django_matt.contrib.events.schemas import EventSchema

from .models import Effect

PAUSE = float(os.environ.get("SHOP_PAUSE", "0"))
FILE = os.environ.get("SHOP_FILE", "")


class Ordered(EventSchema, topic="shop.ordered"):
    number: int


@consumer("effects", Ordered, once=True)
def write_effect(event: Ordered, context: Any) -> None:
    Effect.objects.create(number=event.number)
    time.sleep(PAUSE)


@consumer("outside", Ordered)
def write_outside(event: Ordered, context: Any) -> None:
    if FILE:
        with Path(FILE).open("a") as file:
            file.write(f"{event.number}\n")
        time.sleep(PAUSE)
