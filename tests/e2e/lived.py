"""A project whose two apps write down when their lifespans begin and end, for servers of both kinds.

``LIVED_LOG`` is the file they write to; ``LIVED_TROUBLE`` is ``fails``, ``hangs`` or ``blocks`` for the second app's start,
``ends`` for an end that fails.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import django
from asgiref.sync import sync_to_async
from django.apps import AppConfig
from django.conf import settings

TROUBLE = os.environ.get("LIVED_TROUBLE", "")


def note(line: str) -> None:
    with Path(os.environ["LIVED_LOG"]).open("a") as log:
        log.write(f"{line}\n")


class First(AppConfig):
    name = label = "lived_first"
    path = str(Path(__file__).parent)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        note(f"{self.label} starts")
        # A task group wants to be left in the task that entered it.
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.sleep(3_600))
            yield
            task.cancel()
        # A thread is needed at the end too, as a synchronous driver's connection is closed in one.
        await sync_to_async(note)(f"{self.label} ends")


class Second(First):
    name = label = "lived_second"

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        if TROUBLE == "fails":
            raise RuntimeError("there is no broker")
        if TROUBLE == "hangs":
            await asyncio.sleep(3_600)
        if TROUBLE == "blocks":
            time.sleep(30)
        async with super().lifespan():
            yield
        if TROUBLE == "ends":
            raise RuntimeError("the broker has gone")


if not settings.configured:
    for config in (First, Second):
        sys.modules[config.name] = ModuleType(config.name)
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "ninja_extra",
            "django_matt",
            f"{__name__}.First",
            f"{__name__}.Second",
        ],
        MATT={"LIFESPAN_SECONDS": 0.5 if TROUBLE in {"hangs", "blocks"} else 10},
    )
    django.setup()

from django.urls import path  # noqa: E402

from django_matt import MattAPI  # noqa: E402
from django_matt.asgi import get_asgi_application  # noqa: E402
from django_matt.lifespans import lifespan_loop  # noqa: E402
from django_matt.wsgi import get_wsgi_application  # noqa: E402

api = MattAPI()


@api.get("/asked")
def asked(request):
    note("asked")
    loop = lifespan_loop()
    assert loop is not None
    # Synchronous code reaches what the apps have opened.
    return {"slept": asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "yes"), loop).result(10)}


urlpatterns = [path("", api.urls)]


def __getattr__(name: str) -> object:
    """Make the one application that a server asks for."""
    if name == "asgi":
        made: object = get_asgi_application()
    elif name == "wsgi":
        made = get_wsgi_application()
    else:
        raise AttributeError(name)
    globals()[name] = made
    return made
