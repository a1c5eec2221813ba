"""A project whose routes write a row with an ``Idempotency-Key``, and wait before they answer if a file says so."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.idempotency",
        ],
        DATABASES={"default": json.loads(os.environ["ORDERING_DATABASE"])},
    )
    django.setup()

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.urls import path

from django_matt import MattAPI
from django_matt.asgi import get_asgi_application
from django_matt.contrib.idempotency.decorators import idempotent

FOLDER = Path(os.environ["ORDERING_FOLDER"])

api = MattAPI()


def write() -> dict[str, Any]:
    """Write a row; wait to be killed if the test has asked for it."""
    group = Group.objects.create(name=f"order {time.time_ns()}")
    if (FOLDER / "wait").exists():
        (FOLDER / "written").touch()
        time.sleep(600)
    return {"id": group.pk, "name": group.name}


@api.post("/sync", auth=None)
@idempotent(required=True)
def order(request: HttpRequest) -> dict[str, Any]:
    return write()


@api.post("/async", auth=None)
@idempotent(required=True)
async def order_async(request: HttpRequest) -> dict[str, Any]:
    return await sync_to_async(write)()


@api.get("/orders", auth=None)
def count(request: HttpRequest) -> int:
    return Group.objects.count()


urlpatterns = [path("api/", api.urls)]
application = get_asgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
