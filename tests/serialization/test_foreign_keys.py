"""Foreign keys that refer to another column than the primary key: their type is that column's, wherever it is said."""

import uuid
from typing import Any

import pytest
from ninja import ModelSchema, Schema
from ninja.orm import create_schema

from django_matt import MattAPI
from tests.project.models import Crate, Depot

pytestmark = pytest.mark.django_db
NUMBER = uuid.UUID(int=5)


def schemas() -> dict[str, Any]:
    """Return new classes: a schema is corrected when an API first serves it."""

    class CrateOut(ModelSchema):
        class Meta:
            model = Crate
            fields = ["id", "depot", "last", "next"]

    class Loud(CrateOut):
        loud: str

        @staticmethod
        def resolve_loud(crate):
            return crate.depot_id.upper()

    class CrateIn(ModelSchema):
        class Meta:
            model = Crate
            fields = ["depot", "last"]

    class DepotOut(Schema):
        code: str
        crates: list[CrateOut]

    made = create_schema(Crate, name="CrateMade", fields=["id", "depot", "last", "next"])
    return {"out": CrateOut, "loud": Loud, "new": CrateIn, "depot": DepotOut, "made": made}


@pytest.fixture(params=["rows", "instances", "pydantic"])
def client(request, serve):
    depot = Depot.objects.create(id=7, code="north", number=NUMBER)
    Crate.objects.create(id=1001, depot=depot, last=depot, next=depot)
    Crate.objects.create(id=1002, depot=depot)
    api = MattAPI(urls_namespace=f"keys-{request.param}", tier=request.param)
    made = schemas()
    for name in ("out", "loud", "made"):
        api.get(f"/{name}", response=list[made[name]])(lambda request: Crate.objects.order_by("id"))  # type: ignore[valid-type]
    api.get("/depots", response=list[made["depot"]])(lambda request: Depot.objects.all())  # type: ignore[valid-type]

    new = made["new"]

    @api.post("/crates", response=made["out"])
    def create(request, crate: new):  # type: ignore[valid-type]
        return Crate.objects.create(depot_id=crate.depot, last_id=crate.last)

    return serve(api)


ROWS = [
    {"id": 1001, "depot": "north", "last": str(NUMBER), "next": 7},
    {"id": 1002, "depot": "north", "last": None, "next": None},
]


def test_lists_hold_what_the_column_holds(client):
    assert client.get("/api/out").json() == ROWS
    assert client.get("/api/made").json() == ROWS
    assert client.get("/api/loud").json() == [{**row, "loud": "NORTH"} for row in ROWS]
    assert client.get("/api/depots").json() == [{"code": "north", "crates": ROWS}]


def test_requests_say_what_the_column_holds(client):
    body = {"depot_id": "north", "last_id": str(NUMBER)}
    answer = client.post("/api/crates", body, content_type="application/json")
    assert answer.json()["depot"] == "north"
    assert answer.json()["last"] == str(NUMBER)
    wrong = client.post(
        "/api/crates", {"depot_id": 7, "last_id": "x"}, content_type="application/json"
    )
    assert wrong.status_code == 422
    assert b"depot" in wrong.content
    assert b"last" in wrong.content


def test_the_document_names_their_types(client):
    found = client.get("/api/openapi.json").json()["components"]["schemas"]
    for name in ("CrateOut", "CrateMade", "CrateIn"):
        columns = found[name]["properties"]
        depot, last = (columns.get(key) or columns[f"{key}_id"] for key in ("depot", "last"))
        assert depot["type"] == "string"
        last, _ = last["anyOf"]
        assert (last["type"], last["format"]) == ("string", "uuid")
    columns = found["CrateOut"]["properties"]
    assert (columns.get("next") or columns["next_id"])["anyOf"][0]["type"] == "integer"


def test_a_field_that_the_user_declares_stays(serve):
    class Declared(ModelSchema):
        depot: int | str

        class Meta:
            model = Crate
            fields = ["id", "depot"]

    api = MattAPI(urls_namespace="declared")
    api.get("/crates", response=list[Declared])(lambda request: Crate.objects.all())
    serve(api)
    assert Declared.model_fields["depot"].annotation == int | str
