"""An API that answers and reads anything, and requests as Django sees them."""

from typing import Any

import pytest
from django.test import RequestFactory

from django_matt import MattAPI, Status
from django_matt.formats.csv import CSV
from django_matt.formats.json import JSON
from django_matt.formats.msgpack import MessagePack
from django_matt.formats.xml import XML
from django_matt.formats.yaml import YAML

FORMATS = {made.name: made for made in (JSON(), MessagePack(), YAML(), XML(), CSV())}


@pytest.fixture
def rf() -> RequestFactory:
    return RequestFactory()


@pytest.fixture
def api() -> MattAPI:
    api = MattAPI()
    rows = [{"id": 1, "name": "Ada"}, {"id": 2, "name": "=Bob"}]

    @api.get("/rows", response=list[dict[str, Any]])
    def list_rows(request):
        return rows

    @api.get("/page", response=dict[str, Any])
    def page(request):
        return {"items": rows, "count": 2}

    @api.get("/one", response=dict[str, Any])
    def one(request):
        return {"id": 1, "name": "Ada"}

    @api.post("/one", response={201: dict[str, Any]})
    def make(request):
        return Status(201, {"id": 3})

    @api.get("/aone")
    async def aone(request):
        return {"id": 1}

    return api
